"""A call that goes out: from its INVITE to the far end's answer or refusal (RFC 3261 13.2)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from roomtone.sip.address import name_addr, party
from roomtone.sip.core import SipFailed, SipMessage, SipResponse
from roomtone.sip.dialog import Dialog
from roomtone.sip.line import SipLine, State
from roomtone.sip.session_timer import agreed_as_client
from roomtone.sip.signalling import ALLOW, STATUS_OF_FAILURE, SUPPORTED, Signalling

if TYPE_CHECKING:
    from roomtone.sip.session import Session

__all__ = ["OutboundLine", "RefusedError"]


class RefusedError(Exception):
    """The far end did not take the call. `status` 487: we gave up."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}".strip())
        self.status = status
        self.reason = reason


class OutboundLine(SipLine):
    """Calls `target`, a SIP URI, as `caller`, another. `destination`: (transport, host, port) that the URI has been
    resolved to.
    """

    def __init__(
        self,
        signalling: Signalling,
        target: str,
        caller: str,
        destination: tuple[str, str, int],
        leg: int,
        session: Session,
        *,
        display: str = "",
        is_offerless: bool = False,
    ) -> None:
        dialog = Dialog(
            call_id=signalling.token(),
            local=name_addr(caller, display),
            local_tag=signalling.token(),
            remote=name_addr(target),
            remote_tag="",
            remote_target=target,
            contact=signalling.surroundings.contact(destination[0], destination[1]),
            surroundings=signalling.surroundings,
            source=destination,
            flow=None,
        )
        super().__init__(signalling, dialog, session, leg, party(caller, display), party(target))
        self._destination = destination
        self._is_offerless = is_offerless
        self._invite = 0
        self._invite_cseq = 0
        self._is_cancelled = False
        self._settled: asyncio.Future[RefusedError | None] = asyncio.get_running_loop().create_future()
        self.provisional: list[int] = []  # statuses heard on the way

    async def dial(self) -> None:
        """Returns when the far end has answered and media is settled. RefusedError."""
        outgoing = replace(self.dialog.request("INVITE"), destination=self._destination, flow=None)
        self._invite_cseq = self.dialog.local_cseq
        body = b"" if self._is_offerless else self.session.offer()
        headers = [("Allow", ALLOW), ("Supported", SUPPORTED)]
        self._invite = self.signalling.ask(outgoing, "INVITE", headers, body, self._answered_invite)
        refused = await self._settled
        if refused is not None:
            raise refused

    def _answered_invite(self, event: SipResponse | SipFailed) -> None:
        if isinstance(event, SipFailed):
            self._refused(STATUS_OF_FAILURE[event.reason], f"no answer: {event.reason}")
            return
        message = event.message
        if message.status < 200:
            self.provisional.append(message.status)
        elif message.status >= 300:
            self._refused(message.status, message.reason)
        elif self.dialog.remote_tag and message.to_tag != self.dialog.remote_tag:
            self._send_away(message)
        elif self.dialog.remote_tag:
            self.signalling.acknowledge(self.dialog.request("ACK", self._invite_cseq))  # ours was lost
        else:
            self._accepted(message)

    def _accepted(self, message: SipMessage) -> None:
        dialog = self.dialog
        dialog.remote_tag = message.to_tag
        dialog.routes = list(reversed(message.routes))
        dialog.refresh(message)
        self._takes_update = any("UPDATE" in row.upper() for row in message.headers("Allow"))
        self.state = State.CONFIRMED
        is_usable = self._takes(message)
        if self._is_cancelled or not is_usable:
            self._bye()
            self._settle(
                RefusedError(487, "we gave up") if self._is_cancelled else RefusedError(488, "no audio in the answer")
            )
            return
        self._timer.start(agreed_as_client(message), we_are="uac")
        self._settle(None)

    def _takes(self, message: SipMessage) -> bool:
        """ACK, and the description in the 2xx: an answer to ours, or an offer whose answer the ACK carries."""
        outgoing = self.dialog.request("ACK", self._invite_cseq)
        if not self._is_offerless:
            self.signalling.acknowledge(outgoing)
            return self._accepts(message.body)
        answer = self.session.answer(message.body)
        self.signalling.acknowledge(outgoing, answer)
        self.session.apply()
        return True

    def _send_away(self, message: SipMessage) -> None:
        """A second far end answered a forked call (13.2.2.4): acknowledged, and hung up."""
        target = message.contact_uri or self.dialog.remote_target
        other = Dialog(
            call_id=self.dialog.call_id,
            local=self.dialog.local,
            local_tag=self.dialog.local_tag,
            remote=self.dialog.remote,
            remote_tag=message.to_tag,
            remote_target=target,
            contact=self.dialog.contact,
            surroundings=self.dialog.surroundings,
            source=message.source,
            flow=message.flow,
            routes=list(reversed(message.routes)),
            local_cseq=self._invite_cseq,
        )
        self.signalling.acknowledge(other.request("ACK", self._invite_cseq))
        self.signalling.ask(other.request("BYE"), "BYE", (), b"", lambda _answer: None)

    def _refused(self, status: int, reason: str) -> None:
        self.session.withdraw()
        self._settle(RefusedError(status, reason))
        self._close()

    def _give_up(self) -> None:
        if self._invite and not self._is_cancelled:
            self._is_cancelled = True
            self.signalling.core.sip_cancel(self._invite)

    def _close(self) -> None:
        super()._close()
        self.signalling.forget(self._invite)
        if not self._settled.done():
            self._settle(RefusedError(487, "we gave up"))

    def _settle(self, refused: RefusedError | None) -> None:
        if not self._settled.done():
            self._settled.set_result(refused)

    def _owns_call_id(self) -> bool:
        return True
