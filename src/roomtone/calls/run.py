"""A run, as its verbs find it: whose it is, what it is for, where it sounds, and the document that it is at. `calls.interpreter` leads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from roomtone.calls.pacing import Pacing
from roomtone.calls.sources import Sources

if TYPE_CHECKING:
    from roomtone.calls.call import Call
    from roomtone.calls.document import Verb
    from roomtone.calls.reports import Reports
    from roomtone.media.core import Batch
    from roomtone.webhooks.report import Finding

__all__ = ["Purpose", "Run", "Sink"]

FINDINGS_MAX = 200
"""Entries of the debug log that one document may cause; the request's report names every verb all the same."""


@dataclass(frozen=True, slots=True)
class Sink:
    """Where a run sounds: in the ear of one leg, or on a bus."""

    leg: int = 0
    bus: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a run is for, and what it may do."""

    kind: Literal["main", "wait"]
    allowed: frozenset[type[Verb]] | None = None  # None: every verb
    parameters: tuple[tuple[str, str], ...] = ()  # with every request of the run
    conference_sid: str | None = None


class Run:
    """One chain of documents of one call."""

    def __init__(self, call: Call, purpose: Purpose, sink: Sink) -> None:
        self.call = call
        self.services = call.services
        self.dialect = call.dialect
        self.purpose = purpose
        self.sink = sink
        self.url = ""  # of the document that runs
        self.request_id = ""  # that brought it
        self.reports: Reports  # of its verbs
        self.sources = Sources(call.services, call.route.account.sid, call.sid)
        self.pacing = Pacing(self.services.clock)
        self.sounding: Callable[[Batch], None] | None = None  # ends the playlist that plays, within that batch
        self._findings = 0  # of the document that runs

    def turn_to(self, url: str, request_id: str) -> None:
        """Another document runs from now on."""
        self.url = url
        self.request_id = request_id
        self._findings = 0

    def stop_sound(self, batch: Batch) -> None:
        """What sounds ends within `batch`; the run itself is to be cancelled beside it."""
        if self.sounding is not None:
            self.sounding(batch)

    def did_something(self) -> None:
        """A verb took its time: the chain is no endless one (A16)."""
        self.pacing.did_something()

    def finding(self, finding: Finding, conference_sid: str | None = None) -> None:
        """Into the debug log, and to the request of this run's document."""
        self.find((finding,), conference_sid)

    def find(self, findings: Sequence[Finding], conference_sid: str | None = None) -> None:
        """The same for several; of one document not more than `FINDINGS_MAX`."""
        kept = findings[: FINDINGS_MAX - self._findings]
        if not kept:
            return
        self._findings += len(kept)
        for finding in kept:
            self.call.debug_log.finding(
                finding, self.request_id, self.url, conference_sid or self.purpose.conference_sid
            )
        self.services.journal.found(self.request_id, kept)
