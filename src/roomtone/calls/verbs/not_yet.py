"""A verb of the platform that Roomtone knows and has not built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from roomtone.calls.directive import Directive
from roomtone.calls.step import ADVANCE, Step
from roomtone.webhooks.report import Finding, Outcome

if TYPE_CHECKING:
    from roomtone.calls.run import Run

__all__ = ["NotYet"]

UNSUPPORTED_VERB_CODE = 12200


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet(Directive):
    """Is reported as not yet, with `what` in the words of the page ("Record", "Dial with Number"), and skipped."""

    NAME: ClassVar[str] = "NotYet"

    what: str

    async def run(self, run: Run) -> Step:
        """Says so in the report and in the debug log."""
        reason = f"{self.what} is not built yet; it was skipped"
        run.reports.ended(self, Outcome.NOT_YET, reason, UNSUPPORTED_VERB_CODE)
        run.finding(Finding(UNSUPPORTED_VERB_CODE, reason, line=self.line, path=self.path))
        return ADVANCE
