"""The one SQLite database of a server: opening, migrating, and the way to a connection.

On disk: write-ahead log, one writer and several readers at a time. `synchronous = normal` is safe against a killed process, `full` against a power cut too.
In memory (`dev` without --data) there is one connection, so readers and the writer take turns. Whoever works with it holds the clock's ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, StaticPool, event, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from roomtone.clock import Clock
from roomtone.errors import SettingsError
from roomtone.store.migrations import HEAD
from roomtone.store.tables import metadata

__all__ = ["FILE_NAME", "Database", "Synchronous"]

FILE_NAME = "roomtone.sqlite"
LOCK_WAIT_S = 5
READERS_MAX = 4
_MIGRATIONS = Path(__file__).parent / "migrations"

Synchronous = Literal["normal", "full"]


class Database:
    """An open, migrated database. Made by `open`."""

    def __init__(self, engine: AsyncEngine, clock: Clock, *, in_memory: bool) -> None:
        self._engine = engine
        self._clock = clock
        self._turns = asyncio.Lock()
        self._reading_takes_turns = in_memory

    @classmethod
    async def open(cls, folder: Path | None, clock: Clock, synchronous: Synchronous = "normal") -> Database:
        """In `folder`, which is made when it is missing; None: in memory. SettingsError when that cannot be."""
        if folder is None:
            engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        else:
            _prepare(folder)
            engine = create_async_engine(
                f"sqlite+aiosqlite:///{folder / FILE_NAME}", pool_size=READERS_MAX + 1, max_overflow=0
            )
        event.listen(engine.sync_engine, "connect", lambda connection, _: _configure(connection, synchronous))
        database = cls(engine, clock, in_memory=folder is None)
        try:
            async with database.writing() as connection:
                await connection.run_sync(metadata.create_all if folder is None else migrate)
        except BaseException as error:
            await engine.dispose()
            if not isinstance(error, DatabaseError):
                raise
            raise SettingsError(
                "server.data",
                f"{folder}/{FILE_NAME} cannot be opened ({error.orig})",
                "Name a folder that this user can write to, with a database of this version of Roomtone or none.",
            ) from None
        return database

    async def close(self) -> None:
        """Waits for who works with it."""
        async with self._turns:
            await self._engine.dispose()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees what has been committed."""
        turn = self._turns if self._reading_takes_turns else contextlib.nullcontext()
        with self._clock.ledger.hold("store: reading"):
            async with turn, self._engine.connect() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end of the block; one at a time."""
        with self._clock.ledger.hold("store: writing"):
            async with self._turns, self._engine.begin() as connection:
                yield connection

    async def check(self) -> None:
        """Raises when the database does not answer (`/readyz`)."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            "server.data",
            f"{folder} cannot be written to ({error.strerror})",
            "Name a folder that this user can write to (--data, server.data).",
        ) from None


def _configure(connection: Any, synchronous: Synchronous) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        f"synchronous={synchronous.upper()}",
        f"busy_timeout={LOCK_WAIT_S * 1000}",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def migrate(connection: Connection) -> None:
    """From whatever version's tables there are to this one's. Alembic is only loaded when there is something to do: it costs a third of a second."""
    if inspect(connection).has_table("alembic_version"):
        known = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if known == HEAD:
            return
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:  # a version that we do not know
        raise SettingsError(
            "server.data",
            f"the database is of a newer Roomtone ({error})",
            "Start the version that wrote it, or name another folder.",
        ) from None
