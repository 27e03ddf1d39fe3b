"""What somebody asks for who wants into a room: an explicit request made of rules, in no dialect's words.

A dialect translates its attributes into this; the room knows nothing else of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["AloneRule", "EndRule", "JoinRequest", "LeaveReason", "Sound", "StartRule", "Tone"]


class StartRule(Enum):
    """What this participant's presence does for the start of the room."""

    WITH_ANOTHER = auto()  # starts it as soon as two are present (Twilio, SignalWire)
    ALONE = auto()  # starts it at once (Plivo)
    WAITS = auto()  # never starts it


class EndRule(Enum):
    """What this participant's leaving does to the room."""

    ROOM_GOES_ON = auto()
    ENDS_ROOM = auto()


class AloneRule(Enum):
    """What happens to this participant when nobody else is left in a started room."""

    SILENCE = auto()
    MUSIC = auto()
    LEAVES = auto()


@dataclass(frozen=True, slots=True)
class Tone:
    """A beep: pure tone, or several in a row."""

    hertz: float
    milliseconds: int
    dbm0: float
    times: int = 1
    gap_ms: int = 0


@dataclass(frozen=True, slots=True)
class Sound:
    """Something played into a room: a tone, or audio from a URL of the application."""

    tone: Tone | None = None
    url: str | None = None


class LeaveReason(Enum):
    """Why a participation ended; the last word of each participant, said once."""

    HUNG_UP = auto()  # the call ended
    STAR = auto()  # the caller pressed `*`
    TIME_LIMIT = auto()  # of the Dial
    REDIRECTED = auto()  # the call was given another document
    KICKED = auto()  # removed by an API
    MODERATOR_LEFT = auto()  # a participant with EndRule.ENDS_ROOM left
    ENDED_BY_API = auto()  # the room was ended by an API
    LEFT_ALONE = auto()  # AloneRule.LEAVES
    ROOM_TIME_LIMIT = auto()
    FULL = auto()  # refused: the room holds the joiner's own maximum
    FAILED = auto()  # refused or lost for a fault of ours


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """The rules one participant brings along. `call_sid` is the participant's name in the room."""

    call_sid: str
    start: StartRule = StartRule.WITH_ANOTHER
    end: EndRule = EndRule.ROOM_GOES_ON
    alone: AloneRule = AloneRule.SILENCE
    muted: bool = False
    enter_sound: Sound | None = None
    exit_sound: Sound | None = None
    participants_max: int = 40
    has_wait_music: bool = True  # False: silence while waiting (an empty waitUrl)
    relays_digits: bool = True  # keys pressed are made again for the others (A26)
    room_time_limit_s: float | None = None  # the room ends that long after this participant came (P5)

    def __post_init__(self) -> None:
        assert self.participants_max >= 1, "the dialect clamps what the document asks for"
