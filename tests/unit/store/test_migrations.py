"""The migrations lead to exactly the tables of the code."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from roomtone.clock import LiveClock
from roomtone.errors import SettingsError
from roomtone.store.database import FILE_NAME, Database, migrate
from roomtone.store.migrations import HEAD
from roomtone.store.tables import metadata


def test_migrations_and_tables_agree() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate(connection)
        assert differences(connection) == []
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [
        difference for difference in compare_metadata(context, metadata) if "alembic_version" not in str(difference)
    ]


async def test_the_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    await (await Database.open(tmp_path, LiveClock())).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="newer Roomtone"):
        await Database.open(tmp_path, LiveClock())
