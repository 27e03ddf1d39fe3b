"""Who hears whom, at which gain, and why: one row for each member, and a function over two rows.

The row is the whole truth about a member's audio in its room. It is what crosses to the media core (which derives the
mixes from it) and what every question about the hearing is answered from; so no answer can differ from what is heard.

A row says two things: to whom the member sends, and whether it hears. Where a member is cut off both ways (waiting, on
hold) the row's reason names that; muted and deaf can be true at once, so `between` tells them from the two halves and
not from the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

__all__ = ["Pair", "Reason", "Row", "Sends", "between"]


class Reason(StrEnum):
    """Why one member does, or does not, hear another."""

    WAITING = "waiting"  # the room has not started
    MUTED = "muted"
    HELD = "held"
    COACH = "coach"  # speaks to one member only
    DEAF = "deaf"
    SELF = "self"  # nobody hears their own voice
    TALK = "talk"


class Sends(Enum):
    """To whom a member speaks, when it is not one call alone."""

    ALL = auto()
    NOBODY = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """One member's part in the hearing. A call SID in `sends`: that member alone hears it."""

    sends: Sends | str
    hears: bool
    reason: Reason
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Whether `listener` hears `talker`. `decided_by`: the one of the two whose row made it so."""

    listener: str
    talker: str
    heard: bool
    gain_db: float | None  # None: not heard
    reason: Reason
    decided_by: str
    speaks_to: str | None = None  # whom the talker speaks to alone

    def sentence(self, name: Callable[[str], str] = str) -> str:
        """The pair in words. `name` turns a call SID into what people call the participant."""
        listener, talker = name(self.listener), name(self.talker)
        verb = "hears" if self.heard else "does not hear"
        return f"{listener} {verb} {self._object(talker)} because {self._because(name)}."

    def _object(self, talker: str) -> str:
        return "their own voice" if self.reason is Reason.SELF else talker

    def _because(self, name: Callable[[str], str]) -> str:
        decider = name(self.decided_by)
        match self.reason:
            case Reason.WAITING:
                return "the room has not started"
            case Reason.MUTED:
                return f"{decider} is muted"
            case Reason.HELD:
                return f"{decider} is on hold"
            case Reason.DEAF:
                return f"{decider} is deafened"
            case Reason.COACH:
                return f"{decider} speaks to {name(self.speaks_to or '')} alone"
            case Reason.SELF:
                return "nobody does"
            case Reason.TALK:
                return f"{name(self.talker)} talks and {name(self.listener)} listens"


_CUT_OFF = frozenset({Reason.WAITING, Reason.HELD})


def between(listener: str, listener_row: Row, talker: str, talker_row: Row) -> Pair:
    """The one answer to "does `listener` hear `talker`". The listener's ears are asked before the talker's mouth."""

    def silent(reason: Reason, decided_by: str, speaks_to: str | None = None) -> Pair:
        return Pair(listener, talker, False, None, reason, decided_by, speaks_to)

    if listener == talker:
        return silent(Reason.SELF, listener)
    if not listener_row.hears:
        return silent(listener_row.reason if listener_row.reason in _CUT_OFF else Reason.DEAF, listener)
    if talker_row.sends is Sends.NOBODY:
        return silent(talker_row.reason if talker_row.reason in _CUT_OFF else Reason.MUTED, talker)
    if talker_row.sends is Sends.ALL:
        return Pair(listener, talker, True, talker_row.gain_db, Reason.TALK, talker)
    if talker_row.sends != listener:
        return silent(Reason.COACH, talker, talker_row.sends)
    return Pair(listener, talker, True, talker_row.gain_db, Reason.COACH, talker, listener)
