"""Document requests and callbacks as they are kept."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select, tuple_

from roomtone.store.database import Database
from roomtone.store.query import PAGE_MAX, fetch, fetch_one, of_account
from roomtone.store.rows import RequestRow
from roomtone.store.tables import requests

__all__ = ["Requests"]

FAILED_STATUS_MIN = 400


class Requests:
    """Reading of requests, newest first. Writing is `Store.commit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account: str | None, request_id: str) -> RequestRow | None:
        """None when that account has none of that id, or its `webhooks.capture_hours` are over."""
        statement = of_account(requests, account).where(requests.c.id == request_id)
        return await fetch_one(self._database, RequestRow, statement)

    async def list(
        self,
        account: str | None,
        *,
        call_sid: str | None = None,
        kind: str | None = None,
        failed: bool | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int = PAGE_MAX,
    ) -> Sequence[RequestRow]:
        """`after`: only requests newer than that one; `before`: only older ones (the next page)."""
        age = tuple_(requests.c.time, requests.c.id)
        statement = of_account(requests, account).order_by(requests.c.time.desc(), requests.c.id.desc())
        for column, value in (("call_sid", call_sid), ("kind", kind)):
            if value is not None:
                statement = statement.where(requests.c[column] == value)
        if failed is not None:
            statement = statement.where(_failed() if failed else ~_failed())
        if after is not None:
            statement = statement.where(age > _age_of(after))
        if before is not None:
            statement = statement.where(age < _age_of(before))
        return await fetch(self._database, RequestRow, statement.limit(min(limit, PAGE_MAX)))


def _failed() -> ColumnElement[bool]:
    status = requests.c.status
    return or_(requests.c.error.is_not(None), (status.is_not(None)) & (status >= FAILED_STATUS_MIN))


def _age_of(request_id: str) -> ColumnElement[object]:
    return select(requests.c.time, requests.c.id).where(requests.c.id == request_id).scalar_subquery()
