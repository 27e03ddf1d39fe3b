"""The one writer: batches that come within 10 ms share a transaction, and each batch is in it whole or not at all.

`commit` queues at once and returns a future that is done when the batch is durable. A batch that the database refuses fails alone: the group is tried again
one by one. Past `BATCHES_MAX` waiting batches (a disk that hangs) further ones are refused and logged, so that memory stays bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import Table, func, select
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from roomtone.clock import Clock, Timer
from roomtone.errors import RoomtoneError
from roomtone.store.database import Database
from roomtone.store.rows import StoreBatch
from roomtone.store.tables import TABLES, debug_log, events, to_record

__all__ = ["BATCHES_MAX", "GROUP_S", "Writer", "upsert"]

GROUP_S = 0.010
BATCHES_MAX = 20_000

_log = structlog.get_logger("roomtone.store")

Listener = Callable[[StoreBatch], None]


@dataclass(slots=True)
class _Waiting:
    batch: StoreBatch
    done: asyncio.Future[None]


class Writer:
    """Turns batches into transactions. `listeners` are told of each batch once it is committed, with the ids that it got."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.listeners: list[Listener] = []
        self._database = database
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._event_id = 0
        self._debug_id = 0

    async def start(self) -> None:
        """Finds where the counting of events and debug entries goes on."""
        async with self._database.reading() as connection:
            self._event_id = await connection.scalar(select(func.max(events.c.id))) or 0
            self._debug_id = await connection.scalar(select(func.max(debug_log.c.id))) or 0

    @property
    def last_event_id(self) -> int:
        """Of the newest committed event."""
        return self._event_id

    def commit(self, batch: StoreBatch) -> asyncio.Future[None]:
        """Queues the batch; the future is done when it is durable, and may be left alone."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.add_done_callback(_retrieved)
        if not batch:
            done.set_result(None)
        elif len(self._waiting) >= BATCHES_MAX:
            _log.error("store.refused", reason="too many batches wait", waiting=BATCHES_MAX)
            done.set_exception(RoomtoneError("store_overloaded", "The store does not keep up.", "Look at the disk."))
        else:
            self._waiting.append(_Waiting(batch, done))
            if self._timer is None and self._task is None:
                self._timer = self._clock.call_at(self._clock.now() + GROUP_S, self._begin)
        return done

    async def flush(self) -> None:
        """Writes what waits now, without the rest of the 10 ms. For who holds the ledger, and for whom time stands still."""
        if self._timer is not None:
            self._timer.cancel()
            self._begin()
        if self._task is not None:
            await asyncio.shield(self._task)

    def _begin(self) -> None:
        self._timer = None
        self._task = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            with self._clock.ledger.hold("store: committing"):
                while self._waiting:
                    group, self._waiting = self._waiting, []
                    await self._write_group(group)
        finally:
            self._task = None

    async def _write_group(self, group: list[_Waiting]) -> None:
        try:
            await self._write([waiting.batch for waiting in group], group)
        except Exception as error:  # whatever it is, it must not keep the writer from the next batch
            if len(group) > 1:
                for waiting in group:
                    await self._write_group([waiting])
            else:
                _log.error("store.failed", reason=str(error))
                group[0].done.set_exception(error)

    async def _write(self, batches: Sequence[StoreBatch], group: list[_Waiting]) -> None:
        event_id, debug_id = self._event_id, self._debug_id
        numbered = []
        for batch in batches:
            dated = [replace(row, id=event_id + place) for place, row in enumerate(batch.events, 1)]
            logged = [replace(row, id=debug_id + place) for place, row in enumerate(batch.debug, 1)]
            event_id, debug_id = event_id + len(dated), debug_id + len(logged)
            numbered.append(replace(batch, events=dated, debug=logged))
        async with self._database.writing() as connection:
            await _store(connection, numbered)
        self._event_id, self._debug_id = event_id, debug_id
        for waiting, batch in zip(group, numbered, strict=True):
            self._tell(batch)
            waiting.done.set_result(None)

    def _tell(self, batch: StoreBatch) -> None:
        for listener in tuple(self.listeners):
            try:
                listener(batch)
            except Exception:  # a listener's fault is not the writer's
                _log.exception("store.listener_failed")


async def _store(connection: AsyncConnection, batches: Sequence[StoreBatch]) -> None:
    for kind in ("calls", "conferences", "participants", "requests"):
        newest: dict[str, Any] = {}
        for batch in batches:
            for row in getattr(batch, kind):
                newest[row.id if kind == "requests" else row.sid] = row
        await _execute(connection, list(newest.values()))
    await _execute(connection, [row for batch in batches for row in batch.events])
    await _execute(connection, [row for batch in batches for row in batch.debug])


async def _execute(connection: AsyncConnection, rows: Sequence[Any]) -> None:
    if rows:
        await connection.execute(upsert(TABLES[type(rows[0])]), [to_record(row) for row in rows])


def upsert(table: Table) -> Insert:
    """INSERT, or all columns anew when the row is there."""
    statement = _UPSERTS.get(table.name)
    if statement is None:
        plain = insert(table)
        keys = [column.name for column in table.primary_key]
        changed = {column.name: plain.excluded[column.name] for column in table.columns if column.name not in keys}
        statement = _UPSERTS[table.name] = plain.on_conflict_do_update(index_elements=keys, set_=changed)
    return statement


_UPSERTS: dict[str, Insert] = {}


def _retrieved(future: asyncio.Future[None]) -> None:
    """Marks a failure as seen: it is logged here, and whoever awaits the future gets it all the same."""
    if not future.cancelled():
        future.exception()
