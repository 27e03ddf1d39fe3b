"""Conferences and who took part in them, as they are kept."""

from __future__ import annotations

from collections.abc import Sequence

from roomtone.store.database import Database
from roomtone.store.query import PAGE_MAX, fetch, fetch_one, of_account
from roomtone.store.rows import ConferenceRow, ParticipantRow
from roomtone.store.tables import conferences, participants

__all__ = ["Conferences"]


class Conferences:
    """Reading of conferences, newest first. Writing is `Store.commit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account: str | None, sid: str) -> ConferenceRow | None:
        """Live or ended. None when that account has none of that sid, or its month is over (`retention.KEPT`)."""
        statement = of_account(conferences, account).where(conferences.c.sid == sid)
        return await fetch_one(self._database, ConferenceRow, statement)

    async def list(
        self, account: str | None, *, live: bool | None = None, name: str | None = None, limit: int = PAGE_MAX
    ) -> Sequence[ConferenceRow]:
        """`live`: only those that have not ended (True), or that have (False)."""
        statement = of_account(conferences, account).order_by(conferences.c.created_at.desc(), conferences.c.sid)
        if live is not None:
            ended = conferences.c.ended_at
            statement = statement.where(ended.is_(None) if live else ended.is_not(None))
        if name is not None:
            statement = statement.where(conferences.c.friendly_name == name)
        return await fetch(self._database, ConferenceRow, statement.limit(min(limit, PAGE_MAX)))

    async def participants(
        self, account: str | None, conference_sid: str | None = None, *, live: bool | None = None
    ) -> Sequence[ParticipantRow]:
        """Every stay, in the order of joining; of one conference, or of all."""
        statement = of_account(participants, account).order_by(participants.c.joined_at, participants.c.sid)
        if conference_sid is not None:
            statement = statement.where(participants.c.conference_sid == conference_sid)
        if live is not None:
            left = participants.c.left_at
            statement = statement.where(left.is_(None) if live else left.is_not(None))
        return await fetch(self._database, ParticipantRow, statement)
