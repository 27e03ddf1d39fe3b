"""What all lines of a server share: the core's SIP side, who waits for which answer, and which line a dialog belongs
to.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from roomtone.sip.core import SdpError, SipCore, SipFailed, SipResponse
from roomtone.sip.dialog import Outgoing
from roomtone.sip.session import Session
from roomtone.sip.surroundings import Surroundings

if TYPE_CHECKING:
    from roomtone.calls.services import Media
    from roomtone.clock import Clock
    from roomtone.media.core import Codec
    from roomtone.sip.core import SipMessage, SipRequest
    from roomtone.sip.dialog import Dialog

__all__ = [
    "ACCEPT",
    "ALLOW",
    "PRODUCT",
    "SDP_TYPE",
    "STATUS_OF_FAILURE",
    "SUPPORTED",
    "Signalling",
    "described",
    "warning",
]

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER"
SUPPORTED = "timer"
PRODUCT = "Roomtone"
SDP_TYPE = "application/sdp"
ACCEPT = "application/sdp, multipart/mixed"

STATUS_OF_FAILURE = {"timeout": 408, "transport": 503}  # RFC 3261 8.1.3.1

Handler = Callable[[SipResponse | SipFailed], None]


def described(body: bytes) -> list[tuple[str, str]]:
    """Headers that name a session description, if there is one."""
    return [("Content-Type", SDP_TYPE)] if body else []


def warning(error: SdpError) -> tuple[str, str]:
    """Why a description was refused, for who reads the far end's log (RFC 3261 20.43)."""
    text = str(error).replace('"', "'")
    return "Warning", f'399 {PRODUCT} "{text}"'


class DialogHandler(Protocol):
    """A line, as what arrives in its dialog finds it (`roomtone.sip.line`)."""

    dialog: Dialog

    def request(self, event: SipRequest) -> None:
        """One with both our tags; ACK and CANCEL come another way."""

    def acknowledged(self, message: SipMessage) -> None:
        """ACK to a 2xx of ours."""

    def not_acknowledged(self, transaction: int) -> None:
        """No ACK to it in 32 s (RFC 3261 13.3.1.4)."""


@dataclass(slots=True)
class Signalling:
    """One for each core. `source`: seeded in tests."""

    core: SipCore
    media: Media
    clock: Clock
    source: random.Random
    surroundings: Surroundings
    codecs: Sequence[Codec] = ("opus", "PCMU", "PCMA")
    telephone_event: bool = True  # False: keys are tones
    lines: dict[tuple[str, str], DialogHandler] = field(default_factory=dict)  # by Call-ID and our tag
    _handlers: dict[int, Handler] = field(default_factory=dict)  # by client transaction

    def token(self) -> str:
        """A tag or Call-ID that nobody can guess."""
        return f"{self.source.getrandbits(80):020x}"

    def session(self, leg: int, port: int, host: str) -> Session:
        """The media description of a new dialog."""
        number = self.source.getrandbits(62)
        return Session(self.media, leg, port, host, number, self.codecs, telephone_event=self.telephone_event)

    def ask(
        self, outgoing: Outgoing, method: str, headers: Sequence[tuple[str, str]], body: bytes, handler: Handler
    ) -> int:
        """A request whose answers, or whose want of one, go to `handler`."""
        transaction = self.core.sip_request(
            method,
            outgoing.uri,
            [*outgoing.headers, ("User-Agent", PRODUCT), *headers, *described(body)],
            body,
            destination=outgoing.destination,
            flow=outgoing.flow,
        )
        self._handlers[transaction] = handler
        return transaction

    def acknowledge(self, outgoing: Outgoing, body: bytes = b"") -> None:
        """ACK to a 2xx; with our answer, when the offer was in that."""
        headers = [*outgoing.headers, *described(body)]
        self.core.sip_request("ACK", outgoing.uri, headers, body, destination=outgoing.destination, flow=outgoing.flow)

    def answered(self, event: SipResponse | SipFailed) -> None:
        """To whoever asked. A 2xx to INVITE may come again, and its asker must hear of it: that is forgotten with the
        line.
        """
        handler = self._handlers.get(event.transaction)
        if handler is None:
            return
        is_repeatable = isinstance(event, SipResponse) and (
            event.message.status < 200 or (event.message.method == "INVITE" and event.message.status < 300)
        )
        if not is_repeatable:
            del self._handlers[event.transaction]
        handler(event)

    def forget(self, transaction: int) -> None:
        """Answers to it interest nobody any more."""
        self._handlers.pop(transaction, None)
