"""What becomes of the verbs of one document, told to its request as it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from roomtone.calls.document import Document, Verb
from roomtone.webhooks.report import Outcome, VerbReport

if TYPE_CHECKING:
    from roomtone.clock import Clock

__all__ = ["Reports"]


class Reports:
    """The reports of one document, in the order of its text. `publish` gets all of them after each change."""

    def __init__(self, document: Document, clock: Clock, publish: Callable[[Sequence[VerbReport]], None]) -> None:
        self._clock = clock
        self._publish = publish
        self._by_verb: dict[int, VerbReport] = {}  # by identity: two equal verbs are two
        own = [self._blank(verb) for verb in document.verbs]
        self.all = sorted([*own, *document.ignored], key=lambda report: report.line or 0)
        self._publish(self.all)

    def _blank(self, verb: Verb) -> VerbReport:
        report = VerbReport(path=verb.path, line=verb.line)
        self._by_verb[id(verb)] = report
        report.children = [self._blank(child) for child in verb.nested()]
        return report

    def started(self, verb: Verb) -> None:
        """It runs now."""
        report = self._by_verb[id(verb)]
        report.outcome = Outcome.RAN
        report.started = self._now()
        self._publish(self.all)

    def ended(self, verb: Verb, outcome: Outcome = Outcome.RAN, reason: str = "", code: int | None = None) -> None:
        """It is over, or was never begun (`outcome` says which)."""
        report = self._by_verb[id(verb)]
        report.outcome = outcome
        report.reason = reason or report.reason
        report.code = code if code is not None else report.code
        if report.started is not None or outcome is Outcome.RAN:
            report.ended = self._now()
        self._publish(self.all)

    def close(self, verbs: Iterable[Verb], reason: str) -> None:
        """Those of `verbs` that still run are over, for `reason`."""
        for verb in verbs:
            report = self._by_verb[id(verb)]
            if report.started is not None and report.ended is None:
                self.ended(verb, reason=reason)

    def _now(self) -> str:
        return self._clock.wall().isoformat(timespec="milliseconds").replace("+00:00", "Z")
