"""What a crash cut off is ended when the server comes back (A17): calls and participants as failed, their conferences as left by the last, all with the time
of the restart. Nothing says when they really ended.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from roomtone.store.calls import Calls
from roomtone.store.conferences import Conferences
from roomtone.store.events import Events
from roomtone.store.rows import EventRow, StoreBatch

__all__ = ["cut_off"]

CALL_END_REASON = "the server was restarted"


async def cut_off(calls: Calls, conferences: Conferences, events: Events, now: datetime) -> StoreBatch:
    """The batch that ends a page of what is open; empty when nothing is."""
    ends = _Ends(events, now)
    batch = ends.batch
    for participant in await conferences.participants(None, live=True):
        batch.participants.append(replace(participant, left_at=now, reason_left="failed"))
        room = participant.conference_sid
        await ends.emit("participant-leave", participant.account_sid, room, participant.call_sid, reason="failed")
    for call in await calls.list(None, live=True):
        batch.calls.append(replace(call, status="failed", ended_at=now, end_reason=CALL_END_REASON))
        await ends.emit("call-ended", call.account_sid, None, call.sid, status="failed", reason=CALL_END_REASON)
    if not batch.participants:
        for room_row in await conferences.list(None, live=True):
            reason = "last-participant-left"
            batch.conferences.append(replace(room_row, status="completed", ended_at=now, reason_ended=reason))
            await ends.emit("conference-end", room_row.account_sid, room_row.sid, None, reason=reason)
    return batch


class _Ends:
    """The batch, and the events in it: those of a conference go on where its SequenceNumber stood."""

    def __init__(self, events: Events, now: datetime) -> None:
        self.batch = StoreBatch()
        self._events = events
        self._now = now
        self._sequences: dict[str, int] = {}

    async def emit(self, event: str, account: str, conference: str | None, call: str | None, **data: str) -> None:
        sequence = None if conference is None else await self._next(account, conference)
        self.batch.events.append(
            EventRow(
                account_sid=account,
                time=self._now,
                event=event,
                conference_sid=conference,
                call_sid=call,
                sequence=sequence,
                data=data,
            )
        )

    async def _next(self, account: str, conference: str) -> int:
        if conference not in self._sequences:
            self._sequences[conference] = await self._events.last_sequence(account, conference)
        self._sequences[conference] += 1
        return self._sequences[conference]
