"""The shell of the rooms: what goes to the media core and the store, in which moment, and what a call is told when."""

from __future__ import annotations

import asyncio

import pytest
from floor import ACCOUNT, Floor

from roomtone.conferences import ConferenceNameError
from roomtone.errors import NotFoundError, UsageError
from roomtone.rooms.join import EndRule, LeaveReason, Sound, StartRule, Tone
from roomtone.rooms.room import Mute, Room

MODERATOR = {"start": StartRule.WITH_ANOTHER, "end": EndRule.ENDS_ROOM}
AUDIENCE = {"start": StartRule.WAITS}


async def test_the_first_caller_is_moved_to_a_new_bus_and_waits_with_music() -> None:
    floor = Floor()
    await floor.join("A")
    (batch,) = floor.media.batches
    (_, bus) = batch[0]
    assert batch == [("open_bus", bus), ("move", 1, bus), ("row", 1, "nobody", False, 0.0)]
    assert floor.caller("A").has_music


async def test_music_stop_sound_and_talk_are_one_batch() -> None:
    floor = Floor()
    await floor.join("A")
    bus = floor.media.batches[0][0][1]
    await floor.join("B")
    (_, batch) = floor.media.batches
    player = batch[2][1]
    assert batch == [
        ("move", 2, bus),
        ("stop", 501),
        ("play", player, bus),
        ("append_tone", player, 440.0, 120, -12.0),
        ("finish", player),
        ("row", 1, "all", True, 0.0),
        ("row", 2, "all", True, 0.0),
    ]
    assert not floor.caller("A").has_music
    assert not floor.caller("B").has_music


async def test_each_moment_is_one_commit_with_its_rows_and_numbered_events() -> None:
    floor = Floor()
    await floor.join("A", muted=True)
    floor.clock.advance(2.0)
    await floor.join("B", **MODERATOR)
    assert len(floor.store.batches) == 2
    first, second = floor.store.batches
    assert [(row.status, row.friendly_name) for row in first.conferences] == [("init", "Room 1234")]
    assert [(row.call_sid, row.muted) for row in first.participants] == [("A", True)]
    assert [(row.status, row.started_at) for row in second.conferences] == [("in-progress", floor.clock.wall())]
    assert [(row.call_sid, row.start_on_enter, row.end_on_exit) for row in second.participants] == [("B", True, True)]
    assert floor.store.told() == ["participant-join A", "participant-join B", "conference-start"]
    assert [event.sequence for event in floor.store.events] == [1, 2, 3]
    assert floor.store.events[0].time == floor.clock.EPOCH
    assert floor.store.events[1].time == floor.clock.wall()


async def test_the_end_is_recorded_with_who_ended_it() -> None:
    floor = Floor()
    await floor.join("A", **AUDIENCE)
    moderator = await floor.join("M", **MODERATOR)
    moderator.leave(LeaveReason.HUNG_UP)
    batch = floor.store.batches[-1]
    assert floor.store.told()[-3:] == ["participant-leave M", "participant-leave A", "conference-end"]
    assert [(row.call_sid, row.reason_left) for row in batch.participants] == [
        ("M", "hung_up"),
        ("A", "moderator_left"),
    ]
    (row,) = batch.conferences
    assert (row.status, row.call_sid_ending) == ("completed", "M")
    assert row.reason_ended == "participant-with-end-conference-on-exit-left"
    assert batch.events[-1].data == {
        "friendly_name": "Room 1234",
        "reason": "participant-with-end-conference-on-exit-left",
        "call_sid_ending": "M",
    }


async def test_a_call_is_told_that_it_left_when_its_leg_is_its_own_again_and_not_before() -> None:
    floor = Floor()
    await floor.join("A")
    participation = await floor.join("B")
    await floor.settle()
    floor.media.holds = True
    participation.leave(LeaveReason.STAR)
    await floor.settle()
    assert ("move", 2, 102) in floor.media.batches[-1]
    assert not participation.left.done()
    floor.media.acknowledge()
    assert await participation.leaving() is LeaveReason.STAR
    assert floor.caller("B").lefts == [LeaveReason.STAR]


async def test_leaving_twice_or_after_the_end_is_harmless() -> None:
    floor = Floor()
    participation = await floor.join("A")
    participation.leave(LeaveReason.STAR)
    participation.leave(LeaveReason.HUNG_UP)
    assert await participation.leaving() is LeaveReason.STAR
    assert floor.store.told() == ["participant-join A", "participant-leave A", "conference-end"]


