"""A call that comes in: from its INVITE to its answer or its refusal (RFC 3261 13.3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from roomtone.calls.line import LineEnd, LineEndedError
from roomtone.sip.address import party
from roomtone.sip.core import SipRequest
from roomtone.sip.dialog import Dialog
from roomtone.sip.line import SipLine, State
from roomtone.sip.session_timer import agree_as_server
from roomtone.sip.signalling import Signalling

if TYPE_CHECKING:
    from roomtone.sip.session import Session

__all__ = ["InboundLine"]


class InboundLine(SipLine):
    """`invite` opened it; its ports are bound. SdpError and TooSmallError when it cannot be taken, whoever might
    answer.
    """

    def __init__(self, signalling: Signalling, invite: SipRequest, leg: int, session: Session) -> None:
        message = invite.message
        transport, host, _port = message.source
        self._agreement = agree_as_server(message)
        self._sdp = session.answer(message.body) if message.body else b""
        contact = signalling.surroundings.contact(transport, host)
        dialog = Dialog.of_server(message, signalling.token(), contact, signalling.surroundings)
        super().__init__(
            signalling, dialog, session, leg, party(message.from_uri, message.from_display), party(message.uri)
        )
        self.invite = invite.transaction
        self._invite_cseq = message.cseq
        self._takes_update = any("UPDATE" in row.upper() for row in message.headers("Allow"))
        self._ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def ring(self) -> None:
        """180, which also makes the early dialog."""
        if self.state is State.SETUP:
            self._respond(self.invite, 180)

    async def answer(self) -> None:
        """200, and its ACK; with the far end's answer in it when the offer is ours. LineEndedError."""
        if self.state is not State.SETUP:
            raise LineEndedError
        body = self._sdp or self.session.offer()
        self.session.apply()
        self.state = State.ACCEPTED
        self._unacknowledged, self._unacknowledged_cseq = self.invite, self._invite_cseq
        self._answer(self.invite, body, self._agreement)
        if not await self._ready:
            raise LineEndedError

    def reject(self, status: int, reason: str = "", retry_after_s: int | None = None) -> None:
        """A final answer that is a refusal, before the answer."""
        if self.state is not State.SETUP:
            return
        headers = [] if retry_after_s is None else [("Retry-After", str(retry_after_s))]
        self.signalling.core.sip_respond(self.invite, status, reason, headers, b"", self.dialog.local_tag)
        self._close()

    def cancelled(self) -> None:
        """CANCEL came: 487 to the INVITE is ours."""
        if self.state is State.SETUP:
            self._respond(self.invite, 487)
            self._ended(LineEnd.CANCELLED)

    def abandoned(self) -> None:
        """No answer can reach the caller any more: its connection has closed, or the core gave up waiting for ours."""
        if self.state is State.SETUP:
            self._ended(LineEnd.CANCELLED)

    def _hung_up(self) -> None:
        if self.state is State.SETUP:  # a BYE in the early dialog
            self.cancelled()
        else:
            super()._hung_up()

    def _give_up(self) -> None:
        self.reject(480)

    def _confirmed(self) -> None:
        self._settle(True)

    def _close(self) -> None:
        super()._close()
        self._settle(False)

    def _settle(self, ready: bool) -> None:
        if not self._ready.done():
            self._ready.set_result(ready)
