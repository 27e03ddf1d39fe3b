"""One live room: its queue, its participants' calls, and the carrying out of what it decides.

Events come from calls, APIs, players and timers; each is handled whole, without awaiting, before the next is looked at,
also when it came while another was being handled. What the room decides goes out in its order, in one `Moment`.

A fault in the room's machine, or while carrying out, is contained here: it is logged, the room ends, and its calls go
on with LeaveReason.FAILED. Other rooms do not notice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import structlog

from roomtone.clock import Clock, Timer
from roomtone.conferences.cause import Cause
from roomtone.conferences.moment import Moment
from roomtone.conferences.participation import Participation
from roomtone.conferences.ports import Media, Member, Store
from roomtone.conferences.record import ConferenceRecord
from roomtone.rooms.hearing import Row, Sends
from roomtone.rooms.join import JoinRequest, LeaveReason, Sound
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
from roomtone.rooms.room import Event, Join, Leave, Room, SoundDone, TimeUp

if TYPE_CHECKING:
    from roomtone.media.core import Batch

__all__ = ["Host", "LiveRoom", "Seat"]

_log = structlog.get_logger("roomtone.conferences")


class Host(Protocol):
    """Where live rooms live."""

    media: Media
    store: Store
    clock: Clock

    def seat_empty(self, call_sid: str) -> None:
        """That call is in no room any more."""

    def room_ended(self, live: LiveRoom) -> None:
        """Its name is free."""


@dataclass(slots=True)
class Seat:
    """A participant's call, and what made its part in the hearing what it is. `participant` is None until admitted."""

    member: Member
    participation: Participation
    caller: str
    cause: Cause
    participant: Participant | None = None


