"""What signalling needs of the native core: the part of `roomtone.media.core.Core` that speaks SIP, and its events.

No message is parsed or written here or above: messages arrive parsed, requests and answers leave as method, headers and
body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from roomtone._native import (
    Negotiated,
    SdpError,
    SipAck,
    SipAckTimeout,
    SipCancelled,
    SipFailed,
    SipFlowClosed,
    SipMessage,
    SipRequest,
    SipResponse,
    sdp_accept,
    sdp_answer,
    sdp_offer,
)

if TYPE_CHECKING:
    from roomtone._native import Direction

__all__ = [
    "Direction",
    "Headers",
    "Negotiated",
    "SdpError",
    "SipAck",
    "SipAckTimeout",
    "SipCancelled",
    "SipCore",
    "SipFailed",
    "SipFlowClosed",
    "SipMessage",
    "SipRequest",
    "SipResponse",
    "sdp_accept",
    "sdp_answer",
    "sdp_offer",
]

Headers = Sequence[tuple[str, str]]


class SipCore(Protocol):
    """See `_native.Core`, where each is explained."""

    def sip_local(self, transport: str, peer: str) -> tuple[str, int]:
        """Our (host, port) as that peer would see it without NAT."""

    def sip_respond(
        self,
        transaction: int,
        status: int,
        reason: str = "",
        headers: Headers = (),
        body: bytes = b"",
        to_tag: str = "",
    ) -> None:
        """Answers a server transaction; one that is gone swallows it. `to_tag`: ours, of the dialog."""

    def sip_request(
        self,
        method: str,
        uri: str,
        headers: Headers,
        body: bytes = b"",
        *,
        destination: tuple[str, str, int] | None = None,
        flow: int | None = None,
    ) -> int:
        """The number of its client transaction; 0: an ACK to a 2xx. ValueError without `flow` and `destination`."""

    def sip_cancel(self, transaction: int) -> None:
        """CANCEL of an INVITE of ours, once a provisional answer is there (RFC 3261, section 9.1)."""
