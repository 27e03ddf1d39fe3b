"""A conference as a table: states, events, moves, and what each move tells and orders.

A room is in one of four states (the last column is its REST status, T10):

    NEW      nobody has come yet
    WAITING  nobody hears anybody, each has their own wait music, no sound plays     init
    STARTED  those present talk; it stays started whoever leaves (T2)                in-progress
    ENDED    it never comes back: the next to name it gets a new room and SID        completed

and each event has one move in each state:

               NEW      WAITING                       STARTED                        ENDED
    Join       admit; if a start rule is met now:     admit; enter sound             -
               music stops, enter sound, talk (A2)
    Leave      -        leave; may end it (A5)        leave; may end it,             nothing
                                                      else exit sound
    Mute       -        remembered                    its row changes                nothing
    Unmute     -        remembered                    its row changes                nothing
    Key        -        nothing: nobody hears         relayed, unless muted (A26)    nothing
    SoundDone  -        -                             the next that waits (A3)       nothing
    EndRoom    -        ends it                       ends it                        nothing
    TimeUp     -        ends it                       ends it (P5)                   nothing

`-` is a fault of ours: `IllegalMoveError`, contained by whoever drives the room. An event about a participant who is
not there does nothing either: like those that meet an ended room, it was on its way when that one left.

The rules, with their sources:

* Start (M1): a participant present with ALONE, or two present and one of them WITH_ANOTHER. Afterwards a start rule
  means nothing (A4).
* Full (T3, M4): the joiner's own maximum against the number present.
* End (the 2010-04-01 page, endConferenceOnExit; A5, A6): in whatever way a participant with ENDS_ROOM leaves, the room
  ends and the others leave it. It ends too when the last one leaves.
* Alone in a started room: by the lone participant's own rule. SILENCE (T2), unless the operator's rule says music;
  MUSIC (P4); LEAVES ends the room once two have been there (P3), and is music before.
* A sound is the joiner's or the leaver's own (M6). The joiner hears their enter sound, the leaver does not hear their
  exit sound, and a room that waits or ends plays none (A2).

Holding, deafening and coaching will be lines of this table and fields of `Participant`. No move asks the time: `now` is
an argument, in seconds of the caller's clock. A move costs no more than the rows it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from roomtone.rooms.hearing import Row
from roomtone.rooms.join import AloneRule, EndRule, JoinRequest, LeaveReason, Sound, StartRule
from roomtone.rooms.outputs import (
    Admitted,
    ChangeRow,
    Ended,
    EndReason,
    Left,
    Muted,
    Output,
    PlaySound,
    Refused,
    RelayKey,
    Started,
    StartMusic,
    StopMusic,
    Unmuted,
)
from roomtone.rooms.participant import Participant
from roomtone.rooms.sounds import SoundQueue

__all__ = [
    "MOVES",
    "EndRoom",
    "Event",
    "IllegalMoveError",
    "Join",
    "Key",
    "Leave",
    "Mute",
    "Room",
    "RoomRules",
    "SoundDone",
    "State",
    "TimeUp",
    "Unmute",
]


class State(Enum):
    """Where a room is in its life."""

    NEW = auto()
    WAITING = auto()
    STARTED = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody wants in."""

    request: JoinRequest


@dataclass(frozen=True, slots=True)
class Leave:
    """A participant goes, or is made to go."""

    call_sid: str
    reason: LeaveReason


@dataclass(frozen=True, slots=True)
class Mute:
    """An API wants it. Nothing follows for who is muted already, or gone."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class Unmute:
    """An API wants it. Nothing follows for who is not muted, or gone."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class Key:
    """A participant pressed a key that nobody acted on."""

    call_sid: str
    key: str


@dataclass(frozen=True, slots=True)
class SoundDone:
    """The sound of the last `PlaySound` is over."""


@dataclass(frozen=True, slots=True)
class EndRoom:
    """Ended from outside, by an API."""


@dataclass(frozen=True, slots=True)
class TimeUp:
    """`Room.deadline_s` has come."""


