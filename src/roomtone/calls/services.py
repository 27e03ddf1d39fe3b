"""What calls need of the rest of the server, as Protocols, and `Services`: one of each, made by the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from roomtone.calls.dialect import Dialect
    from roomtone.calls.document import Document
    from roomtone.clock import Clock
    from roomtone.conferences.participation import Participation
    from roomtone.conferences.ports import Member
    from roomtone.ids import Ids
    from roomtone.media.core import Ack, Batch, Clip, Event
    from roomtone.rooms.join import JoinRequest
    from roomtone.store.rows import AccountRow, ApplicationRow, NumberRow, StoreBatch
    from roomtone.webhooks.report import Finding, VerbReport
    from roomtone.webhooks.request import Answer, Webhook

__all__ = [
    "Clips",
    "Directory",
    "HoldMusic",
    "Journal",
    "Limits",
    "Media",
    "Rooms",
    "Route",
    "Services",
    "Speech",
    "Store",
    "Webhooks",
]


class Media(Protocol):
    """The face of the native core (`roomtone.media.core`)."""

    def batch(self) -> Batch:
        """An empty batch."""

    def submit(self, batch: Batch) -> Awaitable[Ack]:
        """Queues it now; what is returned is done when it has been applied."""

    def new_id(self) -> int:
        """For a leg, bus or player."""

    def open_leg(self, leg: int) -> int:
        """Binds its ports; the RTP port."""

    def on_leg(self, leg: int, handler: Callable[[Event], None] | None) -> None:
        """Digit, LegSilent and LegLost of that leg go to `handler`, in their order; None: to nobody any more."""

    def on_bus(self, bus: int, handler: Callable[[Event], None] | None) -> None:
        """BusLost of that bus goes to `handler`; None: to nobody any more."""

    def on_player(self, player: int, handler: Callable[[Event], None]) -> None:
        """ItemStarted, ItemDone and PlayerDone of that player go to `handler`, in their order."""


class Webhooks(Protocol):
    """The HTTP client for documents (`roomtone.webhooks.client`)."""

    async def fetch(self, webhook: Webhook) -> Answer:
        """WebhookError."""

    def forget_call(self, call_sid: str) -> None:
        """The call is over: its cookies are dropped."""


class Journal(Protocol):
    """Requests as resources (`roomtone.webhooks.journal`)."""

    def verbs(self, request_id: str, reports: Sequence[VerbReport]) -> None:
        """What became of the verbs of that answer so far."""

    def refused(self, request_id: str, code: int, message: str) -> None:
        """The answer was no document that could be run."""

    def found(self, request_id: str, findings: Sequence[Finding]) -> None:
        """What the application should know about that document, besides."""


class Speech(Protocol):
    """Text to speech (`roomtone.speech`)."""

    async def say(self, text: str, voice: str, language: str, *, account_sid: str) -> Clip:
        """SpeechError; at the account's limit too."""


class Clips(Protocol):
    """Decoded audio (`roomtone.calls.clips`)."""

    async def fetch(self, url: str, *, account_sid: str, call_sid: str) -> Clip:
        """From the application. WebhookError, MediaError."""

    async def decode(self, answer: Answer) -> Clip:
        """What was fetched already; closes `answer`. MediaError."""

    async def file(self, path: Path) -> Clip:
        """Of the server's own disk."""


class Rooms(Protocol):
    """The part of `roomtone.conferences.Conferences` that calls use."""

    async def join(
        self,
        account_sid: str,
        name: str,
        member: Member,
        request: JoinRequest,
        *,
        request_id: str | None,
        line: int | None,
        caller: str,
    ) -> Participation:
        """Into the room of that name, which is made when there is none. `request_id` and `line` say which document
        asked for it. ConferenceNameError.
        """

    def digit(self, call_sid: str, key: str) -> None:
        """A participant pressed a key that nobody acted on, and that was not heard as tones (A26)."""


class HoldMusic(Protocol):
    """Our own wait music (`roomtone.calls.hold_music`)."""

    def document(self, url: str) -> Document | None:
        """What is played in place of the document at `url`; None: it is to be fetched."""


class Store(Protocol):
    """`roomtone.store`."""

    def commit(self, batch: StoreBatch) -> Awaitable[object]:
        """Queues it now; what is returned is done when it is durable."""


class Route(Protocol):
    """Where a called number leads."""

    @property
    def account(self) -> AccountRow:
        """Whose number it is: its token signs the requests."""

    @property
    def number(self) -> NumberRow:
        """What was called, as it is registered: with its plus, if it has one."""

    @property
    def application(self) -> ApplicationRow:
        """Where the documents of its calls come from, and in which dialect."""


class Directory(Protocol):
    """Accounts, numbers and applications."""

    async def route(self, number: str) -> Route | None:
        """Of a number, with or without its plus, or a word; None when there is none that may be called."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What calls may take. Each is a setting."""

    calls_max: int = 2000  # limits.calls
    calls_per_second_max: float = 100.0  # limits.calls_per_second
    calls_per_account_max: int = 0  # limits.calls_per_account; 0: no limit of its own
    document_bytes_max: int = 65536  # webhooks.max_document_bytes
    retry_after_s: int = 5  # told to callers beyond a limit


@dataclass(slots=True)
class Services:
    """One of each."""

    clock: Clock
    ids: Ids
    media: Media
    webhooks: Webhooks
    journal: Journal
    speech: Speech
    clips: Clips
    store: Store
    rooms: Rooms
    hold_music: HoldMusic
    dialects: dict[tuple[str, str], Dialect]  # (name, API version)
    limits: Limits = field(default_factory=Limits)
    _under_way: set[asyncio.Future[Any]] = field(default_factory=set)

    def send(self, batch: Batch) -> None:
        """To the core, without waiting for it to be applied."""
        self._let_go(self.media.submit(batch))

    def record(self, batch: StoreBatch) -> None:
        """To the store, without waiting for the commit."""
        self._let_go(self.store.commit(batch))

    def _let_go(self, awaitable: Awaitable[object]) -> None:
        future = asyncio.ensure_future(awaitable)
        self._under_way.add(future)  # a task that nobody holds may be collected in mid-flight
        future.add_done_callback(self._under_way.discard)
