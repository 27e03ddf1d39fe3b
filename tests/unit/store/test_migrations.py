"""The migrations lead to exactly the tables of the code."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from roomtone.store.database import _migrate
from roomtone.store.tables import metadata


def test_migrations_and_tables_agree() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        _migrate(connection)
        assert differences(connection) == []


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [
        difference for difference in compare_metadata(context, metadata) if "alembic_version" not in str(difference)
    ]