class LiveRoom:
    """A room with its bus. The host makes one for the first who names it and forgets it when it ends."""

    def __init__(self, room: Room, record: ConferenceRecord, bus: int, host: Host) -> None:
        self.room = room
        self.record = record
        self.bus = bus
        self.seats: dict[str, Seat] = {}
        self._host = host
        self._queue: deque[tuple[Event, Moment, Cause | None]] = deque()
        self._draining = False
        self._over = False
        self._bus_open = False
        self._timer: Timer | None = None
        self._timer_s: float | None = None

    def join(self, member: Member, request: JoinRequest, caller: str, cause: Cause) -> Participation:
        """Sits the call down, or refuses it: then `left` of its participation says so."""
        assert not self._draining, "a join begins in a coroutine, and none runs while a room handles an event"
        participation = Participation(
            member.call_sid,
            self.room.conference_sid,
            self.room.name,
            lambda reason: self._leave(participation, reason),
        )
        self.seats[member.call_sid] = Seat(member, participation, caller, cause)
        self.post(Join(request))
        return participation

    def post(self, event: Event, cause: Cause | None = None) -> Moment:
        """Handles `event`, at once or behind what is being handled. `cause` is who asked for it, when an API did."""
        moment = Moment(self._host.media, self._host.store, self._host.clock.wall())
        self._queue.append((event, moment, cause))
        if not self._draining:
            self._drain()
        return moment

    def _leave(self, participation: Participation, reason: LeaveReason) -> None:
        seat = self.seats.get(participation.call_sid)
        if seat is not None and seat.participation is participation:  # not a later stay of the same call
            self.post(Leave(participation.call_sid, reason))

    def _drain(self) -> None:
        self._draining = True
        try:
            while self._queue:
                event, moment, cause = self._queue.popleft()
                if not self._over:
                    self._handle(event, moment, cause)
        finally:
            self._draining = False

    def _handle(self, event: Event, moment: Moment, cause: Cause | None) -> None:
        try:
            for output in self.room.handle(event, self._host.clock.now()):
                self._carry_out(output, moment, cause)
        except Exception:
            _log.exception("conference.failed", conference_sid=self.room.conference_sid, room_event=repr(event))
            self._fail(moment)
        self._set_timer()
        moment.send()

    def _set_timer(self) -> None:
        deadline_s = None if self._over else self.room.deadline_s
        if deadline_s == self._timer_s:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_s = deadline_s
        self._timer = None if deadline_s is None else self._host.clock.call_at(deadline_s, self._time_up)

    def _time_up(self) -> None:
        self.post(TimeUp())

    # Carrying out

    def _carry_out(self, output: Output, moment: Moment, cause: Cause | None) -> None:
        if isinstance(output, Admitted | Started | Muted | Unmuted | Left | Ended):
            self.record.write(output, moment.time, moment.rows)
        match output:
            case Admitted(participant):
                self._enter(self.seats[participant.call_sid], participant, moment.batch)
            case Refused(call_sid, reason):
                self._let_go(self.seats[call_sid], reason, moment)
            case Left(participant, reason):
                self._let_go(self.seats[participant.call_sid], reason, moment)
            case Muted(participant) | Unmuted(participant):
                self._note(self.seats[participant.call_sid], participant, cause)
            case StartMusic(call_sid):
                start_wait = self.seats[call_sid].member.start_wait
                moment.afterwards.append(partial(start_wait, self.room.conference_sid, self.room.name))
            case StopMusic(call_sid):
                self.seats[call_sid].member.stop_wait(moment.batch)
            case ChangeRow(call_sid, row):
                self._change_row(self.seats[call_sid].member.leg, row, moment.batch)
            case PlaySound(sound):
                self._play(sound, moment)
            case RelayKey(call_sid, key):
                moment.batch.relay_digit(self.bus, key, self.seats[call_sid].member.leg)
            case Ended():
                self._end(moment)

    def _enter(self, seat: Seat, participant: Participant, batch: Batch) -> None:
        seat.participant = participant
        if not self._bus_open:
            self._bus_open = True
            batch.open_bus(self.bus)
            self._host.media.on_bus(self.bus, lambda _lost: self._bus_lost())
        batch.move(seat.member.leg, self.bus)

    def _let_go(self, seat: Seat, reason: LeaveReason, moment: Moment) -> None:
        """The call is told when its leg is its own again, and no sooner."""
        del self.seats[seat.member.call_sid]
        self._host.seat_empty(seat.member.call_sid)
        moment.when_applied.append(partial(_say_left, seat, reason))
        if seat.participant is not None:
            moment.batch.move(seat.member.leg, seat.member.private_bus)

    def _note(self, seat: Seat, participant: Participant, cause: Cause | None) -> None:
        seat.participant = participant
        if cause is not None:
            seat.cause = cause

    def _change_row(self, leg: int, row: Row, batch: Batch) -> None:
        sends: Literal["all", "nobody"] | int
        if isinstance(row.sends, Sends):
            sends = "all" if row.sends is Sends.ALL else "nobody"
        else:
            sends = self.seats[row.sends].member.leg
        batch.row(leg, sends=sends, hears=row.hears, gain_db=row.gain_db)

    def _play(self, sound: Sound, moment: Moment) -> None:
        if sound.tone is None:  # a sound from a URL has no player yet; the others must not wait for it
            _log.warning("conference.sound_skipped", conference_sid=self.room.conference_sid, url=sound.url)
            moment.afterwards.append(self._sound_over)
            return
        player = self._host.media.new_id()
        moment.batch.play(player, bus=self.bus)
        for repetition in range(sound.tone.times):
            if repetition > 0:
                moment.batch.append_silence(player, sound.tone.gap_ms)
            moment.batch.append_tone(player, sound.tone.hertz, sound.tone.milliseconds, sound.tone.dbm0)
        moment.batch.finish(player)
        self._host.media.on_player(player, self._on_sound)

    def _on_sound(self, event: Any) -> None:
        if hasattr(event, "reason"):  # PlayerDone alone has one; the items of the player say nothing new
            self._sound_over()

    def _sound_over(self) -> None:
        self.post(SoundDone())

    def _end(self, moment: Moment) -> None:
        self._over = True
        self._host.room_ended(self)
        if self._bus_open:
            self._host.media.on_bus(self.bus, None)
            moment.batch.close_bus(self.bus)

    # Containment

    def _bus_lost(self) -> None:
        """A fault in the core ended the bus: so ends the room. Its calls end too, each by the loss of its leg, of which it hears next."""
        _log.error("conference.bus_lost", conference_sid=self.room.conference_sid, bus=self.bus)
        moment = Moment(self._host.media, self._host.store, self._host.clock.wall())
        self._fail(moment)
        self._set_timer()
        moment.send()

    def _fail(self, moment: Moment) -> None:
        """Ends the room without its machine, on top of what was carried out of the event that broke it."""
        for seat in list(self.seats.values()):
            self._contain(partial(self._let_go, seat, LeaveReason.FAILED, moment))
            if seat.participant is not None:
                moment.afterwards.append(partial(_stop_wait, self._host.media, seat.member))
                self._record_failure(Left(seat.participant, LeaveReason.FAILED), moment)
        if not self._over:
            self._record_failure(Ended(EndReason.FAILED, None), moment)
            self._contain(partial(self._end, moment))

    def _record_failure(self, fact: Left | Ended, moment: Moment) -> None:
        self._contain(partial(self.record.write, fact, moment.time, moment.rows))

    def _contain(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            _log.exception("conference.not_contained", conference_sid=self.room.conference_sid)


def _stop_wait(media: Media, member: Member) -> None:
    """In a batch of its own: a call that fails at it must not keep the others in a broken room."""
    batch = media.batch()
    member.stop_wait(batch)
    media.submit(batch)


def _say_left(seat: Seat, reason: LeaveReason) -> None:
    if not seat.participation.left.done():
        seat.participation.left.set_result(reason)
    seat.member.left(reason)
