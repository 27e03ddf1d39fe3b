"""A floor for conferences: a media core that keeps what it is told and acknowledges when the test says so, and a store
that keeps what it is given. Both stand outside of the conferences; everything inside is real.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from roomtone.clock import VirtualClock
from roomtone.conferences import Conferences, Participation
from roomtone.ids import Ids
from roomtone.rooms.join import JoinRequest, LeaveReason, Sound, Tone
from roomtone.rooms.room import RoomRules
from roomtone.store.rows import StoreBatch

ENTER = Sound(tone=Tone(440.0, 120, -12.0))
EXIT = Sound(tone=Tone(330.0, 120, -12.0))
ACCOUNT = "AC00000000000000000000000000000001"


class Batch:
    def __init__(self) -> None:
        self.commands: list[tuple[Any, ...]] = []

    def __getattr__(self, command: str) -> Callable[..., None]:
        def keep(*arguments: Any, **named: Any) -> None:
            self.commands.append((command, *arguments, *named.values()))

        return keep


@dataclass
class PlayerDone:
    player: int
    reason: str = "finished"


@dataclass
class ItemDone:
    player: int
    item: int


class Media:
    """Acknowledges at once, unless `holds`."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[Any, ...]]] = []
        self.handlers: dict[int, Callable[[Any], None]] = {}
        self.buses: dict[int, Callable[[Any], None]] = {}
        self.holds = False
        self._held: list[asyncio.Future[None]] = []
        self._id = 1000

    def batch(self) -> Batch:
        return Batch()

    def submit(self, batch: Batch) -> asyncio.Future[None]:
        self.batches.append(batch.commands)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.holds:
            self._held.append(future)
        else:
            future.set_result(None)
        return future

    def acknowledge(self) -> None:
        for future in self._held:
            future.set_result(None)

    def new_id(self) -> int:
        self._id += 1
        return self._id

    def on_bus(self, bus: int, handler: Callable[[Any], None] | None) -> None:
        if handler is None:
            self.buses.pop(bus, None)
        else:
            self.buses[bus] = handler

    def on_player(self, player: int, handler: Callable[[Any], None]) -> None:
        self.handlers[player] = handler

    def play_to_the_end(self) -> None:
        """Every player that plays now."""
        players, self.handlers = self.handlers, {}
        for player, handler in players.items():
            handler(ItemDone(player, 0))
            handler(PlayerDone(player))

    @property
    def commands(self) -> list[tuple[Any, ...]]:
        return [command for batch in self.batches for command in batch]


class Store:
    def __init__(self) -> None:
        self.batches: list[StoreBatch] = []

    def commit(self, batch: StoreBatch) -> asyncio.Future[None]:
        self.batches.append(batch)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    @property
    def events(self) -> list[Any]:
        return [event for batch in self.batches for event in batch.events]

    def told(self, conference_sid: str | None = None) -> list[str]:
        mine = (event for event in self.events if conference_sid in (None, event.conference_sid))
        return [f"{event.event} {event.call_sid}" if event.call_sid else event.event for event in mine]


class Caller:
    """A `conferences.Member`. Its leg is its number, its private bus the number after a hundred."""

    def __init__(self, call_sid: str, leg: int) -> None:
        self.call_sid = call_sid
        self.leg = leg
        self.private_bus = 100 + leg
        self.has_music = False
        self.lefts: list[LeaveReason] = []
        self.fails = False

    def start_wait(self, conference_sid: str, friendly_name: str) -> None:
        assert conference_sid.startswith("CF")
        assert friendly_name
        self.has_music = True
        if self.fails:
            raise RuntimeError("start_wait")

    def stop_wait(self, batch: Batch) -> None:
        self.has_music = False
        batch.stop(500 + self.leg)
        if self.fails:
            raise RuntimeError("stop_wait")

    def left(self, reason: LeaveReason) -> None:
        self.lefts.append(reason)


class Floor:
    def __init__(self, rules: RoomRules | None = None) -> None:
        self.media = Media()
        self.store = Store()
        self.clock = VirtualClock()
        ids = Ids(random.Random(7))
        self.conferences = Conferences(media=self.media, store=self.store, clock=self.clock, ids=ids, rules=rules)
        self.callers: dict[str, Caller] = {}

    def caller(self, call_sid: str) -> Caller:
        return self.callers.setdefault(call_sid, Caller(call_sid, len(self.callers) + 1))

    async def join(
        self, call_sid: str, room: str = "Room 1234", *, account: str = ACCOUNT, line: int = 3, **rules: Any
    ) -> Participation:
        request = JoinRequest(call_sid, **{"enter_sound": ENTER, "exit_sound": EXIT, **rules})
        return await self.conferences.join(
            account, room, self.caller(call_sid), request, request_id=f"RQ{call_sid}", line=line, caller=f"+{call_sid}"
        )

    async def settle(self) -> None:
        """Lets everything that follows from what happened happen."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(lambda: loop.call_soon(future.set_result, None)))
        await future
