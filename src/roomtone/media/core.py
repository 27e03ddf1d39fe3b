"""The face of the native core for the rest of Python: batches out, events in, in order.

`Media.pump` drains the core and hands each event to whom it belongs, synchronously and in order; only then are waiters resolved. So whoever has an
acknowledgement has seen everything that came before it on that worker.

A fault of the core's own: one inside a bus ends that bus (`BusLost`) and its legs, and is logged here; one that ends a thread ends the core (`lose`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from roomtone import _native
from roomtone._native import (
    Ack,
    Batch,
    BusLost,
    Clip,
    Core,
    Digit,
    ItemDone,
    ItemStarted,
    LegLost,
    LegSilent,
    LimitReached,
    MediaError,
    Network,
    PlayerDone,
    TapReady,
    ThreadLost,
)

if TYPE_CHECKING:
    from roomtone._native import Codec, Event  # types only: the names, and the union of the events

__all__ = [
    "Ack",
    "Batch",
    "BusLost",
    "Clip",
    "Codec",
    "Core",
    "Digit",
    "Event",
    "ItemDone",
    "ItemStarted",
    "LegLost",
    "LegSilent",
    "LimitReached",
    "Media",
    "MediaError",
    "Network",
    "PlayerDone",
    "TapReady",
    "ThreadLost",
]

_log = structlog.get_logger("roomtone.media")

Handler = Callable[["Event"], None]

_OF_LEG = (_native.Digit, _native.LegSilent, _native.LegLost)
_OF_PLAYER = (_native.ItemStarted, _native.ItemDone, _native.PlayerDone)


class Media:
    """One core and those who wait for its events. `on_sip` gets every signalling event, `on_lost` is told that the core cannot go on."""

    def __init__(self, core: Core, on_sip: Handler | None = None) -> None:
        self.core = core
        self.on_sip: Handler = on_sip or (lambda _event: None)
        self.on_lost: Callable[[], None] = lambda: None
        self.lost = ""  # what ended the core, if something did
        self._legs: dict[int, Handler] = {}
        self._buses: dict[int, Handler] = {}
        self._players: dict[int, Handler] = {}
        self._taps: dict[int, Handler] = {}
        self._acks: dict[int, asyncio.Future[Ack]] = {}

    def batch(self) -> Batch:
        """An empty batch."""
        return Batch()

    def new_id(self) -> int:
        """An id for a leg, bus, player or tap; never used again."""
        return self.core.new_id()

    def open_leg(self, leg: int) -> int:
        """Binds the ports of a new leg at once; the RTP port. LimitReached."""
        return self.core.open_leg(leg)

    def submit(self, batch: Batch) -> asyncio.Future[Ack]:
        """Queues a batch now; the future is its acknowledgement, to be awaited or left alone."""
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        if self.lost:
            future.cancel()
        else:
            self._acks[self.core.submit(batch)] = future
        return future

    def on_leg(self, leg: int, handler: Handler | None) -> None:
        """Who gets the digits, the silence and the loss of a leg; None: nobody any more."""
        _set(self._legs, leg, handler)

    def on_bus(self, bus: int, handler: Handler | None) -> None:
        """Who is told that a fault ended a bus (BusLost); None: nobody any more."""
        _set(self._buses, bus, handler)

    def on_player(self, player: int, handler: Handler) -> None:
        """Who gets the items and the end of a player; forgotten after its PlayerDone."""
        self._players[player] = handler

    def on_tap(self, tap: int, handler: Handler | None) -> None:
        """Who is told that a tap has gathered samples; None: nobody any more."""
        _set(self._taps, tap, handler)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Pumps whenever the core rings (live)."""
        loop.add_reader(self.core.fileno(), self.pump)

    def close(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Stops the core. Who still waits for an acknowledgement is cancelled."""
        if loop is not None:
            loop.remove_reader(self.core.fileno())
        self.core.close()
        self._cancel_all()

    def lose(self, thread: str, reason: str) -> None:
        """A thread of the core has ended by a fault: nobody waits for it any more, and the core cannot go on."""
        _log.critical("core.thread_failed", thread=thread, reason=reason)
        self.lost = f"{thread}: {reason}"
        self._cancel_all()
        self.on_lost()

    def _cancel_all(self) -> None:
        for future in self._acks.values():
            future.cancel()
        self._acks.clear()

    def pump(self) -> None:
        """Hands out everything that waits."""
        acks: list[Ack] = []
        for event in self.core.drain():
            if isinstance(event, _native.Ack):
                acks.append(event)
                continue
            try:
                self._hand_out(event)
            except Exception:  # one handler's fault must not keep events from the others
                _log.exception("media.handler_failed", media_event=type(event).__name__)
        for ack in acks:
            future = self._acks.pop(ack.batch, None)
            if future is not None and not future.done():
                future.set_result(ack)

    def _hand_out(self, event: Event) -> None:
        if isinstance(event, _OF_LEG):
            handler = self._legs.get(event.leg)
        elif isinstance(event, _native.BusLost):
            _log.error("core.bus_failed", bus=event.bus, reason=event.reason)
            handler = self._buses.pop(event.bus, None)
        elif isinstance(event, _native.ThreadLost):
            return self.lose(event.thread, event.reason)
        elif isinstance(event, _native.PlayerDone):
            handler = self._players.pop(event.player, None)
        elif isinstance(event, _OF_PLAYER):
            handler = self._players.get(event.player)
        elif isinstance(event, _native.TapReady):
            handler = self._taps.get(event.tap)
        else:
            handler = self.on_sip
        if handler is not None:
            handler(event)
        return None


def _set(handlers: dict[int, Handler], key: int, handler: Handler | None) -> None:
    if handler is None:
        handlers.pop(key, None)
    else:
        handlers[key] = handler
