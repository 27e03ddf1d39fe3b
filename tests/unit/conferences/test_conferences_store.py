"""A conference as the real store has it when it is over."""

from __future__ import annotations

from floor import ACCOUNT, Floor

from roomtone.conferences import Conferences
from roomtone.ids import Ids
from roomtone.rooms.join import EndRule, LeaveReason
from roomtone.store.rows import StoreBatch
from roomtone.store.store import Store


async def test_rows_and_events_of_a_conference_are_kept_and_told_with_their_ids() -> None:
    floor = Floor()
    store = await Store.open(None, floor.clock)
    told: list[StoreBatch] = []
    store.subscribe(told.append)
    floor.conferences = Conferences(media=floor.media, store=store, clock=floor.clock, ids=Ids())
    try:
        await floor.join("A")
        moderator = await floor.join("M", end=EndRule.ENDS_ROOM)
        moderator.leave(LeaveReason.HUNG_UP)
        await store.flush()
        conference = await store.conferences.get(ACCOUNT, moderator.conference_sid)
        participants = await store.conferences.participants(ACCOUNT, moderator.conference_sid)
        events = await store.events.after(ACCOUNT, 0)
    finally:
        await store.close()
    assert conference is not None
    assert (conference.status, conference.call_sid_ending) == ("completed", "M")
    left = sorted((row.call_sid, row.reason_left) for row in participants)
    assert left == [("A", "moderator_left"), ("M", "hung_up")]
    names = ["participant-join", "participant-join", "conference-start"]
    names += ["participant-leave", "participant-leave", "conference-end"]
    assert [event.event for event in events] == names
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event.id for batch in told for event in batch.events] == [event.id for event in events]
