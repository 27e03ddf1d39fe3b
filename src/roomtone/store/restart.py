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
    batch = StoreBatch()
    sequences: dict[str, int] = {}

    async def emit(event: str, account: str, conference: str | None, call: str | None, data: dict[str, str]) -> None:
        sequence = None
        if conference is not None:
            if conference not in sequences:
                sequences[conference] = await events.last_sequence(account, conference)
            sequence = sequences[conference] = sequences[conference] + 1
        batch.events.append(
            EventRow(
                account_sid=account,
                time=now,
                event=event,
                conference_sid=conference,
                call_sid=call,
                sequence=sequence,
                data=data,
            )
        )

    for participant in await conferences.participants(None, live=True):
        batch.participants.append(replace(participant, left_at=now, reason_left="failed"))
        await emit(
            "participant-leave",
            participant.account_sid,
            participant.conference_sid,
            participant.call_sid,
            {"reason": "failed"},
        )
    for call in await calls.list(None, live=True):
        batch.calls.append(replace(call, status="failed", ended_at=now, end_reason=CALL_END_REASON))
        await emit("call-ended", call.account_sid, None, call.sid, {"status": "failed", "reason": CALL_END_REASON})
    if not batch.participants:
        for room in await conferences.list(None, live=True):
            reason = "last-participant-left"
            batch.conferences.append(replace(room, status="completed", ended_at=now, reason_ended=reason))
            await emit("conference-end", room.account_sid, room.sid, None, {"reason": reason})
    return batch
