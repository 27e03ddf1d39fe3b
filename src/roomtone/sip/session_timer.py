"""Session timers (RFC 4028): a far end that vanished without a BYE is noticed, in both roles.

The refresher asks again at half the interval; the other side hangs up when nothing came until shortly before its end. A refresh that is refused is
no end yet: `after_refusal` is the table of what follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal

from roomtone.sip.core import SipMessage

if TYPE_CHECKING:
    from roomtone.clock import Clock, Timer

__all__ = [
    "MIN_SE_S",
    "AfterRefusal",
    "Agreement",
    "SessionTimer",
    "TooSmallError",
    "after_refusal",
    "agree_as_server",
    "agreed_as_client",
]

MIN_SE_S = 90  # RFC 4028 section 5: the least that may be required
LONGEST_S = 1800
LENGTHENED_MAX = 5  # answers 422 in a row, each asking for more; then the session runs out
PAUSE_S_MIN = 2.0  # between a refused refresh and the next

_SECONDS = re.compile(r"\s*(\d{1,9})")
_REFRESHER = re.compile(r"(?i);\s*refresher\s*=\s*(uac|uas)")


class TooSmallError(Exception):
    """The interval asked for is below `MIN_SE_S`: 422."""


class AfterRefusal(Enum):
    """What follows a refusal of our INVITE or UPDATE within the dialog."""

    END = auto()  # the far end, or the dialog, is no more (RFC 3261 12.2.1.2)
    GLARE = auto()  # both sides asked at once: again in a moment (RFC 3261 14.1)
    LATER = auto()  # it cannot now: a refresh is tried again within the interval
    OTHER_METHOD = auto()  # it does not know the method: a refresh is tried by the other
    LONGER = auto()  # the interval is too short for it (RFC 4028 section 7.4)
    NOTHING = auto()  # it does not want to; without a later refresh the session runs out


_AFTER = {
    408: AfterRefusal.END,
    481: AfterRefusal.END,
    491: AfterRefusal.GLARE,
    500: AfterRefusal.LATER,
    503: AfterRefusal.LATER,
    405: AfterRefusal.OTHER_METHOD,
    501: AfterRefusal.OTHER_METHOD,
    422: AfterRefusal.LONGER,
}


def after_refusal(status: int) -> AfterRefusal:
    """`status`: 300 to 699."""
    return _AFTER.get(status, AfterRefusal.NOTHING)


@dataclass(frozen=True, slots=True)
class Agreement:
    """`refresher`: the role, in this transaction, of who refreshes."""

    interval_s: int
    refresher: Literal["uac", "uas"]

    def headers(self) -> list[tuple[str, str]]:
        """Of our 2xx as server."""
        fields = [("Session-Expires", f"{self.interval_s};refresher={self.refresher}")]
        if self.refresher == "uac":
            fields.append(("Require", "timer"))
        return fields


def agree_as_server(request: SipMessage) -> Agreement | None:
    """What we answer to an INVITE or UPDATE; None: no timer. TooSmallError."""
    interval = _seconds(request.header("Session-Expires"))
    if interval is None:
        return None
    knows_timer = _supports_timer(request)
    if interval < MIN_SE_S and knows_timer:
        raise TooSmallError
    least = max(MIN_SE_S, _seconds(request.header("Min-SE")) or 0)
    interval = max(min(interval, LONGEST_S), least)
    asked = _REFRESHER.search(request.header("Session-Expires") or "")
    if not knows_timer:
        return Agreement(interval, "uas")  # who does not know the timer cannot refresh it (section 9, table 2)
    return Agreement(interval, "uas" if asked and asked[1].lower() == "uas" else "uac")


def agreed_as_client(response: SipMessage) -> Agreement | None:
    """What a 2xx to ours says; None: no timer."""
    interval = _seconds(response.header("Session-Expires"))
    if interval is None:
        return None
    asked = _REFRESHER.search(response.header("Session-Expires") or "")
    return Agreement(max(interval, MIN_SE_S), "uas" if asked and asked[1].lower() == "uas" else "uac")


class SessionTimer:
    """The running timer of one dialog. `refresh` is to send the request; `expire` ends the call."""

    def __init__(self, clock: Clock, refresh: Callable[[], None], expire: Callable[[], None]) -> None:
        self._clock = clock
        self._refresh = refresh
        self._expire = expire
        self._timers: list[Timer] = []
        self._expires_at = 0.0
        self._lengthened = 0  # since the last 2xx
        self.interval_s = 0  # agreed last, or what a 422 wants; 0: no timer
        self.least_s = 0  # the largest Min-SE that the far end has named

    def start(self, agreement: Agreement | None, *, we_are: Literal["uac", "uas"]) -> None:
        """From a 2xx on; takes the place of what ran before. None stops it."""
        self.stop()
        self.interval_s = agreement.interval_s if agreement else 0
        self._lengthened = 0
        if agreement is None:
            return
        now = self._clock.now()
        interval = agreement.interval_s
        # Section 10: the one who waits lets go a little before the end, so that its BYE is not too late.
        self._expires_at = now + interval - min(32, interval / 3)
        self._timers.append(self._clock.call_at(self._expires_at, self._expire))
        if agreement.refresher == we_are:
            self._timers.append(self._clock.call_at(now + interval / 2, self._refresh))

    def lengthen(self, refused: SipMessage) -> bool:
        """After a 422: the interval becomes what the far end wants at least. False when that is no more than it was, or
        the far end never has enough.
        """
        least = _seconds(refused.header("Min-SE")) or 0
        self._lengthened += 1
        if least <= self.interval_s or self._lengthened > LENGTHENED_MAX:
            return False
        self.interval_s = self.least_s = least
        return True

    def try_again(self, refused: SipMessage | None) -> None:
        """Refreshes later, while there is time: when the far end says (Retry-After), else after a quarter of what is left."""
        left_s = self._expires_at - self._clock.now()
        if not self._timers or left_s < 2 * PAUSE_S_MIN:
            return
        asked_s = _seconds(refused.header("Retry-After")) if refused is not None else None
        pause_s = max(PAUSE_S_MIN, left_s / 4 if asked_s is None else asked_s)
        self._timers.append(self._clock.call_at(self._clock.now() + min(pause_s, left_s - PAUSE_S_MIN), self._refresh))

    def stop(self) -> None:
        """Again is harmless."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def _seconds(value: str | None) -> int | None:
    match = _SECONDS.match(value or "")
    return int(match[1]) if match else None


def _supports_timer(message: SipMessage) -> bool:
    rows = [*message.headers("Supported"), *message.headers("Require")]
    return any(tag.strip().lower() == "timer" for row in rows for tag in row.split(","))
