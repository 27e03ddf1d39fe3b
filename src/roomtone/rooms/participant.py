"""A call while it is in a room: its rules, and what is true of it now.

Frozen: a change makes a new value, so that a fact told about a participant stays what it was at that moment (A11).
Being held, deafened or coached will be fields here, each with its line in `row`.
"""

from __future__ import annotations

from dataclasses import dataclass

from roomtone.rooms.hearing import Reason, Row, Sends
from roomtone.rooms.join import JoinRequest

__all__ = ["Participant"]


@dataclass(frozen=True, slots=True)
class Participant:
    """`muted` is its own mute, by its request or by an API; that nobody hears it while the room waits is no mute."""

    request: JoinRequest
    joined_s: float  # on the clock that `Room.handle` is given
    muted: bool
    has_music: bool = False  # wait music plays to it now

    @property
    def call_sid(self) -> str:
        """Its name in the room."""
        return self.request.call_sid

    def row(self, started: bool) -> Row:
        """Its part in the hearing of a room that has `started`, or waits."""
        if not started:
            return Row(sends=Sends.NOBODY, hears=False, reason=Reason.WAITING)
        if self.muted:
            return Row(sends=Sends.NOBODY, hears=True, reason=Reason.MUTED)
        return Row(sends=Sends.ALL, hears=True, reason=Reason.TALK)