async def test_an_old_participation_cannot_end_a_later_stay_of_the_same_call() -> None:
    floor = Floor()
    first = await floor.join("A")
    first.leave(LeaveReason.STAR)
    await first.leaving()
    second = await floor.join("A")
    first.leave(LeaveReason.HUNG_UP)
    await floor.settle()
    assert not second.left.done()


async def test_a_wait_for_the_end_that_is_cancelled_leaves_the_end_to_others() -> None:
    floor = Floor()
    participation = await floor.join("A")
    waiter = asyncio.create_task(participation.leaving())
    await floor.settle()
    waiter.cancel()
    await floor.settle()
    participation.leave(LeaveReason.HUNG_UP)
    assert await participation.leaving() is LeaveReason.HUNG_UP


async def test_the_refused_is_told_so_and_nothing_else_happens() -> None:
    floor = Floor()
    await floor.join("A")
    batches = len(floor.media.batches)
    refused = await floor.join("B", participants_max=1)
    assert refused.left.result() is LeaveReason.FULL
    assert len(floor.media.batches) == batches
    assert floor.store.told() == ["participant-join A"]
    assert floor.conferences.participants_active == 1


async def test_an_ended_room_gives_its_name_to_a_new_one() -> None:
    floor = Floor()
    first = await floor.join("A")
    first.leave(LeaveReason.HUNG_UP)
    second = await floor.join("A")
    assert first.conference_sid != second.conference_sid
    assert floor.store.told(second.conference_sid) == ["participant-join A"]
    assert floor.store.events[-1].sequence == 1
    assert floor.media.batches[1][-1] == ("close_bus", floor.media.batches[0][0][1])


# Names


@pytest.mark.parametrize("other", ["Room 1234", "\n      Room 1234\n    ", "\u00a0Room 1234"])
async def test_white_space_around_a_name_does_not_count(other: str) -> None:
    floor = Floor()
    assert (await floor.join("A", "Room 1234")).conference_sid == (await floor.join("B", other)).conference_sid


@pytest.mark.parametrize("other", ["Room  1234", "room 1234", "Room1234", "Room 123"])
async def test_white_space_inside_a_name_and_case_count(other: str) -> None:
    floor = Floor()
    assert (await floor.join("A", "Room 1234")).conference_sid != (await floor.join("B", other)).conference_sid


async def test_two_spellings_of_one_name_are_one_room() -> None:
    floor = Floor()
    composed, decomposed = "Caf\u00e9", "Cafe\u0301"
    assert (await floor.join("A", composed)).conference_sid == (await floor.join("B", decomposed)).conference_sid


async def test_accounts_do_not_meet() -> None:
    floor = Floor()
    mine = await floor.join("A", "Room")
    theirs = await floor.join("B", "Room", account="AC2")
    assert mine.conference_sid != theirs.conference_sid
    assert [view.conference_sid for view in floor.conferences.list("AC2")] == [theirs.conference_sid]
    with pytest.raises(NotFoundError):
        floor.conferences.room("AC2", mine.conference_sid)


@pytest.mark.parametrize("name", ["", "  \n ", "x" * 129])
async def test_a_name_that_is_none(name: str) -> None:
    floor = Floor()
    with pytest.raises(ConferenceNameError) as error:
        await floor.join("A", name)
    assert error.value.code == 13237
    assert floor.conferences.participants_active == 0
    assert (await floor.join("A", "x" * 128)).friendly_name == "x" * 128


async def test_a_name_that_is_a_conference_sid_is_that_live_conference_of_the_account() -> None:
    floor = Floor()
    first = await floor.join("A")
    second = await floor.join("B", first.conference_sid)
    assert second.conference_sid == first.conference_sid
    assert second.friendly_name == "Room 1234"
    for account, name in (("AC2", first.conference_sid), (ACCOUNT, "CF" + 32 * "0")):
        with pytest.raises(ConferenceNameError) as error:
            await floor.join("C", name, account=account)
        assert error.value.code == 13236


# Sounds and keys


async def test_the_next_sound_plays_when_the_former_is_over() -> None:
    floor = Floor()
    for call_sid in "ABC":
        await floor.join(call_sid)
    assert len([command for command in floor.media.commands if command[0] == "play"]) == 1
    floor.media.play_to_the_end()
    assert len([command for command in floor.media.commands if command[0] == "play"]) == 2


async def test_a_beep_of_several_tones_has_gaps() -> None:
    floor = Floor()
    twice = Sound(tone=Tone(440.0, 120, -12.0, times=2, gap_ms=100))
    await floor.join("A", start=StartRule.ALONE, enter_sound=twice)
    assert [command[0] for command in floor.media.batches[0] if command[0].startswith("append")] == [
        "append_tone",
        "append_silence",
        "append_tone",
    ]


