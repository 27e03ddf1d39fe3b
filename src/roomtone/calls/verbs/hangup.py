"""Hangup and Reject: the ways a document ends its call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from roomtone.calls.directive import Directive
from roomtone.calls.step import FINISH, Step

if TYPE_CHECKING:
    from roomtone.calls.run import Run

__all__ = ["Hangup", "Reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup(Directive):
    """Ends the call. Only Reject avoids the answer: as the first verb this one answers before it hangs up."""

    NAME: ClassVar[str] = "Hangup"

    async def run(self, run: Run) -> Step:
        """Answers, if nothing did yet; the call hangs up at the end of its run."""
        await run.call.answer()
        return FINISH


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Directive):
    """Refuses a call that was not answered yet; of an answered one it is a Hangup."""

    NAME: ClassVar[str] = "Reject"

    reason: Literal["rejected", "busy"] = "rejected"

    async def run(self, run: Run) -> Step:
        """Says no, if it is not too late for it."""
        if not run.call.answered:
            run.call.reject(busy=self.reason == "busy")
        return FINISH
