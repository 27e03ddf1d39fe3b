"""How repositories read: select with the tenant wall in it, records as rows.

`account` None means all accounts, which only the operator's admin token may ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Select, Table, select

from roomtone.store.database import Database
from roomtone.store.tables import TABLES, from_record

__all__ = ["PAGE_MAX", "fetch", "fetch_one", "of_account"]

PAGE_MAX = 1000
"""Rows in one answer at most."""

Row = TypeVar("Row")


def of_account(table: Table, account: str | None) -> Select[tuple[object, ...]]:
    """SELECT of the rows that belong to `account`."""
    statement = select(table)
    return statement if account is None else statement.where(table.c.account_sid == account)


async def fetch(database: Database, row: type[Row], statement: Select[tuple[object, ...]]) -> Sequence[Row]:
    """The rows of a statement over the table of `row`, `PAGE_MAX` at most."""
    assert row in TABLES
    if statement._limit is None:
        statement = statement.limit(PAGE_MAX)
    async with database.reading() as connection:
        result = await connection.execute(statement)
        return [from_record(row, record) for record in result.mappings()]


async def fetch_one(database: Database, row: type[Row], statement: Select[tuple[object, ...]]) -> Row | None:
    """The first of them."""
    rows = await fetch(database, row, statement.limit(1))
    return rows[0] if rows else None