Event = Join | Leave | Mute | Unmute | Key | SoundDone | EndRoom | TimeUp


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What the operator decides for every room."""

    music_when_alone: bool = False  # rooms.music_when_alone: MUSIC for those whose rule is SILENCE (T2)


class IllegalMoveError(AssertionError):
    """An event that cannot happen in this state: a fault of whoever drives the room."""


class Room:
    """One live conference. Whoever drives it hands in one event after the other, and carries out all that comes back
    before the next.
    """

    def __init__(self, account_sid: str, name: str, conference_sid: str, rules: RoomRules) -> None:
        self.account_sid = account_sid
        self.name = name
        self.conference_sid = conference_sid
        self.rules = rules
        self.state = State.NEW
        # When `TimeUp` is due: the earliest that a participant brought along, though that one may have left (P5).
        self.deadline_s: float | None = None
        self._participants: dict[str, Participant] = {}
        self._had_two = False
        self._sounds = SoundQueue()

    def handle(self, event: Event, now: float) -> list[Output]:
        """What follows from `event`, in the order in which it is to be told and done. IllegalMoveError."""
        move = MOVES[self.state].get(type(event))
        if move is None:
            raise IllegalMoveError(f"{event} in a room that is {self.state.name}")
        return list(move(self, event, now))

    @property
    def participants(self) -> Mapping[str, Participant]:
        """Who is there, by call SID, in the order of coming."""
        return MappingProxyType(self._participants)

    @property
    def sounds_dropped(self) -> int:
        """How many sounds found five others waiting (A3)."""
        return self._sounds.dropped

    def row(self, call_sid: str) -> Row:
        """A participant's part in the hearing, as it is now."""
        return self._participants[call_sid].row(self.state is State.STARTED)

    # Moves: each changes the room and yields what follows. The table of them is at the end of the file.

    def _join_before_start(self, event: Join, now: float) -> Iterator[Output]:
        if self._is_full_for(event.request):
            yield Refused(event.request.call_sid, LeaveReason.FULL)
            return
        joiner = self._admit(event.request, now)
        yield Admitted(joiner)
        if self._may_start(joiner):
            yield from self._start(joiner)
        else:
            self.state = State.WAITING
            yield from self._start_music(joiner)
            yield self._row_changed(joiner.call_sid)

    def _join_after_start(self, event: Join, now: float) -> Iterator[Output]:
        if self._is_full_for(event.request):
            yield Refused(event.request.call_sid, LeaveReason.FULL)
            return
        lone = self._lone()
        joiner = self._admit(event.request, now)
        yield Admitted(joiner)
        if lone is not None:
            yield from self._stop_music(lone)
        yield from self._sound(joiner.request.enter_sound)
        yield self._row_changed(joiner.call_sid)

    def _leave_before_start(self, event: Leave, _now: float) -> Iterator[Output]:
        leaver = self._participants.get(event.call_sid)
        if leaver is None:
            return
        yield from self._remove(leaver, event.reason)
        yield from self._end_after(leaver, event.reason)

    def _leave_after_start(self, event: Leave, _now: float) -> Iterator[Output]:
        leaver = self._participants.get(event.call_sid)
        if leaver is None:
            return
        yield from self._remove(leaver, event.reason)
        yield from self._end_after(leaver, event.reason)
        lone = self._lone()
        if lone is not None and lone.request.alone is AloneRule.LEAVES and self._had_two:
            yield from self._end(EndReason.LEFT_ALONE, LeaveReason.LEFT_ALONE, lone.call_sid)
        if self._participants:
            yield from self._sound(leaver.request.exit_sound)
            yield from self._start_music_if_alone()

    def _mute(self, event: Mute, _now: float) -> Iterator[Output]:
        participant = self._participants.get(event.call_sid)
        if participant is not None and not participant.muted:
            yield from self._set_muted(participant, True)

    def _unmute(self, event: Unmute, _now: float) -> Iterator[Output]:
        participant = self._participants.get(event.call_sid)
        if participant is not None and participant.muted:
            yield from self._set_muted(participant, False)

    def _relay_key(self, event: Key, _now: float) -> Iterator[Output]:
        participant = self._participants.get(event.call_sid)
        if participant is not None and participant.request.relays_digits and not participant.muted:
            yield RelayKey(event.call_sid, event.key)

    def _next_sound(self, _event: SoundDone, _now: float) -> Iterator[Output]:
        sound = self._sounds.done()
        if sound is not None:
            yield PlaySound(sound)

    def _end_by_api(self, _event: EndRoom, _now: float) -> Iterator[Output]:
        yield from self._end(EndReason.ENDED_BY_API, LeaveReason.ENDED_BY_API, None)

    def _end_by_time(self, _event: TimeUp, _now: float) -> Iterator[Output]:
        yield from self._end(EndReason.TIME_LIMIT, LeaveReason.ROOM_TIME_LIMIT, None)

    def _nothing(self, _event: Event, _now: float) -> Iterator[Output]:
        yield from ()

    # Rules: what the moves are made of.

    def _is_full_for(self, request: JoinRequest) -> bool:
        return len(self._participants) >= request.participants_max

    def _may_start(self, joiner: Participant) -> bool:
        if joiner.request.start is StartRule.ALONE:
            return True
        if len(self._participants) == 1:
            return False
        # Of several who waited none can be WITH_ANOTHER, or they had not: so the first speaks for them all.
        first = next(iter(self._participants.values()))
        return StartRule.WITH_ANOTHER in (joiner.request.start, first.request.start)

    def _admit(self, request: JoinRequest, now: float) -> Participant:
        if request.call_sid in self._participants:
            raise IllegalMoveError(f"{request.call_sid} joins a room in which it is")
        joiner = Participant(request=request, joined_s=now, muted=request.muted)
        self._participants[joiner.call_sid] = joiner
        self._had_two = self._had_two or len(self._participants) >= 2
        if request.room_time_limit_s is not None:
            deadline_s = now + request.room_time_limit_s
            self.deadline_s = deadline_s if self.deadline_s is None else min(self.deadline_s, deadline_s)
        return joiner

    def _start(self, joiner: Participant) -> Iterator[Output]:
        self.state = State.STARTED
        for participant in tuple(self._participants.values()):
            yield from self._stop_music(participant)
        yield from self._sound(joiner.request.enter_sound)
        for call_sid in self._participants:
            yield self._row_changed(call_sid)
        yield Started()
        yield from self._start_music_if_alone()

    def _remove(self, leaver: Participant, reason: LeaveReason) -> Iterator[Output]:
        yield from self._stop_music(leaver)
        yield Left(self._participants.pop(leaver.call_sid), reason)

    def _end_after(self, leaver: Participant, reason: LeaveReason) -> Iterator[Output]:
        """Ends the room if it cannot be without the one who left."""
        kicked = reason is LeaveReason.KICKED
        if leaver.request.end is EndRule.ENDS_ROOM:
            end_reason = EndReason.MODERATOR_KICKED if kicked else EndReason.MODERATOR_LEFT
            yield from self._end(end_reason, LeaveReason.MODERATOR_LEFT, leaver.call_sid)
        elif not self._participants:
            end_reason = EndReason.LAST_KICKED if kicked else EndReason.LAST_LEFT
            yield from self._end(end_reason, LeaveReason.MODERATOR_LEFT, leaver.call_sid)

    def _end(self, reason: EndReason, others: LeaveReason, call_sid: str | None) -> Iterator[Output]:
        """All who are still there leave for the reason `others`."""
        self.state = State.ENDED
        self.deadline_s = None
        for participant in tuple(self._participants.values()):
            yield from self._remove(participant, others)
        yield Ended(reason, call_sid)

    def _set_muted(self, participant: Participant, muted: bool) -> Iterator[Output]:
        changed = replace(participant, muted=muted)
        self._participants[participant.call_sid] = changed
        if self.state is State.STARTED:
            yield self._row_changed(participant.call_sid)
        yield Muted(changed) if muted else Unmuted(changed)

    def _lone(self) -> Participant | None:
        return next(iter(self._participants.values())) if len(self._participants) == 1 else None

    def _start_music_if_alone(self) -> Iterator[Output]:
        lone = self._lone()
        if lone is not None and (lone.request.alone is not AloneRule.SILENCE or self.rules.music_when_alone):
            yield from self._start_music(lone)

    def _start_music(self, participant: Participant) -> Iterator[Output]:
        if participant.request.has_wait_music and not participant.has_music:
            self._participants[participant.call_sid] = replace(participant, has_music=True)
            yield StartMusic(participant.call_sid)

    def _stop_music(self, participant: Participant) -> Iterator[Output]:
        if participant.has_music:
            self._participants[participant.call_sid] = replace(participant, has_music=False)
            yield StopMusic(participant.call_sid)

    def _sound(self, sound: Sound | None) -> Iterator[Output]:
        to_begin = None if sound is None else self._sounds.add(sound)
        if to_begin is not None:
            yield PlaySound(to_begin)

    def _row_changed(self, call_sid: str) -> ChangeRow:
        return ChangeRow(call_sid, self.row(call_sid))


_Move = Callable[[Room, Any, float], Iterator[Output]]  # Any: the event of its column, which `MOVES` picks by type

MOVES: Mapping[State, Mapping[type[Event], _Move]] = {
    State.NEW: {
        Join: Room._join_before_start,
    },
    State.WAITING: {
        Join: Room._join_before_start,
        Leave: Room._leave_before_start,
        Mute: Room._mute,
        Unmute: Room._unmute,
        Key: Room._nothing,
        EndRoom: Room._end_by_api,
        TimeUp: Room._end_by_time,
    },
    State.STARTED: {
        Join: Room._join_after_start,
        Leave: Room._leave_after_start,
        Mute: Room._mute,
        Unmute: Room._unmute,
        Key: Room._relay_key,
        SoundDone: Room._next_sound,
        EndRoom: Room._end_by_api,
        TimeUp: Room._end_by_time,
    },
    State.ENDED: {
        Leave: Room._nothing,
        Mute: Room._nothing,
        Unmute: Room._nothing,
        Key: Room._nothing,
        SoundDone: Room._nothing,
        EndRoom: Room._nothing,
        TimeUp: Room._nothing,
    },
}
"""A missing entry is a fault of ours."""
