"""Consecutive Say, Play and Pause: one player of the core, without a gap and without Python between.

While an item sounds, the following ones are prepared (spoken, fetched, decoded) and appended, up to `AHEAD_MAX` of
them. An item that cannot be prepared fails alone: it is reported, and the next one follows.

Digits that a Play sends have no place in a player: their time is taken by silence in it, and they leave when that
silence begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog

from roomtone.calls.playable import ClipItem, DigitsItem, Item, Playable, SilenceItem
from roomtone.calls.sources import PlayableError
from roomtone.media.core import ItemDone, ItemStarted, PlayerDone
from roomtone.webhooks.report import Finding, Outcome

if TYPE_CHECKING:
    from roomtone.calls.run import Run
    from roomtone.media.core import Batch, Event

__all__ = ["Playlist"]

_log = structlog.get_logger("roomtone.calls")

AHEAD_MAX = 3  # items prepared and not begun; more would fetch and speak what may never be heard


class Playlist:
    """One player and the verbs it plays."""

    def __init__(self, run: Run, verbs: Sequence[Playable], *, stop_on_digit: bool = False) -> None:
        self._run = run
        self._verbs = verbs
        self._stop_on_digit = stop_on_digit
        self._media = run.services.media
        self._reports = run.reports  # of this document: the run may be at another when the core has its last word
        self._player = 0
        self._playing: list[tuple[Playable, Item]] = []  # by item number of the player
        self._waiting = 0  # appended and not begun
        self._room_ahead = asyncio.Event()
        self._done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._over = False

    async def play(self) -> bool:
        """Returns when all has been played: True; or when a key or an end of the leg cut it short: False."""
        preparing = asyncio.create_task(self._prepare())
        self._run.sounding = self.stop
        try:
            under_way: set[asyncio.Future[Any]] = {preparing, self._done}
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            if preparing.done():
                preparing.result()  # a fault of ours must not look like a player that never ends
                if not self._player:
                    return True
            reason = await self._done
            if reason == "gone":
                _log.warning("call.player_gone", call_sid=self._run.call.sid)  # its leg had ended and the call not
            return reason == "finished"
        finally:
            self._run.sounding = None
            preparing.cancel()
            self.stop()
            self._reports.close(self._verbs, "cut short")

    def stop(self, batch: Batch | None = None) -> None:
        """Silence, in `batch` or in one of its own. Again is harmless."""
        if self._over:
            return
        self._over = True
        if self._player and not self._done.done():
            own = batch or self._media.batch()
            own.stop(self._player)
            if batch is None:
                self._run.services.send(own)

    async def _prepare(self) -> None:
        for verb in self._verbs:
            await self._has_room()
            try:
                item = await verb.prepare(self._run.sources)
            except PlayableError as error:
                self._reports.ended(verb, Outcome.FAILED, error.message, error.code)
                level = self._run.dialect.level(error.code)
                self._run.finding(Finding(error.code, error.message, level, line=verb.line, path=verb.path))
                continue
            if self._over:
                return
            if item is None:
                self._reports.ended(verb)
                continue
            self._append(verb, item)
        if self._player and not self._over:
            batch = self._media.batch()
            batch.finish(self._player)
            self._run.services.send(batch)

    async def _has_room(self) -> None:
        while self._waiting >= AHEAD_MAX:
            self._room_ahead.clear()
            await self._room_ahead.wait()

    def _append(self, verb: Playable, item: Item) -> None:
        batch = self._media.batch()
        if not self._player:
            self._player = self._media.new_id()
            self._media.on_player(self._player, self._on_event)
            sink = self._run.sink
            batch.play(self._player, leg=sink.leg, bus=sink.bus, stop_on_digit=self._stop_on_digit)
        match item:
            case ClipItem():
                batch.append_clip(self._player, item.clip, item.loops)
            case SilenceItem() | DigitsItem():
                batch.append_silence(self._player, item.milliseconds)
        self._playing.append((verb, item))
        self._waiting += 1
        self._run.services.send(batch)

    def _on_event(self, event: Event) -> None:
        match event:
            case ItemStarted() if not self._over:
                self._item_started(event.item)
            case ItemDone() if not self._over:
                self._reports.ended(self._playing[event.item][0])
            case PlayerDone() if not self._done.done():
                self._done.set_result(event.reason)
            case _:
                pass

    def _item_started(self, number: int) -> None:
        verb, item = self._playing[number]
        self._waiting -= 1
        self._room_ahead.set()
        self._run.did_something()
        self._reports.started(verb)
        if isinstance(item, DigitsItem):
            batch = self._media.batch()
            batch.send_digits(self._run.sink.leg, item.digits)
            self._run.services.send(batch)
