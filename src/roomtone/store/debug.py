"""The debug log of an account: what its application did wrong, with the platform's numbers."""

from __future__ import annotations

from collections.abc import Sequence

from roomtone.store.database import Database
from roomtone.store.query import PAGE_MAX, fetch, of_account
from roomtone.store.rows import DebugRow
from roomtone.store.tables import debug_log

__all__ = ["DebugLog"]


class DebugLog:
    """Reading of entries, newest first. Writing is `Store.commit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self,
        account: str | None,
        *,
        code: int | None = None,
        call_sid: str | None = None,
        conference_sid: str | None = None,
        after: int = 0,
        before: int | None = None,
        limit: int = PAGE_MAX,
    ) -> Sequence[DebugRow]:
        """`after`: only entries newer than that id; `before`: only older ones (the next page)."""
        statement = of_account(debug_log, account).where(debug_log.c.id > after).order_by(debug_log.c.id.desc())
        if before is not None:
            statement = statement.where(debug_log.c.id < before)
        for column, value in (("code", code), ("call_sid", call_sid), ("conference_sid", conference_sid)):
            if value is not None:
                statement = statement.where(debug_log.c[column] == value)
        return await fetch(self._database, DebugRow, statement.limit(min(limit, PAGE_MAX)))
