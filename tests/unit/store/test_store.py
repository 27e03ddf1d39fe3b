"""What is committed is durable, whole, and behind the tenant wall; what a crash cut off is ended at the restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from roomtone.clock import LiveClock, VirtualClock
from roomtone.errors import SettingsError
from roomtone.store.rows import (
    AccountRow,
    CallRow,
    ConferenceRow,
    DebugRow,
    EventRow,
    ParticipantRow,
    RequestRow,
    StoreBatch,
)
from roomtone.store.store import Store

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
A, B = "AC" + "a" * 32, "AC" + "b" * 32


def call(sid: str, account: str = A, **changes: Any) -> CallRow:
    return replace(CallRow(sid=sid, account_sid=account, number="+1", status="in-progress", created_at=NOW), **changes)


def event(name: str, account: str = A, **changes: Any) -> EventRow:
    return replace(EventRow(account_sid=account, time=NOW, event=name), **changes)


def request(request_id: str, account: str = A, **changes: Any) -> RequestRow:
    row = RequestRow(id=request_id, account_sid=account, time=NOW, kind="voice", url="http://a/", method="POST")
    return replace(row, **changes)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = await Store.open(None, LiveClock())
    yield opened
    await opened.close()


async def test_rows_come_back_as_they_were(store: Store) -> None:
    row = request(
        "RQ1",
        parameters=(("CallSid", "CA1"), ("Digits", "1")),
        headers={"X": "y"},
        answer_headers={"Content-Type": "text/xml"},
        error={"code": 11200, "message": "no"},
        verbs=({"path": "/Response/Say", "line": 2, "outcome": "ran"},),
        body="<Response/>",
        status=200,
        milliseconds=3,
    )
    debug = DebugRow(account_sid=A, time=NOW, level="warning", code=12200, message="odd", line=3, column=4)
    conference = ConferenceRow(sid="CF1", account_sid=A, friendly_name="Room ä", created_at=NOW)
    participant = ParticipantRow(sid="PA1", account_sid=A, conference_sid="CF1", call_sid="CA1", joined_at=NOW)
    batch = StoreBatch(
        calls=[call("CA1", answered_at=NOW + timedelta(microseconds=1))],
        conferences=[conference],
        participants=[participant],
        requests=[row],
        events=[event("conference-start", data={"a": [1]}, sequence=1)],
        debug=[debug],
    )
    await store.commit(batch)
    assert await store.calls.get(A, "CA1") == batch.calls[0]
    assert await store.conferences.list(A) == [conference]
    assert await store.conferences.participants(A, "CF1") == [participant]
    assert await store.requests.get(A, "RQ1") == row
    assert await store.events.after(A, 0) == [replace(batch.events[0], id=1)]
    assert await store.debug.list(A) == [replace(debug, id=1)]


async def test_the_last_row_of_a_name_wins(store: Store) -> None:
    store.commit(StoreBatch(calls=[call("CA1")]))
    await store.commit(StoreBatch(calls=[call("CA1", status="completed", ended_at=NOW)]))
    assert [row.status for row in await store.calls.list(A)] == ["completed"]
    await store.commit(StoreBatch(calls=[call("CA1", status="failed", ended_at=NOW)]))
    assert [row.status for row in await store.calls.list(A)] == ["failed"]


async def test_a_batch_is_visible_whole_or_not_at_all(store: Store) -> None:
    refused = store.commit(StoreBatch(calls=[call("CA1")], events=[event("broken", data={"no": object()})]))
    good = store.commit(StoreBatch(calls=[call("CA2")], events=[event("fine")]))
    await good
    with pytest.raises(Exception, match="serializable"):
        await refused
    assert [row.sid for row in await store.calls.list(A)] == ["CA2"]
    assert [row.event for row in await store.events.after(A, 0)] == ["fine"]


async def test_batches_within_ten_milliseconds_share_a_transaction_and_keep_their_order() -> None:
    clock = VirtualClock()
    store = await Store.open(None, clock)
    seen: list[str] = []
    store.subscribe(lambda batch: seen.extend(row.event for row in batch.events))
    first = store.commit(StoreBatch(events=[event("one"), event("two")]))
    clock.advance(0.009)
    await asyncio.wait([store.commit(StoreBatch())])
    second = store.commit(StoreBatch(events=[event("three")]))
    assert not clock.ledger.held
    assert not first.done()
    clock.advance(0.010)
    await asyncio.gather(first, second)
    assert seen == ["one", "two", "three"]
    assert [row.id for row in await store.events.after(A, 0)] == [1, 2, 3]
    assert not clock.ledger.held
    await store.close()


async def test_flush_writes_while_time_stands_still() -> None:
    clock = VirtualClock()
    store = await Store.open(None, clock)
    done = store.commit(StoreBatch(calls=[call("CA1")]))
    await store.flush()
    assert done.done()
    assert await store.calls.get(A, "CA1")
    await store.close()


async def test_writing_holds_the_ledger() -> None:
    clock = VirtualClock()
    store = await Store.open(None, clock)
    store.commit(StoreBatch(calls=[call("CA1")]))
    flushing = asyncio.ensure_future(store.flush())
    held: set[str] = set()
    while not flushing.done():
        held.update(clock.ledger.held)
        await asyncio.wait([flushing], timeout=0)
    assert "store: committing" in held
    await store.close()


async def test_accounts_do_not_see_each_other(store: Store) -> None:
    await store.commit(
        StoreBatch(
            calls=[call("CA1"), call("CA2", B)],
            requests=[request("RQ1"), request("RQ2", B)],
            events=[event("mine"), event("theirs", B)],
        )
    )
    assert await store.calls.get(A, "CA2") is None
    assert await store.requests.get(A, "RQ2") is None
    assert [row.sid for row in await store.calls.list(A)] == ["CA1"]
    assert [row.event for row in await store.events.after(A, 0)] == ["mine"]
    assert len(await store.calls.list(None)) == 2


async def test_requests_by_their_failure_and_in_pages(store: Store) -> None:
    rows = [request(f"RQ{n}", time=NOW + timedelta(seconds=n // 2)) for n in range(6)]
    rows[1] = replace(rows[1], status=500)
    rows[2] = replace(rows[2], error={"code": 11200, "message": "x"})
    rows[3] = replace(rows[3], status=200)
    await store.commit(StoreBatch(requests=rows))

    async def ids(**filters: Any) -> list[str]:
        return [row.id for row in await store.requests.list(A, **filters)]

    assert await ids(limit=2) == ["RQ5", "RQ4"]
    assert await ids(limit=2, before="RQ4") == ["RQ3", "RQ2"]
    assert await ids(after="RQ3") == ["RQ5", "RQ4"]
    assert await ids(failed=True) == ["RQ2", "RQ1"]
    assert await ids(failed=False) == ["RQ5", "RQ4", "RQ3", "RQ0"]


async def test_what_is_durable_survives_a_server_that_was_killed(tmp_path: Path) -> None:
    """A17: what a crash cut off ends with the restart, at its time."""
    store = await Store.open(tmp_path, LiveClock())
    conference = ConferenceRow(sid="CF1", account_sid=A, friendly_name="r", status="in-progress", created_at=NOW)
    participants = [
        ParticipantRow(sid=f"PA{n}", account_sid=A, conference_sid="CF1", call_sid=f"CA{n}", joined_at=NOW)
        for n in (1, 2)
    ]
    ended = call("CA3", status="completed", ended_at=NOW)
    await store.commit(
        StoreBatch(
            calls=[call("CA1"), call("CA2"), ended],
            conferences=[conference],
            participants=participants,
            events=[event("conference-start", conference_sid="CF1", sequence=3)],
        )
    )
    await store._database.close()  # no farewell: as after kill -9, only what was committed is there

    clock = VirtualClock()
    again = await Store.open(tmp_path, clock)
    assert {(row.sid, row.status) for row in await again.calls.list(A)} == {
        ("CA1", "failed"),
        ("CA2", "failed"),
        ("CA3", "completed"),
    }
    restart = clock.wall()
    (room,) = await again.conferences.list(A)
    assert (room.status, room.reason_ended, room.ended_at) == ("completed", "last-participant-left", restart)
    stays = await again.conferences.participants(A, "CF1")
    assert [(row.left_at, row.reason_left) for row in stays] == [(restart, "failed")] * 2
    events = await again.events.after(A, 1)
    assert [(row.event, row.sequence) for row in events if row.conference_sid] == [
        ("participant-leave", 4),
        ("participant-leave", 5),
        ("conference-end", 6),
    ]
    assert events[0].id == 2
    await again.close()


async def test_what_is_old_is_forgotten_every_hour_and_what_lives_is_not() -> None:
    clock = VirtualClock()
    store = await Store.open(None, clock, requests_kept=timedelta(hours=1))
    now, month_ago = clock.wall(), clock.wall() - timedelta(days=40)
    store.commit(
        StoreBatch(
            requests=[request("RQ1", time=now), request("RQ2", time=now + timedelta(minutes=30))],
            calls=[call("CA1", created_at=month_ago), call("CA2", created_at=month_ago, ended_at=month_ago)],
        )
    )
    await store.flush()
    clock.advance(3601.0)
    for _ in range(2):  # the first read may come before the deletion has its turn, the second cannot
        left = await store.requests.list(A)
    assert [row.id for row in left] == ["RQ2"]
    assert [row.sid for row in await store.calls.list(A)] == ["CA1"]
    await store.close()


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SettingsError) as caught:
        await Store.open(file / "data", LiveClock())
    assert caught.value.setting == "server.data"


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "roomtone.sqlite").write_text("something else, and long enough to be looked at as a database " * 40)
    with pytest.raises(SettingsError, match="cannot be opened"):
        await Store.open(tmp_path, LiveClock())


async def test_identities_are_written_at_once(store: Store) -> None:
    account = AccountRow(sid=A, token="t", project_id="p", signing_key="k", auth_id="m", created_at=NOW)
    await store.identities.save([account, replace(account, name="new")])
    assert await store.identities.accounts() == [replace(account, name="new")]
