"""Each rule of the table in `rooms.room`, as somebody in the room would notice it."""

from __future__ import annotations

import pytest
from stage import ENTER, EXIT, Stage, beeping

from roomtone.rooms import outputs as out
from roomtone.rooms.join import AloneRule, EndRule, JoinRequest, LeaveReason, Sound, StartRule, Tone
from roomtone.rooms.room import (
    MOVES,
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

HANG_UP = LeaveReason.HUNG_UP


def test_a_lone_first_caller_waits_with_music_and_without_a_sound() -> None:
    stage = Stage()
    stage.join(beeping("A"))
    assert stage.room.state is State.WAITING
    assert stage.music == {"A"}
    assert stage.sounds == []
    assert stage.told == ["join A"]


def test_the_second_caller_stops_the_music_then_beeps_then_all_talk() -> None:
    stage = Stage()
    stage.join(beeping("A"))
    stage.join(beeping("B"))
    kinds = [type(output) for output in stage.last]
    assert kinds == [out.Admitted, out.StopMusic, out.PlaySound, out.ChangeRow, out.ChangeRow, out.Started]
    assert stage.sounds == [ENTER]
    assert stage.heard_by("A") == {"B"}
    assert stage.heard_by("B") == {"A"}
    assert stage.told == ["join A", "join B", "start"]


def test_nobody_starts_a_room_of_those_who_wait() -> None:
    stage = Stage()
    for call_sid in "ABCD":
        stage.join(beeping(call_sid, start=StartRule.WAITS))
    assert stage.room.state is State.WAITING
    assert stage.music == set("ABCD")
    assert stage.heard_by("A") == set()


def test_one_who_starts_alone_needs_nobody() -> None:
    """M1, P1: the rule of a Plivo member."""
    stage = Stage()
    stage.join(beeping("A", start=StartRule.ALONE))
    assert stage.room.state is State.STARTED
    assert stage.music == set()
    assert stage.sounds == [ENTER]
    assert stage.told == ["join A", "start"]


def test_any_rule_that_is_met_starts_the_room_for_all() -> None:
    """M1."""
    stage = Stage()
    stage.join(beeping("A", start=StartRule.WITH_ANOTHER))
    stage.join(beeping("B", start=StartRule.WAITS))
    assert stage.room.state is State.STARTED
    assert stage.heard_by("B") == {"A"}


def test_who_comes_late_joins_at_once_whatever_their_start_rule() -> None:
    stage = Stage()
    stage.join(beeping("A"))
    stage.join(beeping("B"))
    stage.join(beeping("C", start=StartRule.WAITS))
    assert stage.heard_by("C") == {"A", "B"}
    assert stage.music == set()


def test_without_wait_music_there_is_silence() -> None:
    stage = Stage()
    stage.join(beeping("A", has_wait_music=False))
    stage.join(beeping("B", has_wait_music=False, start=StartRule.WAITS))
    assert stage.music == set()


def test_the_joiners_own_maximum_decides_and_the_refused_never_was_there() -> None:
    """T3, M4."""
    stage = Stage()
    stage.join(beeping("A"))
    stage.join(beeping("B"))
    stage.join(beeping("C", participants_max=2))
    assert stage.left == {"C": [LeaveReason.FULL]}
    assert stage.told == ["join A", "join B", "start"]
    stage.join(beeping("D", participants_max=3))
    assert stage.heard_by("D") == {"A", "B"}


def test_a_muted_participant_hears_and_is_not_heard() -> None:
    stage = Stage()
    stage.join(beeping("A", muted=True))
    stage.join(beeping("B"))
    assert stage.heard_by("A") == {"B"}
    assert stage.heard_by("B") == set()
    stage.do(Unmute("A"))
    assert stage.heard_by("B") == {"A"}
    stage.do(Mute("A"))
    assert stage.heard_by("B") == set()
    assert stage.told[-2:] == ["unmute A", "mute A"]


def test_a_mute_while_waiting_is_told_at_once_and_holds_after_the_start() -> None:
    stage = Stage()
    stage.join(beeping("A"))
    stage.do(Mute("A"))
    assert stage.told == ["join A", "mute A"]
    assert stage.pair("A", "A").reason == "self"
    assert stage.music == {"A"}
    stage.join(beeping("B"))
    assert stage.heard_by("B") == set()


def test_muting_the_muted_is_no_event() -> None:
    stage = Stage()
    stage.join(beeping("A", muted=True))
    stage.do(Mute("A"))
    assert stage.last == []


def test_those_who_stay_hear_the_exit_sound_and_the_leaver_does_not() -> None:
    stage = Stage()
    for call_sid in "ABC":
        stage.join(beeping(call_sid))
        stage.do(SoundDone()) if stage.room.state is State.STARTED else None
    stage.leave("C")
    assert [type(output) for output in stage.last] == [out.Left, out.PlaySound]
    assert stage.sounds == [ENTER, ENTER, EXIT]


def test_no_sound_when_the_room_ends_or_waits() -> None:
    stage = Stage()
    stage.join(beeping("A", start=StartRule.WAITS))
    stage.join(beeping("B", start=StartRule.WAITS))
    stage.leave("A")
    stage.leave("B")
    assert stage.sounds == []


def test_sounds_queue_and_a_sixth_that_waits_is_dropped_and_counted() -> None:
    """A3."""
    stage = Stage()
    stage.join(beeping("A", start=StartRule.ALONE))
    tones = [Sound(tone=Tone(500.0 + number, 100, -12.0)) for number in range(7)]
    for number, sound in enumerate(tones):
        stage.join(beeping(f"B{number}", enter_sound=sound))
    assert stage.sounds == [ENTER]
    assert stage.room.sounds_dropped == 2
    for _ in range(8):
        stage.do(SoundDone())
    assert stage.sounds == [ENTER, *tones[:5]]
    stage.join(beeping("C"))
    assert stage.sounds[-1] == ENTER


def test_left_alone_a_started_room_goes_on_in_silence() -> None:
    stage = Stage()
    stage.join(beeping("A"))
    stage.join(beeping("B", start=StartRule.WAITS))
    stage.leave("A")
    assert stage.room.state is State.STARTED
    assert stage.music == set()
    stage.join(beeping("C", start=StartRule.WAITS))
    assert stage.heard_by("C") == {"B"}
    assert stage.told == ["join A", "join B", "start", "leave A", "join C"]


@pytest.mark.parametrize("operator_wants_music", [False, True])
def test_music_when_alone_is_the_operators_or_the_participants_choice(operator_wants_music: bool) -> None:
    stage = Stage(music_when_alone=operator_wants_music)
    alone = AloneRule.SILENCE if operator_wants_music else AloneRule.MUSIC
    stage.join(beeping("A", alone=alone))
    stage.join(beeping("B", alone=alone))
    assert stage.music == set()
    stage.leave("A")
    assert stage.music == {"B"}
    stage.join(beeping("C"))
    assert stage.music == set()
    stage.leave("B")
    assert stage.music == ({"C"} if operator_wants_music else set())


def test_one_who_leaves_when_alone_stays_until_the_room_had_two() -> None:
    """P3."""
    stage = Stage()
    stage.join(beeping("A", start=StartRule.ALONE, alone=AloneRule.LEAVES))
    assert stage.music == {"A"}
    stage.join(beeping("B"))
    stage.leave("B")
    assert stage.left == {"B": [HANG_UP], "A": [LeaveReason.LEFT_ALONE]}
    assert stage.told[-2:] == ["leave A", "end participant-left-alone A"]
    assert stage.music == set()
    assert EXIT not in stage.sounds


@pytest.mark.parametrize(
    ("reason", "ended"),
    [(reason, "kicked" if reason is LeaveReason.KICKED else "left") for reason in LeaveReason],
)
@pytest.mark.parametrize("started", [False, True])
def test_however_the_moderator_leaves_the_room_ends(reason: LeaveReason, ended: str, started: bool) -> None:
    """A5, A6, P2."""
    stage = Stage()
    stage.join(beeping("A", start=StartRule.WAITS))
    start = StartRule.WITH_ANOTHER if started else StartRule.WAITS
    stage.join(beeping("M", start=start, end=EndRule.ENDS_ROOM))
    stage.leave("M", reason)
    assert stage.left == {"M": [reason], "A": [LeaveReason.MODERATOR_LEFT]}
    assert stage.told[-3:] == ["leave M", "leave A", f"end participant-with-end-conference-on-exit-{ended} M"]
    assert stage.music == set()


# Participants of several platforms in one room: each brings the rules of their own.

PLIVO_ENTER = Sound(tone=Tone(440.0, 120, -12.0, times=2, gap_ms=100))
PLIVO = {"start": StartRule.ALONE, "alone": AloneRule.MUSIC, "enter_sound": PLIVO_ENTER, "exit_sound": None}


def test_a_room_that_one_rule_has_started_is_started_for_those_of_another_platform() -> None:
    """M1: two Twilio callers who may not start it wait, until a Plivo member with start comes."""
    stage = Stage()
    stage.join(beeping("T1", start=StartRule.WAITS))
    stage.join(beeping("T2", start=StartRule.WAITS))
    assert stage.room.state is State.WAITING
    stage.join(beeping("P", **PLIVO))
    assert stage.told[-1] == "start"
    assert stage.heard_by("T1") == {"T2", "P"}
    assert stage.music == set()


def test_a_plivo_member_who_waits_is_started_by_two_of_twilio_of_whom_one_may() -> None:
    """M1, P1: the member counts as one of the two."""
    stage = Stage()
    stage.join(beeping("P", **{**PLIVO, "start": StartRule.WAITS}))
    assert stage.music == {"P"}
    stage.join(beeping("T", start=StartRule.WITH_ANOTHER))
    assert stage.heard_by("P") == {"T"}


def test_each_is_alone_by_the_rule_of_their_own_platform() -> None:
    """M2, P4: of the same room the Twilio caller is left in silence, the Plivo member with their music."""
    stage = Stage()
    stage.join(beeping("P", **PLIVO))
    assert stage.music == {"P"}, "alone in a started room"
    stage.join(beeping("T"))
    assert stage.music == set()
    stage.leave("T")
    assert stage.music == {"P"}
    stage.join(beeping("T"))
    stage.leave("P")
    assert stage.music == set()
    assert not stage.ended


def test_everybody_counts_whatever_their_platform() -> None:
    """M4: and the joiner's own limit decides."""
    stage = Stage()
    stage.join(beeping("T"))
    stage.join(beeping("P", **PLIVO))
    stage.join(beeping("T2", participants_max=2))
    assert stage.left == {"T2": [LeaveReason.FULL]}
    stage.join(beeping("P2", **PLIVO, participants_max=200))
    assert stage.heard_by("P2") == {"T", "P"}


def test_a_sound_is_of_the_platform_of_who_comes_or_goes_and_waits_for_its_turn() -> None:
    """M6, A3."""
    stage = Stage()
    stage.join(beeping("T"))
    stage.join(beeping("P", **PLIVO))
    stage.join(beeping("T2"))
    stage.leave("P")
    stage.leave("T2")
    assert stage.sounds == [PLIVO_ENTER]
    stage.do(SoundDone())
    stage.do(SoundDone())
    assert stage.sounds == [PLIVO_ENTER, ENTER, EXIT]


@pytest.mark.parametrize(("reason", "ended"), [(HANG_UP, "left"), (LeaveReason.KICKED, "kicked")])
def test_the_last_one_ends_the_room(reason: LeaveReason, ended: str) -> None:
    stage = Stage()
    stage.join(beeping("A"))
    stage.leave("A", reason)
    assert stage.told == ["join A", "leave A", f"end last-participant-{ended} A"]


def test_an_api_ends_the_room_for_all() -> None:
    stage = Stage()
    stage.join(beeping("A"))
    stage.join(beeping("B"))
    stage.do(EndRoom())
    assert stage.left == {"A": [LeaveReason.ENDED_BY_API], "B": [LeaveReason.ENDED_BY_API]}
    assert stage.told[-1] == "end conference-ended-via-api"


def test_the_earliest_time_limit_decides_even_when_its_bringer_left() -> None:
    """P5."""
    stage = Stage()
    stage.join(beeping("A", room_time_limit_s=600.0), now=100.0)
    assert stage.room.deadline_s == 700.0
    stage.join(beeping("B", room_time_limit_s=60.0), now=110.0)
    stage.join(beeping("C", room_time_limit_s=60.0), now=120.0)
    stage.leave("B")
    assert stage.room.deadline_s == 170.0
    stage.do(TimeUp(), now=170.0)
    assert stage.left["A"] == stage.left["C"] == [LeaveReason.ROOM_TIME_LIMIT]
    assert stage.room.deadline_s is None


def test_keys_are_made_again_only_for_those_who_could_hear_the_one_who_pressed() -> None:
    stage = Stage()
    stage.join(beeping("A"))
    stage.do(Key("A", "1"))
    stage.join(beeping("B", muted=True))
    stage.join(beeping("C", relays_digits=False))
    for call_sid in "ABC":
        stage.do(Key(call_sid, "2"))
    assert stage.keys == [("A", "2")]


def test_a_call_that_left_may_come_back_as_a_new_participant() -> None:
    stage = Stage()
    stage.join(beeping("A"))
    stage.join(beeping("B"))
    stage.leave("A", LeaveReason.STAR)
    stage.join(beeping("A", muted=True))
    assert stage.heard_by("B") == set()
    stage.leave("A")
    assert stage.left["A"] == [LeaveReason.STAR, HANG_UP]


def test_a_participant_as_told_stays_what_it_was() -> None:
    stage = Stage()
    stage.join(beeping("A"))
    (told,) = [output.participant for output in stage.last if isinstance(output, out.Admitted)]
    stage.do(Mute("A"))
    assert not told.muted
    assert stage.room.participants["A"].muted


EVENTS: list[Event] = [
    Join(JoinRequest("Z")),
    Leave("Z", HANG_UP),
    Mute("Z"),
    Unmute("Z"),
    Key("Z", "1"),
    SoundDone(),
    EndRoom(),
    TimeUp(),
]


def room_in(state: State) -> Room:
    room = Room("AC1", "R", "CF1", RoomRules())
    if state is not State.NEW:
        room.handle(Join(JoinRequest("A")), 0.0)
    if state in (State.STARTED, State.ENDED):
        room.handle(Join(JoinRequest("B")), 0.0)
    if state is State.ENDED:
        room.handle(EndRoom(), 0.0)
    assert room.state is state
    return room


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_in_every_state_is_a_move_or_a_fault_of_ours(state: State, event: Event) -> None:
    room = room_in(state)
    if type(event) in MOVES[state]:
        outputs = room.handle(event, 1.0)
        assert state is not State.ENDED or outputs == []
    else:
        with pytest.raises(IllegalMoveError):
            room.handle(event, 1.0)
        assert room.state is state


def test_nobody_joins_a_room_twice_at_once() -> None:
    room = room_in(State.STARTED)
    with pytest.raises(IllegalMoveError):
        room.handle(Join(JoinRequest("A")), 1.0)
