"""What happened, in the order in which it was committed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from roomtone.store.database import Database
from roomtone.store.query import PAGE_MAX, fetch, of_account
from roomtone.store.rows import EventRow
from roomtone.store.tables import events

__all__ = ["Events"]


class Events:
    """Reading of events, oldest first. Writing is `Store.commit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, account: str | None, after: int, limit: int = PAGE_MAX) -> Sequence[EventRow]:
        """Those with a greater id than `after`; 0: from the beginning of what is kept."""
        statement = of_account(events, account).where(events.c.id > after).order_by(events.c.id)
        return await fetch(self._database, EventRow, statement.limit(min(limit, PAGE_MAX)))

    async def last_sequence(self, account: str | None, conference_sid: str) -> int:
        """The last SequenceNumber of a conference; 0 when it has none."""
        statement = select(func.max(events.c.sequence)).where(events.c.conference_sid == conference_sid)
        if account is not None:
            statement = statement.where(events.c.account_sid == account)
        async with self._database.reading() as connection:
            return await connection.scalar(statement) or 0
