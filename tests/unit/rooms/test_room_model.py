"""Every reachable state of a small room: three participants, their flags, all events in all orders, against what must
always hold.

Participants may come back after leaving, so the states close: the walk ends when no order of events of any length leads
anywhere new. The flags that shape a room's life (start, end, being alone) are walked in all combinations of three
participants; mute and music, which touch each participant alone, in all combinations with the start rules of three;
everything together in all combinations of two.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator

import pytest
from stage import ENTER, EXIT

from roomtone.rooms import outputs as out
from roomtone.rooms.hearing import between
from roomtone.rooms.join import AloneRule, EndRule, JoinRequest, LeaveReason, StartRule
from roomtone.rooms.room import (
    EndRoom,
    Event,
    IllegalMoveError,
    Join,
    Key,
    Leave,
    Mute,
    Room,
    RoomRules,
    SoundDone,
    State,
    TimeUp,
    Unmute,
)
from roomtone.rooms.sounds import SoundQueue

NAMES = ("A", "B", "C")


def requests(
    name: str,
    *,
    starts: Iterable[StartRule] = StartRule,
    ends: Iterable[EndRule] = EndRule,
    alones: Iterable[AloneRule] = AloneRule,
    muted: Iterable[bool] = (False,),
    music: Iterable[bool] = (True,),
) -> list[JoinRequest]:
    return [
        JoinRequest(
            name,
            start=start,
            end=end,
            alone=alone,
            muted=is_muted,
            has_wait_music=has_music,
            enter_sound=ENTER,
            exit_sound=EXIT,
            participants_max=3,
        )
        for start, end, alone, is_muted, has_music in itertools.product(starts, ends, alones, muted, music)
    ]


def casts(per_name: list[list[JoinRequest]]) -> Iterator[tuple[JoinRequest, ...]]:
    """All combinations of flags, but for the order of the names: the participants are alike."""
    for numbers in itertools.combinations_with_replacement(range(len(per_name[0])), len(per_name)):
        yield tuple(choices[number] for choices, number in zip(per_name, numbers, strict=True))


def twin(room: Room) -> Room:
    """A copy to try an event on, with an empty queue of sounds."""
    copied = copy.copy(room)
    copied._participants = dict(room._participants)
    copied._sounds = SoundQueue()
    return copied


def key(room: Room) -> tuple[object, ...]:
    present = frozenset((name, one.muted, one.has_music) for name, one in room.participants.items())
    return (room.state, present, room._had_two)


def events(room: Room, cast: tuple[JoinRequest, ...], reasons: tuple[LeaveReason, ...]) -> Iterator[Event]:
    for request in cast:
        if request.call_sid not in room.participants:
            yield Join(request)
        else:
            for reason in reasons:
                yield Leave(request.call_sid, reason)
            yield Mute(request.call_sid)
            yield Unmute(request.call_sid)
    yield EndRoom()


def walk(cast: tuple[JoinRequest, ...], reasons: tuple[LeaveReason, ...], rules: RoomRules) -> int:
    """Checks every transition that the cast can reach; how many there are."""
    new = Room("AC1", "R", "CF1", rules)
    pending = [new]
    seen = {key(new)}
    transitions = 0
    while pending:
        before = pending.pop()
        candidates = [Join(one) for one in cast] if before.state is State.NEW else events(before, cast, reasons)
        for event in candidates:
            after = twin(before)
            outputs = after.handle(event, 0.0)
            transitions += 1
            try:
                check(before, event, outputs, after)
            except AssertionError as error:
                pytest.fail(f"{error}\n{cast}\n{key(before)}\n{event}\n{outputs}\n{key(after)}")
            if key(after) not in seen:
                seen.add(key(after))
                if after.state is not State.ENDED:
                    pending.append(after)
    return transitions


def check(before: Room, event: Event, outputs: list[out.Output], after: Room) -> None:
    check_start(before, outputs, after)
    check_hearing(before, outputs, after)
    check_music(before, outputs, after)
    check_leaving(before, event, outputs, after)
    check_end(outputs, after)


def check_start(before: Room, outputs: list[out.Output], after: Room) -> None:
    present = [one.request.start for one in after.participants.values()]
    may_start = StartRule.ALONE in present or (StartRule.WITH_ANOTHER in present and len(present) >= 2)
    starts = any(isinstance(output, out.Started) for output in outputs)
    assert starts == (before.state is not State.STARTED and after.state is State.STARTED)
    assert not (after.state is State.WAITING and may_start), "a start rule is met and the room waits"
    assert not (before.state is State.STARTED and after.state is State.WAITING), "a started room waits again"
    if after.state is not State.STARTED:
        assert not any(isinstance(output, out.PlaySound) for output in outputs), "a sound in a room that does not talk"


def check_hearing(before: Room, outputs: list[out.Output], after: Room) -> None:
    rows = {name: before.row(name) for name in before.participants}
    for output in outputs:
        match output:
            case out.ChangeRow(call_sid, row):
                rows[call_sid] = row
            case out.Left(participant):
                rows.pop(participant.call_sid, None)
    assert rows == {name: after.row(name) for name in after.participants}, "the rows sent are not the rows that hold"
    for listener, talker in itertools.permutations(rows, 2):
        pair = between(listener, rows[listener], talker, rows[talker])
        talks = after.state is State.STARTED and not after.participants[talker].muted
        assert pair.heard == talks
        assert after.state is State.STARTED or pair.reason == "waiting"


def check_music(before: Room, outputs: list[out.Output], after: Room) -> None:
    music = {name for name, one in before.participants.items() if one.has_music}
    for output in outputs:
        match output:
            case out.StartMusic(call_sid):
                assert call_sid not in music
                music.add(call_sid)
            case out.StopMusic(call_sid):
                music.remove(call_sid)
            case out.Left(participant):
                assert participant.call_sid not in music, "left with the music on"
    assert music == {name for name, one in after.participants.items() if one.has_music}
    alone = len(after.participants) == 1
    for name, one in after.participants.items():
        wanted = after.state is State.WAITING or (
            alone and (after.rules.music_when_alone or one.request.alone is not AloneRule.SILENCE)
        )
        assert (name in music) == (wanted and one.request.has_wait_music)


def check_leaving(before: Room, event: Event, outputs: list[out.Output], after: Room) -> None:
    concerned = set(before.participants) | ({event.request.call_sid} if isinstance(event, Join) else set())
    last_words = [output.participant.call_sid for output in outputs if isinstance(output, out.Left)]
    last_words += [output.call_sid for output in outputs if isinstance(output, out.Refused)]
    assert sorted(last_words) == sorted(concerned - set(after.participants)), "one last word each, and none before"
    for output in outputs:
        if isinstance(output, out.Left) and output.participant.request.end is EndRule.ENDS_ROOM:
            assert after.state is State.ENDED
    if after.state is State.STARTED and after._had_two and len(after.participants) == 1:
        (lone,) = after.participants.values()
        assert lone.request.alone is not AloneRule.LEAVES


LATE = (Leave("A", LeaveReason.HUNG_UP), Mute("A"), Unmute("A"), Key("A", "1"), SoundDone(), EndRoom(), TimeUp())
LATECOMER = JoinRequest("D")


def check_end(outputs: list[out.Output], after: Room) -> None:
    ends = [isinstance(output, out.Ended) for output in outputs]
    assert any(ends) == (after.state is State.ENDED)
    if after.state is State.ENDED:
        assert ends.count(True) == 1
        assert ends[-1], "something after the end"
        assert not after.participants
        assert all(after.handle(late, 0.0) == [] for late in LATE)
        try:
            after.handle(Join(LATECOMER), 0.0)
        except IllegalMoveError:
            return
        raise AssertionError("an ended room came back")
    assert after.participants, "a room that goes on without anybody"


LEAVES = (LeaveReason.HUNG_UP, LeaveReason.KICKED)


def test_life_of_three_with_every_start_end_and_alone_rule() -> None:
    everyone = casts([requests(name) for name in NAMES])
    assert sum(walk(cast, LEAVES, RoomRules()) for cast in everyone) > 100_000


def test_mute_and_music_of_three_with_every_start_rule() -> None:
    choices = [
        requests(
            name, ends=[EndRule.ROOM_GOES_ON], alones=[AloneRule.SILENCE], muted=[False, True], music=[False, True]
        )
        for name in NAMES
    ]
    assert sum(walk(cast, LEAVES[:1], RoomRules()) for cast in casts(choices)) > 10_000


def test_two_with_every_flag_and_music_for_the_lone() -> None:
    choices = [requests(name, muted=[False, True], music=[False, True]) for name in NAMES[:2]]
    assert sum(walk(cast, LEAVES[:1], RoomRules(music_when_alone=True)) for cast in casts(choices)) > 50_000


def test_two_with_every_reason_to_leave() -> None:
    choices = [requests(name) for name in NAMES[:2]]
    assert sum(walk(cast, tuple(LeaveReason), RoomRules()) for cast in casts(choices)) > 10_000
