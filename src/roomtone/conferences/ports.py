"""What conferences need of calls, of the media core and of the store: nothing more than this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from roomtone.rooms.join import LeaveReason
from roomtone.store.rows import StoreBatch

if TYPE_CHECKING:
    from roomtone.media.core import Ack, Batch

__all__ = ["Media", "Member", "Store"]


class Member(Protocol):
    """A call, as its conference sees it. Everything here is called synchronously, within the room's queue, and must
    return at once.
    """

    @property
    def call_sid(self) -> str:
        """The participant's name in the room, for as long as it is there."""

    @property
    def leg(self) -> int:
        """Its media."""

    @property
    def private_bus(self) -> int:
        """Where the leg lives before and after the room."""

    def start_wait(self, conference_sid: str, friendly_name: str) -> None:
        """Its wait music may begin: into its own leg, in its own time. The batch that lets it wait is on its way."""

    def stop_wait(self, batch: Batch) -> None:
        """Its wait music ends: adds the stop of its player to this very batch, and starts no other. Harmless when
        there is none.
        """

    def left(self, reason: LeaveReason) -> None:
        """It is out of the room, and its leg is on the private bus again. Once for each join."""


class Media(Protocol):
    """The part of `roomtone.media.core.Media` that is used here."""

    def batch(self) -> Batch:
        """An empty batch."""

    def submit(self, batch: Batch) -> Awaitable[Ack]:
        """Queues the batch before it returns; what is returned is done when it has been applied."""

    def new_id(self) -> int:
        """For a bus or a player; never used again."""

    def on_bus(self, bus: int, handler: Callable[[Any], None] | None) -> None:
        """BusLost of that bus goes to `handler`; None: to nobody any more."""

    def on_player(self, player: int, handler: Callable[[Any], None]) -> None:
        """ItemStarted, ItemDone and at last PlayerDone of that player go to `handler`."""


class Store(Protocol):
    """The part of `roomtone.store` that is used here."""

    def commit(self, batch: StoreBatch) -> Awaitable[object]:
        """Queues the batch before it returns, behind all earlier ones; what is returned is done when it is durable."""
