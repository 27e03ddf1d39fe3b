"""A room with people in it, seen as they see it: who has music, who hears whom, which sounds played, what was told."""

from __future__ import annotations

from roomtone.rooms import outputs as out
from roomtone.rooms.hearing import Pair, Row, between
from roomtone.rooms.join import JoinRequest, LeaveReason, Sound, Tone
from roomtone.rooms.room import Event, Join, Leave, Room, RoomRules, State

ENTER = Sound(tone=Tone(440.0, 120, -12.0))
EXIT = Sound(tone=Tone(330.0, 120, -12.0))


def beeping(call_sid: str, **rules: object) -> JoinRequest:
    """A participant as a 2010-04-01 document makes it when it says nothing else."""
    return JoinRequest(call_sid, **{"enter_sound": ENTER, "exit_sound": EXIT, **rules})  # type: ignore[arg-type]


class Stage:
    def __init__(self, **rules: bool) -> None:
        self.room = Room("AC1", "Room 1234", "CF1", RoomRules(**rules))
        self.rows: dict[str, Row] = {}
        self.music: set[str] = set()
        self.sounds: list[Sound] = []
        self.keys: list[tuple[str, str]] = []
        self.left: dict[str, list[LeaveReason]] = {}
        self.told: list[str] = []
        self.last: list[out.Output] = []

    def join(self, request: JoinRequest, now: float = 0.0) -> None:
        self.do(Join(request), now)

    def leave(self, call_sid: str, reason: LeaveReason = LeaveReason.HUNG_UP) -> None:
        self.do(Leave(call_sid, reason))

    def do(self, event: Event, now: float = 0.0) -> None:
        self.last = self.room.handle(event, now)
        for output in self.last:
            self._see(output)

    def _see(self, output: out.Output) -> None:
        match output:
            case out.StartMusic(call_sid):
                assert call_sid not in self.music
                self.music.add(call_sid)
            case out.StopMusic(call_sid):
                self.music.remove(call_sid)
            case out.ChangeRow(call_sid, row):
                self.rows[call_sid] = row
            case out.PlaySound(sound):
                self.sounds.append(sound)
            case out.RelayKey(call_sid, key):
                self.keys.append((call_sid, key))
            case out.Admitted(participant):
                self.told.append(f"join {participant.call_sid}")
            case out.Refused(call_sid, reason):
                self.left.setdefault(call_sid, []).append(reason)
            case out.Left(participant, reason):
                del self.rows[participant.call_sid]
                self.left.setdefault(participant.call_sid, []).append(reason)
                self.told.append(f"leave {participant.call_sid}")
            case out.Muted(participant):
                self.told.append(f"mute {participant.call_sid}")
            case out.Unmuted(participant):
                self.told.append(f"unmute {participant.call_sid}")
            case out.Started():
                self.told.append("start")
            case out.Ended(reason, call_sid):
                self.told.append(f"end {reason} {call_sid}" if call_sid else f"end {reason}")

    @property
    def ended(self) -> bool:
        return self.room.state is State.ENDED

    def pair(self, listener: str, talker: str) -> Pair:
        return between(listener, self.rows[listener], talker, self.rows[talker])

    def heard_by(self, listener: str) -> set[str]:
        return {talker for talker in self.rows if self.pair(listener, talker).heard}
