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
    def sid(self) -> str: ...

    @property
    def listening(self) -> bool:
        """Whether a Gather takes its keys now."""

    @property
    def dialect_name(self) -> str: ...


class LiveCalls(Protocol):
    """`roomtone.calls.switchboard`."""

    def call(self, sid: str) -> LiveCall | None: ...

    def __iter__(self) -> Iterator[LiveCall]: ...


class Rooms(Protocol):
    """`roomtone.conferences`. `account_sid` None: all accounts. NotFoundError."""

    def list(self, account_sid: str | None) -> Sequence[ConferenceView]: ...

    def room(self, account_sid: str | None, conference: str) -> ConferenceView: ...

    def hearing(
        self, account_sid: str | None, conference: str, talker: str | None = None, listener: str | None = None
    ) -> Sequence[HearingView]: ...

    @property
    def rooms_active(self) -> int: ...

    @property
    def participants_active(self) -> int: ...


class Journal(Protocol):
    """`roomtone.webhooks.journal`."""

    def get(self, request_id: str) -> RequestRow | None: ...


class Replay(Protocol):
    """`WebhookClient.replay`."""

    async def __call__(self, account_sid: str | None, request_id: str, to: str | None = None) -> RequestRow | None: ...


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
