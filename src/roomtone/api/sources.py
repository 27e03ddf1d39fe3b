"""What the API reads, as Protocols, and `Sources`: one of each, handed in by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from roomtone.accounts.directory import Directory
from roomtone.clock import Clock
from roomtone.conferences.views import ConferenceView, HearingView
from roomtone.ids import Ids
from roomtone.store.rows import RequestRow
from roomtone.store.store import Store

__all__ = ["CoreStatistics", "Journal", "LiveCall", "LiveCalls", "Replay", "Rooms", "Sources"]

CoreStatistics = Callable[[], Mapping[str, int | float | Sequence[int]]]
"""Counters of the native core (`Core.stats`)."""


class LiveCall(Protocol):
    """A call that has not ended (`roomtone.calls.call`)."""

    @property
    def sid(self) -> str:
        """CA and 32 hexadecimal digits."""

    @property
    def listening(self) -> bool:
        """Whether a Gather takes its keys now."""

    @property
    def dialect_name(self) -> str:
        """As `[[numbers]]` names it ("twilio"); a label of `roomtone_calls_active`."""


class LiveCalls(Protocol):
    """`roomtone.calls.switchboard`."""

    def call(self, sid: str) -> LiveCall | None:
        """None when there is none of that sid, or it has ended."""

    def __iter__(self) -> Iterator[LiveCall]: ...


class Rooms(Protocol):
    """`roomtone.conferences`. `account_sid` None: all accounts. NotFoundError."""

    def list(self, account_sid: str | None) -> Sequence[ConferenceView]:
        """Oldest first."""

    def room(self, account_sid: str | None, conference: str) -> ConferenceView:
        """By name or by conference SID."""

    def hearing(
        self, account_sid: str | None, conference: str, talker: str | None = None, listener: str | None = None
    ) -> Sequence[HearingView]:
        """All pairs, or those of one talker or listener (call SIDs or callers), or of both. UsageError: too many."""

    @property
    def rooms_active(self) -> int:
        """Live rooms of all accounts."""

    @property
    def participants_active(self) -> int:
        """Calls in them."""


class Journal(Protocol):
    """`roomtone.webhooks.journal`."""

    def get(self, request_id: str) -> RequestRow | None:
        """Of any account. None: unknown, or no longer in memory (ask the store)."""


class Replay(Protocol):
    """`WebhookClient.replay`."""

    async def __call__(self, account_sid: str | None, request_id: str, to: str | None = None) -> RequestRow | None:
        """The new request, also when it failed. None: no request of that account (None: of any), or not kept whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """One of each."""

    clock: Clock
    ids: Ids
    directory: Directory
    store: Store
    rooms: Rooms
    calls: LiveCalls
    journal: Journal
    replay: Replay
    pieces: Callable[[str], Sequence[Path]]  # `roomtone.music.pieces`
    core_statistics: CoreStatistics = field(default=dict)
    data: Path | None = None  # whose disk `/metrics` measures; None: nothing is kept