async def test_a_sound_that_cannot_be_played_does_not_stop_the_next() -> None:
    floor = Floor()
    await floor.join("A", start=StartRule.ALONE, enter_sound=Sound(url="http://app/enter.xml"))
    await floor.join("B")
    assert [command[0] for command in floor.media.commands if command[0] == "play"] == ["play"]


async def test_keys_go_to_the_others_in_the_room() -> None:
    floor = Floor()
    await floor.join("A")
    floor.conferences.digit("A", "1")
    await floor.join("B", muted=True)
    bus = floor.media.batches[0][0][1]
    floor.conferences.digit("A", "2")
    floor.conferences.digit("B", "3")
    floor.conferences.digit("nobody", "4")
    keys = [command for command in floor.media.commands if command[0] == "relay_digit"]
    assert keys == [("relay_digit", bus, "2", 1)]


# Changes and questions


async def test_mute_by_api_changes_the_row_and_becomes_the_cause() -> None:
    floor = Floor()
    await floor.join("A", line=5)
    await floor.join("B")
    view = await floor.conferences.mute(ACCOUNT, "Room 1234", "B", muted=True, api_call="POST /v1")
    assert view.muted
    assert floor.media.batches[-1] == [("row", 2, "nobody", True, 0.0)]
    assert floor.store.told()[-1] == "participant-mute B"
    (pair,) = floor.conferences.hearing(ACCOUNT, "Room 1234", talker="B", listener="A")
    assert (pair.heard, pair.gain_db, pair.reason) == (False, None, "muted")
    assert pair.cause.as_json() == {"api_call": "POST /v1"}
    assert pair.sentence == "+A does not hear +B because +B is muted."
    (pair,) = floor.conferences.hearing(ACCOUNT, "Room 1234", talker="A", listener="B")
    assert (pair.heard, pair.gain_db, pair.reason) == (True, 0.0, "talk")
    assert pair.cause.as_json() == {"request_id": "RQA", "line": 5}


async def test_mute_answers_only_when_the_core_has_applied_it() -> None:
    floor = Floor()
    await floor.join("A")
    await floor.join("B")
    await floor.settle()
    floor.media.holds = True
    asked = asyncio.create_task(floor.conferences.mute(ACCOUNT, "Room 1234", "A", muted=True, api_call="x"))
    await floor.settle()
    assert not asked.done()
    floor.media.acknowledge()
    assert (await asked).call_sid == "A"


async def test_kick_and_end_leave_the_calls_alone() -> None:
    floor = Floor()
    participations = [await floor.join(call_sid) for call_sid in "ABC"]
    await floor.conferences.kick(ACCOUNT, "Room 1234", "A")
    await floor.conferences.end(ACCOUNT, participations[0].conference_sid)
    reasons = [await participation.leaving() for participation in participations]
    assert reasons == [LeaveReason.KICKED, LeaveReason.ENDED_BY_API, LeaveReason.ENDED_BY_API]
    with pytest.raises(NotFoundError):
        await floor.conferences.end(ACCOUNT, "Room 1234")


async def test_who_waits_is_seen_to_wait() -> None:
    floor = Floor()
    await floor.join("A", **AUDIENCE)
    await floor.join("B", muted=True, **AUDIENCE)
    view = floor.conferences.room(ACCOUNT, "Room 1234")
    assert (view.status, view.started_at) == ("init", None)
    shown = [(one.call_sid, one.caller, one.muted, one.waiting, one.music) for one in view.participants]
    assert shown == [("A", "+A", False, True, True), ("B", "+B", True, True, True)]
    (pair,) = floor.conferences.hearing(ACCOUNT, "Room 1234", talker="A", listener="B")
    assert pair.sentence == "+B does not hear +A because the room has not started."
    await floor.join("M", **MODERATOR)
    assert floor.conferences.room(ACCOUNT, "Room 1234").status == "in-progress"
    assert len(floor.conferences.hearing(ACCOUNT, "Room 1234")) == 9


async def test_participants_may_be_named_by_caller_when_that_is_one_of_them() -> None:
    floor = Floor()
    await floor.join("A")
    await floor.join("B")
    (pair,) = floor.conferences.hearing(ACCOUNT, "Room 1234", talker="+A", listener="+B")
    assert (pair.talker, pair.listener) == ("A", "B")
    with pytest.raises(NotFoundError):
        floor.conferences.hearing(ACCOUNT, "Room 1234", talker="+C")


async def test_a_room_too_large_for_all_its_pairs_says_so() -> None:
    floor = Floor()
    for number in range(101):
        await floor.join(f"C{number}", participants_max=1000)
    with pytest.raises(UsageError):
        floor.conferences.hearing(ACCOUNT, "Room 1234")
    assert len(floor.conferences.hearing(ACCOUNT, "Room 1234", talker="C0")) == 101


