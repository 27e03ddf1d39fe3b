"""The store of one server: one writer, a repository a noun, housekeeping by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from roomtone.clock import Clock, Timer
from roomtone.store.calls import Calls
from roomtone.store.conferences import Conferences
from roomtone.store.database import Database, Synchronous
from roomtone.store.debug import DebugLog
from roomtone.store.events import Events
from roomtone.store.identities import Identities
from roomtone.store.requests import Requests
from roomtone.store.restart import cut_off
from roomtone.store.retention import EVERY_S, forget
from roomtone.store.rows import StoreBatch
from roomtone.store.writer import Writer

__all__ = ["Store"]

_log = structlog.get_logger("roomtone.store")


class Store:
    """Everything that outlives a call. Made by `open`."""

    def __init__(self, database: Database, clock: Clock, requests_kept: timedelta) -> None:
        self.calls = Calls(database)
        self.conferences = Conferences(database)
        self.events = Events(database)
        self.requests = Requests(database)
        self.debug = DebugLog(database)
        self.identities = Identities(database)
        self._database = database
        self._clock = clock
        self._requests_kept = requests_kept
        self._writer = Writer(database, clock)
        self._timer: Timer | None = None
        self._forgetting: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        folder: Path | None,
        clock: Clock,
        *,
        synchronous: Synchronous = "normal",
        requests_kept: timedelta = timedelta(hours=72),
    ) -> Self:
        """Opens and migrates the database in `folder` (None: in memory), and ends what the last run left open (A17). SettingsError."""
        store = cls(await Database.open(folder, clock, synchronous), clock, requests_kept)
        await store._writer.start()
        ended = 0
        while batch := await cut_off(store.calls, store.conferences, store.events, clock.wall()):
            store.commit(batch)
            await store.flush()
            ended += len(batch.calls)
        if ended:
            _log.warning("store.cut_off", calls=ended)
        await store._forget()
        store._forget_later()
        return store

    def commit(self, batch: StoreBatch) -> asyncio.Future[None]:
        """Queues the batch now; the future is done when all of it is durable, and may be left alone. Batches of 10 ms share a transaction."""
        return self._writer.commit(batch)

    async def flush(self) -> None:
        """Returns when everything committed so far is durable, without waiting for the 10 ms. For who answers a request: time may stand still."""
        await self._writer.flush()

    def subscribe(self, listener: Callable[[StoreBatch], None]) -> Callable[[], None]:
        """`listener` is told of each batch once it is durable, with the ids of its events and debug entries. Returns what ends it."""
        self._writer.listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._writer.listeners:
                self._writer.listeners.remove(listener)

        return unsubscribe

    async def check(self) -> None:
        """Raises when the database does not answer."""
        await self._database.check()

    async def close(self) -> None:
        """Writes what waits, and closes. Nothing may be committed after it."""
        if self._timer is not None:
            self._timer.cancel()
        if self._forgetting is not None:
            await asyncio.wait([self._forgetting])
        await self.flush()
        await self._database.close()

    def _forget_later(self) -> None:
        self._timer = self._clock.call_at(self._clock.now() + EVERY_S, self._begin_forgetting)

    def _begin_forgetting(self) -> None:
        self._forgetting = asyncio.get_running_loop().create_task(self._forget())
        self._forget_later()

    async def _forget(self) -> None:
        try:
            await forget(self._database, self._clock.wall(), self._requests_kept)
        except SQLAlchemyError as error:
            _log.error("store.forgetting_failed", reason=str(error))
