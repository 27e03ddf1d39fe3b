"""Signalling events to whom they belong: to the line of their dialog, to a new line, or to nobody (481).

`handle` is called synchronously, in the order of the core. What a malformed or unknown message deserves was answered
below (`crates/sip`); here a request is well formed and its method known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from roomtone.media.core import LimitReached
from roomtone.sip.core import (
    SdpError,
    SipAck,
    SipAckTimeout,
    SipCancelled,
    SipFailed,
    SipFlowClosed,
    SipRequest,
    SipResponse,
)
from roomtone.sip.inbound import InboundLine
from roomtone.sip.session_timer import MIN_SE_S, TooSmallError
from roomtone.sip.signalling import ACCEPT, ALLOW, PRODUCT, SUPPORTED, Signalling, warning

if TYPE_CHECKING:
    from roomtone.calls.line import Line
    from roomtone.media.core import Event

__all__ = ["Endpoint"]

_log = structlog.get_logger("roomtone.sip")

RETRY_AFTER_S = 5


class Endpoint:
    """One for each core. `on_call` gets each new line, which is to be answered or rejected; None: calls are refused
    with 480.
    """

    def __init__(self, signalling: Signalling, on_call: Callable[[Line], None] | None = None) -> None:
        self._signalling = signalling
        self._on_call = on_call

    def handle(self, event: Event) -> None:
        """One event. Others than signalling's are ignored."""
        match event:
            case SipRequest():
                self._request(event)
            case SipResponse():
                self._signalling.answered(event)
            case SipFailed():
                self._signalling.answered(event)
                self._abandoned(event.transaction)
            case SipAck():
                line = self._signalling.lines.get((event.message.call_id, event.message.to_tag))
                if line is not None:
                    line.acknowledged(event.message)
            case SipAckTimeout():
                line = self._signalling.lines.get((event.call_id, event.to_tag))
                if line is not None:
                    line.not_acknowledged(event.transaction)
            case SipCancelled():
                self._cancelled(event.transaction)
            case SipFlowClosed():
                self._flow_closed(event.flow)
            case _:
                pass

    def _request(self, event: SipRequest) -> None:
        message = event.message
        line = self._signalling.lines.get((message.call_id, message.to_tag))
        if line is not None and line.dialog.remote_tag == message.from_tag:
            line.request(event)
        elif message.to_tag:
            self._respond(event, 481)
        elif message.method == "INVITE":
            self._invite(event)
        elif message.method == "OPTIONS":
            self._respond(event, 200, ("Allow", ALLOW), ("Accept", ACCEPT), ("Supported", SUPPORTED))
        elif message.method == "REFER":
            self._respond(event, 603)
        else:
            self._respond(event, 481)

    def _invite(self, event: SipRequest) -> None:
        if self._on_call is None:
            self._respond(event, 480)
            return
        media = self._signalling.media
        transport, peer, _port = event.message.source
        leg = media.new_id()
        try:
            port = media.open_leg(leg)
        except LimitReached as error:
            _log.warning("sip.rejected", peer=peer, reason=str(error))
            self._respond(event, 503, ("Retry-After", str(RETRY_AFTER_S)))
            return
        try:
            session = self._signalling.session(leg, port, self._signalling.surroundings.media_host(transport, peer))
            line = InboundLine(self._signalling, event, leg, session)
        except SdpError as error:
            _log.info(
                "sip.rejected", peer=peer, sip_call_id=event.message.call_id, reason=str(error), status=error.status
            )
            self._close_leg(leg)
            self._respond(event, error.status, warning(error))
            return
        except TooSmallError:
            self._close_leg(leg)
            self._respond(event, 422, ("Min-SE", str(MIN_SE_S)))
            return
        except Exception:  # a fault of ours: the caller is answered, and the ports are free again
            self._close_leg(leg)
            self._respond(event, 500)
            raise
        self._on_call(line)

    def _cancelled(self, transaction: int) -> None:
        line = self._invited_by(transaction)
        if line is not None:
            line.cancelled()

    def _abandoned(self, transaction: int) -> None:
        line = self._invited_by(transaction)
        if line is not None:
            line.abandoned()

    def _invited_by(self, transaction: int) -> InboundLine | None:
        """Requests of ours and of theirs are counted together, so a transaction is one INVITE at most."""
        lines = self._signalling.lines.values()
        return next((line for line in lines if isinstance(line, InboundLine) and line.invite == transaction), None)

    def _flow_closed(self, flow: int) -> None:
        """The next request of its dialogs opens another connection."""
        for line in self._signalling.lines.values():
            if line.dialog.flow == flow:
                line.dialog.flow = None

    def _close_leg(self, leg: int) -> None:
        batch = self._signalling.media.batch()
        batch.close_leg(leg)
        self._signalling.media.submit(batch)

    def _respond(self, event: SipRequest, status: int, *headers: tuple[str, str]) -> None:
        self._signalling.core.sip_respond(event.transaction, status, "", [("Server", PRODUCT), *headers])
