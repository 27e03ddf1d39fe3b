"""The media of a dialog: which offer is open, what was settled, and the leg that follows it (RFC 3264).

One offer is open at a time. The session's id stays, its version grows with each description that differs from the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from roomtone.sip.core import Negotiated, sdp_accept, sdp_answer, sdp_offer

if TYPE_CHECKING:
    from roomtone.calls.services import Media
    from roomtone.media.core import Codec
    from roomtone.sip.core import Direction

__all__ = ["Session"]


class Session:
    """The leg `leg`, whose ports are bound, as SDP describes it. `host` is what the far end is told. Without
    `telephone_event` keys are tones, both ways.
    """

    def __init__(
        self,
        media: Media,
        leg: int,
        port: int,
        host: str,
        session_id: int,
        codecs: Sequence[Codec],
        *,
        telephone_event: bool = True,
    ) -> None:
        self._media = media
        self._leg = leg
        self._port = port
        self._host = host
        self._session_id = session_id
        self._codecs = codecs
        self._telephone_event = telephone_event
        self._version = 0
        self._direction: Direction = "sendrecv"  # what we want
        self._open_offer: bytes | None = None
        self.negotiated: Negotiated | None = None

    @property
    def has_open_offer(self) -> bool:
        """We have offered, and wait for the answer."""
        return self._open_offer is not None

    def answer(self, offer: bytes) -> bytes:
        """Our answer to theirs, taken into effect by `apply`. SdpError; then all stays as it was."""
        version = self._version + 1
        answer, negotiated = sdp_answer(
            offer,
            host=self._host,
            port=self._port,
            session_id=self._session_id,
            session_version=version,
            codecs=self._codecs,
            direction=self._direction,
            telephone_event=self._telephone_event,
        )
        self._version = version
        self.negotiated = negotiated
        return answer

    def offer(self, direction: Direction | None = None) -> bytes:
        """Ours, open until `accept` or `withdraw`."""
        self._direction = direction or self._direction
        self._version += 1
        self._open_offer = sdp_offer(
            host=self._host,
            port=self._port,
            session_id=self._session_id,
            session_version=self._version,
            codecs=self._codecs,
            direction=self._direction,
            telephone_event=self._telephone_event,
        )
        return self._open_offer

    def accept(self, answer: bytes) -> None:
        """Their answer to ours, taken into effect by `apply`. SdpError; the offer is not open any more."""
        assert self._open_offer is not None
        offer, self._open_offer = self._open_offer, None
        self.negotiated = sdp_accept(offer, answer)

    def withdraw(self) -> None:
        """Our offer was refused."""
        self._open_offer = None

    def apply(self) -> None:
        """The leg becomes what was settled last."""
        if self.negotiated is None:
            return
        batch = self._media.batch()
        batch.configure(self._leg, self.negotiated)
        self._media.submit(batch)