# Time, and faults


async def test_a_time_limit_ends_the_room() -> None:
    floor = Floor()
    participation = await floor.join("A", room_time_limit_s=60.0)
    floor.clock.advance(59.9)
    assert floor.conferences.rooms_active == 1
    floor.clock.advance(60.0)
    assert await participation.leaving() is LeaveReason.ROOM_TIME_LIMIT
    assert floor.conferences.rooms_active == 0


async def test_a_time_limit_dies_with_its_room() -> None:
    floor = Floor()
    participation = await floor.join("A", room_time_limit_s=60.0)
    participation.leave(LeaveReason.HUNG_UP)
    assert floor.clock.next_deadline() is None


async def test_a_fault_of_the_room_lets_its_calls_go_on_and_touches_no_other_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    floor = Floor()
    broken = [await floor.join(call_sid) for call_sid in "AB"]
    whole = await floor.join("C", "another room")

    def fault(self: Room, participant: object, muted: bool) -> object:
        raise ZeroDivisionError(self, participant, muted)

    monkeypatch.setattr(Room, "_set_muted", fault)
    with pytest.raises(NotFoundError):
        await floor.conferences.mute(ACCOUNT, "Room 1234", "A", muted=True, api_call="x")
    assert [await participation.leaving() for participation in broken] == [LeaveReason.FAILED] * 2
    assert {("move", 1, 101), ("move", 2, 102)} <= set(floor.media.commands)
    assert floor.store.told()[-3:] == ["participant-leave A", "participant-leave B", "conference-end"]
    assert not whole.left.done()
    again = await floor.join("A")
    assert again.conference_sid != broken[0].conference_sid
    assert floor.conferences.rooms_active == 2


async def test_a_fault_of_the_media_core_lets_the_calls_go_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    floor = Floor()
    participations = [await floor.join(call_sid) for call_sid in "AB"]

    def fault() -> object:
        raise OSError("no core")

    monkeypatch.setattr(floor.media, "batch", fault)
    participations[0].leave(LeaveReason.HUNG_UP)
    reasons = [await participation.leaving() for participation in participations]
    assert reasons == [LeaveReason.HUNG_UP, LeaveReason.FAILED]
    assert (floor.conferences.rooms_active, floor.conferences.participants_active) == (0, 0)


async def test_a_call_that_fails_at_its_music_does_not_keep_the_others_in_the_room() -> None:
    floor = Floor()
    floor.caller("A").fails = True
    first = await floor.join("A")
    second = await floor.join("B")
    assert await first.leaving() is LeaveReason.FAILED
    assert await second.leaving() is LeaveReason.FAILED
    assert floor.conferences.participants_active == 0
    assert {event.sequence for event in floor.store.events} == set(range(1, len(floor.store.events) + 1))


async def test_a_store_that_refuses_does_not_stop_the_talk(monkeypatch: pytest.MonkeyPatch) -> None:
    floor = Floor()

    def refuse(batch: object) -> object:
        raise OSError("no space left on device", batch)

    monkeypatch.setattr(floor.store, "commit", refuse)
    await floor.join("A")
    participation = await floor.join("B")
    assert ("row", 1, "all", True, 0.0) in floor.media.commands
    participation.leave(LeaveReason.HUNG_UP)
    assert await participation.leaving() is LeaveReason.HUNG_UP


async def test_what_a_call_does_while_it_is_told_something_waits_for_its_turn() -> None:
    floor = Floor()
    first = await floor.join("A", **AUDIENCE)
    second = floor.caller("B")

    def see_the_first_off(conference_sid: str, friendly_name: str) -> None:
        assert (conference_sid, friendly_name) == (first.conference_sid, "Room 1234")
        first.leave(LeaveReason.HUNG_UP)
        assert not first.left.done()

    second.start_wait = see_the_first_off  # type: ignore[method-assign]
    await floor.join("B", **AUDIENCE)
    assert await first.leaving() is LeaveReason.HUNG_UP
    assert floor.store.told() == ["participant-join A", "participant-join B", "participant-leave A"]


async def test_crossed_events_meet_an_ended_room_without_harm() -> None:
    floor = Floor()
    await floor.join("A")
    await floor.join("B")
    live = floor.conferences._rooms[ACCOUNT, "Room 1234"]
    await floor.conferences.end(ACCOUNT, "Room 1234")
    batches = len(floor.media.batches)
    live.post(Mute("A"))
    floor.media.play_to_the_end()
    assert len(floor.media.batches) == batches
