"""Accounts, their numbers, and the applications that answer these. Few rows, read whole at the start, written at once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select

from roomtone.store.database import Database
from roomtone.store.query import of_account
from roomtone.store.rows import AccountRow, ApplicationRow, NumberRow
from roomtone.store.tables import TABLES, accounts, applications, from_record, numbers, to_record
from roomtone.store.writer import upsert

__all__ = ["Identities", "Identity"]

Identity = AccountRow | ApplicationRow | NumberRow


class Identities:
    """Who owns what, and what is called how."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accounts(self) -> Sequence[AccountRow]:
        """All of them, disabled ones too, oldest first."""
        async with self._database.reading() as connection:
            result = await connection.execute(select(accounts).order_by(accounts.c.created_at, accounts.c.sid))
            return [from_record(AccountRow, record) for record in result.mappings()]

    async def numbers(self, account: str | None) -> Sequence[NumberRow]:
        """Of one account or of all (None), disabled ones too, in the order of the numbers."""
        async with self._database.reading() as connection:
            result = await connection.execute(of_account(numbers, account).order_by(numbers.c.number))
            return [from_record(NumberRow, record) for record in result.mappings()]

    async def applications(self, account: str | None) -> Sequence[ApplicationRow]:
        """Of one account or of all (None), in the order of their sids."""
        async with self._database.reading() as connection:
            result = await connection.execute(of_account(applications, account).order_by(applications.c.sid))
            return [from_record(ApplicationRow, record) for record in result.mappings()]

    async def save(self, rows: Sequence[Identity]) -> None:
        """New or changed rows, in one transaction; durable on return."""
        async with self._database.writing() as connection:
            for row in rows:
                await connection.execute(upsert(TABLES[type(row)]), [to_record(row)])

    async def remove_number(self, account: str, number: NumberRow) -> None:
        """The number, and the application that was only its."""
        async with self._database.writing() as connection:
            await connection.execute(
                delete(numbers).where(numbers.c.account_sid == account, numbers.c.number == number.number)
            )
            await connection.execute(
                delete(applications).where(
                    applications.c.account_sid == account,
                    applications.c.sid == number.application_sid,
                    applications.c.sid.not_in(select(numbers.c.application_sid)),
                )
            )

    async def remove_account(self, account: str) -> None:
        """The account with its numbers and applications; what it did stays until its time is over."""
        async with self._database.writing() as connection:
            for table in (numbers, applications):
                await connection.execute(delete(table).where(table.c.account_sid == account))
            await connection.execute(delete(accounts).where(accounts.c.sid == account))
