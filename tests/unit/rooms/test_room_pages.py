"""The examples of the 2010-04-01 Conference page and the moderated-conferencing how-to, at the level of the room.

What belongs to a call (the action after the Dial, `*`, the time limit) shows here only as the way of leaving.
"""

from __future__ import annotations

from stage import ENTER, EXIT, Stage, beeping

from roomtone.rooms.join import EndRule, JoinRequest, LeaveReason, StartRule
from roomtone.rooms.room import SoundDone, State, Unmute

MODERATOR = {"start": StartRule.WITH_ANOTHER, "end": EndRule.ENDS_ROOM}
AUDIENCE = {"start": StartRule.WAITS}


def test_example_1_a_simple_conference() -> None:
    stage = Stage()
    stage.join(beeping("first"))
    assert stage.music == {"first"}
    stage.join(beeping("second"))
    assert stage.music == set()
    assert stage.sounds == [ENTER]
    assert stage.heard_by("first") == {"second"}
    assert stage.heard_by("second") == {"first"}


def test_example_2_a_moderated_conference() -> None:
    stage = Stage()
    for call_sid in ("one", "two", "three"):
        stage.join(beeping(call_sid, **AUDIENCE))
    assert stage.music == {"one", "two", "three"}
    stage.join(beeping("moderator", **MODERATOR))
    assert stage.music == set()
    assert stage.heard_by("one") == {"two", "three", "moderator"}
    stage.leave("moderator")
    assert stage.ended
    assert all(stage.left[call_sid] == [LeaveReason.MODERATOR_LEFT] for call_sid in ("one", "two", "three"))


def test_example_3_join_a_conference_muted() -> None:
    stage = Stage()
    stage.join(beeping("speaker"))
    stage.join(beeping("muted", muted=True))
    assert stage.heard_by("muted") == {"speaker"}
    assert stage.heard_by("speaker") == set()
    stage.do(Unmute("muted"))
    assert stage.heard_by("speaker") == {"muted"}


def test_example_4_bridging_calls() -> None:
    stage = Stage()
    stage.join(JoinRequest("one", has_wait_music=False, end=EndRule.ENDS_ROOM))
    assert stage.music == set()
    stage.join(JoinRequest("two", has_wait_music=False, end=EndRule.ENDS_ROOM))
    assert stage.heard_by("one") == {"two"}
    stage.leave("one")
    assert stage.left["two"] == [LeaveReason.MODERATOR_LEFT]
    assert stage.sounds == []


def test_example_5_call_on_hold() -> None:
    stage = Stage()
    stage.join(JoinRequest("customer"))
    assert stage.music == {"customer"}
    stage.join(JoinRequest("operator", end=EndRule.ENDS_ROOM))
    assert stage.music == set()
    assert stage.sounds == []
    assert stage.heard_by("customer") == {"operator"}
    stage.leave("operator")
    assert stage.ended


def test_example_6_combining_with_dial_attributes() -> None:
    stage = Stage()
    for call_sid in ("one", "two", "three"):
        stage.join(beeping(call_sid))
    stage.do(SoundDone())
    stage.do(SoundDone())
    stage.leave("one", LeaveReason.STAR)
    assert stage.sounds == [ENTER, ENTER, EXIT]
    stage.leave("two", LeaveReason.TIME_LIMIT)
    assert stage.left == {"one": [LeaveReason.STAR], "two": [LeaveReason.TIME_LIMIT]}
    assert stage.room.state is State.STARTED


def test_example_7_recording_begins_when_two_are_bridged() -> None:
    stage = Stage()
    stage.join(beeping("one"))
    assert "start" not in stage.told
    stage.join(beeping("two"))
    assert stage.told[-1] == "start"


def test_how_to_listener_speaker_and_moderator() -> None:
    stage = Stage()
    stage.join(beeping("listener", muted=True, **AUDIENCE))
    stage.join(beeping("speaker", **AUDIENCE))
    assert stage.music == {"listener", "speaker"}
    assert stage.pair("speaker", "listener").reason == "waiting"
    stage.join(beeping("moderator", **MODERATOR))
    assert stage.music == set()
    assert stage.sounds == [ENTER]
    assert stage.heard_by("listener") == {"speaker", "moderator"}
    assert stage.heard_by("speaker") == {"moderator"}
    assert stage.heard_by("moderator") == {"speaker"}
    stage.leave("moderator")
    assert stage.left == {
        "moderator": [LeaveReason.HUNG_UP],
        "listener": [LeaveReason.MODERATOR_LEFT],
        "speaker": [LeaveReason.MODERATOR_LEFT],
    }


def test_how_to_the_moderator_may_come_first() -> None:
    stage = Stage()
    stage.join(beeping("moderator", **MODERATOR))
    assert stage.music == {"moderator"}
    stage.join(beeping("listener", muted=True, **AUDIENCE))
    assert stage.heard_by("listener") == {"moderator"}
    assert stage.heard_by("moderator") == set()
