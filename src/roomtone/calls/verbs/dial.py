"""Dial with a Conference: the call becomes a participant of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from roomtone.calls.step import ADVANCE, FINISH, Fetch, LastRequest, Step
from roomtone.calls.visit import RoomVerb, Visit
from roomtone.rooms.join import LeaveReason
from roomtone.webhooks.report import Finding, Outcome

if TYPE_CHECKING:
    from roomtone.calls.run import Run

__all__ = ["DialConference"]

NOT_BUILT_CODE = 12200

_REFUSED = frozenset({LeaveReason.FULL, LeaveReason.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class DialConference(RoomVerb):
    """Joins a room; what then follows is its action, or the next verb."""

    NAME: ClassVar[str] = "Dial"

    action: str | None = None  # absolute; "": the document's own URL; None: the next verb
    method: Literal["GET", "POST"] = "POST"
    not_yet: tuple[str, ...] = ()  # attributes that were asked for and are not built: named in the verb's report

    async def run(self, run: Run) -> Step:
        """Stays in the room until one of the ways out; then the action, else the next verb. After a hang-up the action
        is asked once, in vain (A7).
        """
        await run.call.answer()
        if self.not_yet:
            message = f"not built yet, and without effect: {', '.join(self.not_yet)}"
            run.finding(Finding(NOT_BUILT_CODE, message, line=self.line, path=self.path))
        reason = await Visit(run, self).stay()
        if reason not in _REFUSED:
            run.did_something()
        self._report(run, reason)
        hung_up = reason is LeaveReason.HUNG_UP or run.call.is_over
        if self.action is None:
            return FINISH if hung_up else ADVANCE
        action = Fetch("action", self.action, self.method, run.dialect.dial_parameters(reason))
        return LastRequest(action) if hung_up else action

    def _report(self, run: Run, reason: LeaveReason) -> None:
        words = [f"left: {reason.name.lower().replace('_', ' ')}"]
        if self.not_yet:
            words.append(f"not built yet: {', '.join(self.not_yet)}")
        run.reports.ended(self, Outcome.FAILED if reason in _REFUSED else Outcome.RAN, "; ".join(words))
