"""What comes out of a room: facts, which users are told in this order (T5), and orders, which the shell carries out in
this order, all in one moment.

Every join ends in exactly one terminal fact: `Refused`, or `Admitted` and later `Left`. Every room that admitted
somebody ends in exactly one `Ended`, its last output.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from roomtone.rooms.hearing import Row
from roomtone.rooms.join import LeaveReason, Sound
from roomtone.rooms.participant import Participant

__all__ = [
    "Admitted",
    "ChangeRow",
    "EndReason",
    "Ended",
    "Left",
    "Muted",
    "Output",
    "PlaySound",
    "Refused",
    "RelayKey",
    "StartMusic",
    "Started",
    "StopMusic",
    "Unmuted",
]


class EndReason(StrEnum):
    """Why a room ended."""

    LAST_LEFT = "last-participant-left"
    LAST_KICKED = "last-participant-kicked"
    MODERATOR_LEFT = "participant-with-end-conference-on-exit-left"
    MODERATOR_KICKED = "participant-with-end-conference-on-exit-kicked"
    ENDED_BY_API = "conference-ended-via-api"
    TIME_LIMIT = "time-limit"
    LEFT_ALONE = "participant-left-alone"
    FAILED = "failed"  # by a fault of ours


# Facts


@dataclass(frozen=True, slots=True)
class Admitted:
    """participant-join."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class Refused:
    """The caller never was a participant."""

    call_sid: str
    reason: LeaveReason


@dataclass(frozen=True, slots=True)
class Started:
    """conference-start."""


@dataclass(frozen=True, slots=True)
class Muted:
    """participant-mute."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class Unmuted:
    """participant-unmute."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class Left:
    """participant-leave: the last word of this participant."""

    participant: Participant
    reason: LeaveReason


@dataclass(frozen=True, slots=True)
class Ended:
    """conference-end. `call_sid` is the participant whose leaving ended it, if one did."""

    reason: EndReason
    call_sid: str | None


# Orders


@dataclass(frozen=True, slots=True)
class StartMusic:
    """Its own wait music, for this participant alone."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class StopMusic:
    """The end of what `StartMusic` began: each has one, at the latest before the participant's `Left`."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """The participant's part in the hearing is this from now on."""

    call_sid: str
    row: Row


@dataclass(frozen=True, slots=True)
class PlaySound:
    """Into the room: everybody who hears the room hears it. `SoundDone` is wanted back."""

    sound: Sound


@dataclass(frozen=True, slots=True)
class RelayKey:
    """The key is made again for everybody who hears the room, but the one who pressed it."""

    call_sid: str
    key: str


Output = (
    Admitted
    | Refused
    | Started
    | Muted
    | Unmuted
    | Left
    | Ended
    | StartMusic
    | StopMusic
    | ChangeRow
    | PlaySound
    | RelayKey
)
