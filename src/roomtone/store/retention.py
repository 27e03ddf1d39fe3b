"""What is old is forgotten: requests after `webhooks.capture_hours`, the rest after a month."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete

from roomtone.store.database import Database
from roomtone.store.tables import calls, conferences, debug_log, events, participants, requests

__all__ = ["EVERY_S", "KEPT", "forget"]

KEPT = timedelta(days=31)
EVERY_S = 3600.0


async def forget(database: Database, now: datetime, requests_kept: timedelta) -> None:
    """Deletes what ended or happened before its time. What is still live stays, however old it is."""
    month_ago = now - KEPT
    ages = (
        (requests, requests.c.time, now - requests_kept),
        (events, events.c.time, month_ago),
        (debug_log, debug_log.c.time, month_ago),
        (participants, participants.c.left_at, month_ago),
        (conferences, conferences.c.ended_at, month_ago),
        (calls, calls.c.ended_at, month_ago),
    )
    async with database.writing() as connection:
        for table, age, limit in ages:
            await connection.execute(delete(table).where(age < limit))
