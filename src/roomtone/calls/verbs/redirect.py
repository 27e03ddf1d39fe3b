"""Redirect: another document takes over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from roomtone.calls.directive import Directive
from roomtone.calls.step import Fetch, Step

if TYPE_CHECKING:
    from roomtone.calls.run import Run

__all__ = ["Redirect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Directive):
    """Fetches `url` and runs it; the rest of this document is not reached. Does not answer the call."""

    NAME: ClassVar[str] = "Redirect"

    url: str = ""  # absolute; empty: the document's own URL
    method: Literal["GET", "POST"] = "POST"

    async def run(self, run: Run) -> Step:
        """Names the next document; the wait run keeps its own kind of request."""
        return Fetch("wait" if run.purpose.kind == "wait" else "redirect", self.url, self.method)
