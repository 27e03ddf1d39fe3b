"""Calls as they are kept."""

from __future__ import annotations

from collections.abc import Sequence

from roomtone.store.database import Database
from roomtone.store.query import PAGE_MAX, fetch, fetch_one, of_account
from roomtone.store.rows import CallRow
from roomtone.store.tables import calls

__all__ = ["Calls"]


class Calls:
    """Reading of calls, newest first. Writing is `Store.commit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account: str | None, sid: str) -> CallRow | None:
        """Live or ended. None when that account has none of that sid, or its month is over (`retention.KEPT`)."""
        return await fetch_one(self._database, CallRow, of_account(calls, account).where(calls.c.sid == sid))

    async def list(
        self, account: str | None, *, live: bool | None = None, sip_call_id: str | None = None, limit: int = PAGE_MAX
    ) -> Sequence[CallRow]:
        """`live`: only those that have not ended (True), or that have (False)."""
        statement = of_account(calls, account).order_by(calls.c.created_at.desc(), calls.c.sid)
        if live is not None:
            statement = statement.where(calls.c.ended_at.is_(None) if live else calls.c.ended_at.is_not(None))
        if sip_call_id is not None:
            statement = statement.where(calls.c.sip_call_id == sip_call_id)
        return await fetch(self._database, CallRow, statement.limit(min(limit, PAGE_MAX)))
