"""The signalling side of a call, as the call sees it. `roomtone.sip` implements it; a browser's session will too."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from roomtone.calls.dialect import Party

__all__ = ["Line", "LineEnd", "LineEndedError"]


class LineEnd(Enum):
    """How the far end, or the way to it, went away."""

    HUNG_UP = "the caller hung up"
    CANCELLED = "the caller gave up before the answer"
    NOT_CONFIRMED = "the answer was never acknowledged"
    LOST = "the far end no longer answers"
    BAD_MEDIA = "no audio that both sides understand"


class LineEndedError(Exception):
    """It ended before what was asked could happen."""


class Line(Protocol):
    """One relation with one far end, from its INVITE on."""

    caller: Party
    called: Party
    sip_call_id: str
    leg: int  # its media
    on_end: Callable[
        [LineEnd], None
    ]  # called once, when the other side ended it; never after our own reject or hang_up

    @property
    def peer(self) -> str:
        """Host and port of its signalling."""

    def ring(self) -> None:
        """Tells the caller that somebody is being asked."""

    async def answer(self) -> None:
        """Takes the call: returns when the far end knows it and media may flow. LineEndedError."""

    def reject(self, status: int, reason: str = "", retry_after_s: int | None = None) -> None:
        """Refuses it with a SIP status, before the answer."""

    def hang_up(self) -> None:
        """Ends it in whatever state it is. Again is harmless."""
