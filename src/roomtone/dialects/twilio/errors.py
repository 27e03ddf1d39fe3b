"""Twilio's error numbers, as far as we use them: what each is called, whether it is an error or a warning, and the page that explains it.

The debug log and the offline check name mistakes by these numbers, because applications, dashboards and people already know them. The titles follow
Twilio's error dictionary; the sentence that says what was wrong this time is the finding's own. Doubt: the dictionary has no number for some mistakes
(maxParticipants, Reject's reason, a feature that we have not built); they are 12200, the schema warning.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["TITLES", "level", "more_info", "title"]

TITLES: dict[int, str] = {
    11100: "Invalid URL format",
    11200: "HTTP retrieval failure",
    11201: "TCP connection timed out",
    11202: "TCP connection refused",
    11203: "Communications timed out",
    11205: "HTTP connection failure",
    11206: "HTTP protocol violation",
    11210: "HTTP bad host name",
    11215: "HTTP too many redirects",
    11220: "SSL/TLS handshake error",
    11235: "Certificate invalid: domain mismatch",
    11236: "Certificate invalid: certificate expired",
    11237: "Certificate invalid: could not find path to certificate",
    11750: "TwiML response body too large",
    11770: "Empty response body",
    12100: "Document parse failure",
    12102: "Attempt to use a root element other than Response",
    12200: "Schema validation warning",
    12300: "Invalid Content-Type",
    12400: "Internal failure",
    13000: "Dial: Conference cannot be mixed with other nouns",
    13210: "Dial: invalid method value",
    13212: "Dial: invalid timeout value",
    13213: "Dial: invalid hangupOnStar value",
    13215: "Dial: invalid nested element",
    13216: "Dial: invalid timeLimit value",
    13217: "Dial: invalid record value",
    13230: "Dial->Conference: invalid muted value",
    13231: "Dial->Conference: invalid endConferenceOnExit value",
    13232: "Dial->Conference: invalid startConferenceOnEnter value",
    13233: "Dial->Conference: invalid waitUrl value",
    13234: "Dial->Conference: invalid waitMethod value",
    13235: "Dial->Conference: invalid beep value",
    13236: "Dial->Conference: invalid Conference Sid value",
    13237: "Dial->Conference: invalid conference name",
    13238: "Dial->Conference: invalid verb used in waitUrl TwiML",
    13239: "Dial->Conference: invalid trim value",
    13240: "Dial->Conference: invalid coach Call Sid value",
    13299: "Feature is not part of this API version",
    13310: "Gather: invalid finishOnKey value",
    13312: "Gather: invalid method value",
    13313: "Gather: invalid timeout value",
    13314: "Gather: invalid numDigits value",
    13320: "Gather: invalid nested verb",
    13321: "Gather->Say: invalid voice value",
    13322: "Gather->Say: invalid loop value",
    13325: "Gather->Play: invalid Content-Type",
    13410: "Play: invalid loop value",
    13420: "Play: invalid Content-Type",
    13430: "Play: invalid DTMF string",
    13510: "Say: invalid loop value",
    13511: "Say: invalid voice value",
    13512: "Say: invalid language value",
    13520: "Say: invalid text",
    13521: "Say: character limit exceeded",
    13710: "Redirect: invalid method value",
    13750: "Verb is not supported by this API version",
    13910: "Pause: invalid length value",
    16020: "Conference: conference is full",
    16021: "Conference: account concurrency limit reached",
    16025: "Conference: participant label is in use",
}

_WARNINGS = frozenset(
    {12200, 13000}
    | (set(range(13210, 13240)) - {13231, 13238, 13239})
    | (set(range(13310, 13330)) - {13325})
    | {13410, 13430, 13510, 13511, 13512, 13520, 13521, 13710, 13750, 13910}
)
"""The call goes on as documented. Twilio counts 13231, 13239 and 13240 as errors, though the call goes on there too."""


def title(code: int) -> str:
    """What the platform calls it; a plain "Error N" for a number that is not in the table."""
    return TITLES.get(code, f"Error {code}")


def level(code: int) -> Literal["warning", "error"]:
    """How the debug log marks it."""
    return "warning" if code in _WARNINGS else "error"


def more_info(code: int) -> str:
    """The page of Twilio's error dictionary."""
    return f"https://www.twilio.com/docs/errors/{code}"
