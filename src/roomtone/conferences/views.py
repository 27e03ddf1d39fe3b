"""Answers about live conferences: what the API, the console and the tests are shown, as values made when asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from roomtone.conferences.cause import Cause
from roomtone.conferences.record import ends_on_exit, starts_on_enter
from roomtone.errors import NotFoundError, UsageError
from roomtone.rooms.hearing import Reason, between
from roomtone.rooms.room import State

if TYPE_CHECKING:
    from roomtone.conferences.live import LiveRoom

__all__ = [
    "PAIRS_MAX",
    "ConferenceView",
    "HearingView",
    "ParticipantView",
    "call_sid_of",
    "conference_view",
    "hearing_views",
    "participant_view",
]

SIDS_NAMED_MAX = 3  # in a message
PAIRS_MAX = 10_000  # of one answer: a room of a hundred, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantView:
    """A call in a room."""

    call_sid: str
    caller: str  # what people call it: a number, a user; "" when that is not known
    muted: bool  # its own mute; that a waiting room hears nobody does not show here (T10 and its note)
    waiting: bool
    music: bool  # it has wait music now
    start_on_enter: bool
    end_on_exit: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceView:
    """A live conference."""

    conference_sid: str
    account_sid: str
    friendly_name: str
    status: Literal["init", "in-progress", "completed"]  # init until it has started (T10)
    created_at: datetime
    started_at: datetime | None
    participants: tuple[ParticipantView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HearingView:
    """Whether `listener` hears `talker` (call SIDs), and why."""

    talker: str
    listener: str
    heard: bool
    gain_db: float | None  # None: not heard
    reason: Reason
    cause: Cause
    sentence: str


def conference_view(live: LiveRoom) -> ConferenceView:
    """A room as it is now."""
    row = live.record.row
    return ConferenceView(
        conference_sid=row.sid,
        account_sid=row.account_sid,
        friendly_name=row.friendly_name,
        status=row.status,
        created_at=row.created_at,
        started_at=row.started_at,
        participants=tuple(participant_view(live, call_sid) for call_sid in live.room.participants),
    )


def participant_view(live: LiveRoom, call_sid: str) -> ParticipantView:
    """A participant as it is now."""
    participant = live.room.participants[call_sid]
    return ParticipantView(
        call_sid=call_sid,
        caller=live.seats[call_sid].caller,
        muted=participant.muted,
        waiting=live.room.state is State.WAITING,
        music=participant.has_music,
        start_on_enter=starts_on_enter(participant),
        end_on_exit=ends_on_exit(participant),
        joined_at=live.record.joined_at(call_sid),
    )


def hearing_views(live: LiveRoom, *, listeners: Sequence[str], talkers: Sequence[str]) -> tuple[HearingView, ...]:
    """Each listener with each talker, as it is now. UsageError when that is too much to ask at once."""
    if len(listeners) * len(talkers) > PAIRS_MAX:
        message = f"{len(listeners)} listeners and {len(talkers)} talkers are more than {PAIRS_MAX} pairs."
        raise UsageError("too_many_pairs", message, "Name one of the two with `from` or `to`.")
    names = _names(live)
    return tuple(_hearing_view(live, names, listener, talker) for listener in listeners for talker in talkers)


def _hearing_view(live: LiveRoom, names: Mapping[str, str], listener: str, talker: str) -> HearingView:
    """The cause is that of the row that decided."""
    pair = between(listener, live.room.row(listener), talker, live.room.row(talker))
    return HearingView(
        talker=talker,
        listener=listener,
        heard=pair.heard,
        gain_db=pair.gain_db,
        reason=pair.reason,
        cause=live.seats[pair.decided_by].cause,
        sentence=pair.sentence(lambda call_sid: names.get(call_sid, call_sid)),
    )


def _names(live: LiveRoom) -> dict[str, str]:
    """What to call each participant: the caller, where that says who is meant, else the call SID."""
    callers = Counter(seat.caller for seat in live.seats.values())
    return {sid: seat.caller if seat.caller and callers[seat.caller] == 1 else sid for sid, seat in live.seats.items()}


def call_sid_of(live: LiveRoom, name: str) -> str:
    """The call SID of a participant named by it, or by a caller that no other is called. NotFoundError, which says how many are."""
    if name in live.seats:
        return name
    called_so = [call_sid for call_sid, seat in live.seats.items() if seat.caller == name]
    if len(called_so) == 1:
        return called_so[0]
    if called_so:
        message = f"{len(called_so)} participants of the room {live.room.name!r} are called {name!r}."
        named = ", ".join(called_so[:SIDS_NAMED_MAX])
        more = ", ..." if len(called_so) > SIDS_NAMED_MAX else "."
        raise NotFoundError("several_participants", message, f"Use call SIDs: {named}{more}")
    message = f"Nobody in the room {live.room.name!r} is called {name!r}."
    raise NotFoundError("no_such_participant", message, f"`roomtone room '{live.room.name}'` lists who is there.")
