"""A line within its dialog: everything that either side may do between the answer and the end.

It serves re-INVITE and UPDATE (hold, another codec or address), BYE, OPTIONS, INFO and REFER, sends BYE and session
refreshes, and minds glare: two offers under way at once are refused with 491 (RFC 3261 14.2). How a line comes to its
answer is in `inbound` and `outbound`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal

import structlog

from roomtone.calls.line import LineEnd
from roomtone.sip.address import host_port, name_addr
from roomtone.sip.core import SdpError, SipFailed, SipMessage, SipRequest, SipResponse
from roomtone.sip.info import KEY_TYPES, UnknownTypeError, read_key
from roomtone.sip.session_timer import (
    MIN_SE_S,
    AfterRefusal,
    Agreement,
    SessionTimer,
    TooSmallError,
    after_refusal,
    agree_as_server,
    agreed_as_client,
)
from roomtone.sip.signalling import ACCEPT, ALLOW, PRODUCT, STATUS_OF_FAILURE, SUPPORTED, Signalling, described, warning

if TYPE_CHECKING:
    from roomtone.calls.dialect import Party
    from roomtone.sip.core import Direction
    from roomtone.sip.dialog import Dialog
    from roomtone.sip.session import Session

__all__ = ["SipLine", "State"]

_log = structlog.get_logger("roomtone.sip")

Method = Literal["INVITE", "UPDATE"]  # that we ask by within a dialog


class State(Enum):
    """Where a line is."""

    SETUP = auto()  # no final answer yet
    ACCEPTED = auto()  # we said 200, and wait for the ACK
    CONFIRMED = auto()
    ENDING = auto()  # we want to hang up, and may not before the ACK (RFC 3261 section 15)
    ENDED = auto()


class SipLine:
    """One dialog and its leg. Implements `calls.line.Line` together with its subclasses."""

    def __init__(
        self, signalling: Signalling, dialog: Dialog, session: Session, leg: int, caller: Party, called: Party
    ) -> None:
        self.signalling = signalling
        self.dialog = dialog
        self.session = session
        self.leg = leg
        self.caller = caller
        self.called = called
        self.sip_call_id = dialog.call_id
        self.on_end: Callable[[LineEnd], None] = lambda _end: None
        self.state = State.SETUP
        self._unacknowledged = 0  # the server transaction whose 2xx waits for its ACK
        self._unacknowledged_cseq = 0  # of its INVITE: the ACK has the same, whatever was asked in between
        self._asking = (
            0  # the client transaction of our INVITE or UPDATE within the dialog, while it has no final answer
        )
        self._asked = 0  # the last of them: a 2xx to it may come again
        self._takes_update = False
        self._unknown: set[Method] = set()  # that the far end has refused as such
        self._timer = SessionTimer(signalling.clock, self._refresh, self._expire)
        signalling.lines[dialog.call_id, dialog.local_tag] = self

    @property
    def peer(self) -> str:
        """Host and port of the far end's signalling."""
        return host_port(self.dialog.source[1], self.dialog.source[2])

    # --- ending -------------------------------------------------------------------------------------------------------

    def hang_up(self) -> None:
        """Ends it in whatever state it is. Again is harmless."""
        match self.state:
            case State.SETUP:
                self._give_up()
            case State.ACCEPTED:
                self.state = State.ENDING
            case State.CONFIRMED:
                self._bye()
            case State.ENDING | State.ENDED:
                pass

    @abstractmethod
    def _give_up(self) -> None:
        """Ends it before the answer."""

    def _bye(self) -> None:
        self.signalling.ask(self.dialog.request("BYE"), "BYE", (), b"", lambda _answer: None)
        self._close()

    def _close(self) -> None:
        """Nothing of the dialog is left; whoever asks within it hears 481."""
        self.state = State.ENDED
        self._timer.stop()
        self.signalling.forget(self._asked)
        self.signalling.lines.pop((self.dialog.call_id, self.dialog.local_tag), None)

    def _ended(self, end: LineEnd) -> None:
        """Not by us."""
        was_ours = self.state in (State.ENDING, State.ENDED)
        self._close()
        if not was_ours:
            self.on_end(end)

    def _drop(self, end: LineEnd) -> None:
        """It cannot go on: BYE, and the call hears why."""
        was_ours = self.state in (State.ENDING, State.ENDED)
        self._bye()
        if not was_ours:
            self.on_end(end)

    # --- what the far end asks within the dialog ----------------------------------------------------------------------

    def request(self, event: SipRequest) -> None:
        """A request with both our tags; ACK and CANCEL come another way."""
        message = event.message
        if not self.dialog.accepts_cseq(message):
            self._respond(event.transaction, 500)
            return
        match message.method:
            case "BYE":
                self._respond(event.transaction, 200)
                self._hung_up()
            case "INVITE":
                self._reinvite(event)
            case "UPDATE":
                self._update(event)
            case "REFER":
                self._respond(event.transaction, 603)
            case "OPTIONS":
                self._respond(event.transaction, 200, [("Allow", ALLOW), ("Accept", ACCEPT), ("Supported", SUPPORTED)])
            case "INFO":
                self._info(event)
            case _:
                self._respond(event.transaction, 405, [("Allow", ALLOW)])

    def _info(self, event: SipRequest) -> None:
        """A key pressed at a telephone that says so in signalling; it counts like one that came in RTP."""
        message = event.message
        try:
            key = read_key(message.header("Content-Type") or "", message.body)
        except UnknownTypeError:
            self._respond(event.transaction, 415, [("Accept", ", ".join(KEY_TYPES))])
            return
        except ValueError as error:
            self._respond(event.transaction, 400, reason=f"Bad Request: {error}")
            return
        if key:
            batch = self.signalling.media.batch()
            batch.press(self.leg, key)
            self.signalling.media.submit(batch)
        self._respond(event.transaction, 200)

    def _hung_up(self) -> None:
        self._ended(LineEnd.HUNG_UP)

    def _reinvite(self, event: SipRequest) -> None:
        if self.state is State.SETUP:
            self._retry_later(event.transaction)  # RFC 3261 14.2: the first INVITE has no final answer yet
        elif self._asking or self.session.has_open_offer:
            self._respond(event.transaction, 491)
        else:
            self._modify(event)

    def _update(self, event: SipRequest) -> None:
        # RFC 3311 section 5.2. Without a description it only refreshes, which glare does not concern.
        if not event.message.body:
            self._modify(event)
        elif self._asking or self.session.has_open_offer:
            self._respond(event.transaction, 491)
        elif self.state in (State.SETUP, State.ACCEPTED):
            self._retry_later(event.transaction)
        else:
            self._modify(event)

    def _modify(self, event: SipRequest) -> None:
        """Takes their offer, or makes one when an INVITE has none; the call goes on as it was when that fails."""
        message = event.message
        try:
            agreement = agree_as_server(message)
            body = self._description(message)
        except TooSmallError:
            self._respond(event.transaction, 422, [("Min-SE", str(MIN_SE_S))])
            return
        except SdpError as error:
            _log.info("sip.offer_refused", sip_call_id=self.sip_call_id, reason=str(error))
            self._respond(event.transaction, error.status, [warning(error)])
            return
        self.dialog.refresh(message)
        self._answer(event.transaction, body, agreement)
        if message.method == "INVITE":
            self._unacknowledged, self._unacknowledged_cseq = event.transaction, message.cseq
        if message.body:
            self.session.apply()

    def _description(self, message: SipMessage) -> bytes:
        if message.body:
            return self.session.answer(message.body)
        return self.session.offer() if message.method == "INVITE" else b""

    def _answer(self, transaction: int, body: bytes, agreement: Agreement | None) -> None:
        """200 with our description."""
        headers = [("Contact", name_addr(self.dialog.contact.uri())), ("Allow", ALLOW), ("Supported", SUPPORTED)]
        headers += agreement.headers() if agreement else []
        self._respond(transaction, 200, headers, body)
        self._timer.start(agreement, we_are="uas")

    def _respond(
        self,
        transaction: int,
        status: int,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        reason: str = "",
    ) -> None:
        fields = [("Server", PRODUCT), *headers, *described(body)]
        self.signalling.core.sip_respond(transaction, status, reason, fields, body, self.dialog.local_tag)

    def _retry_later(self, transaction: int) -> None:
        self._respond(transaction, 500, [("Retry-After", str(self.signalling.source.randint(0, 10)))])

    # --- acknowledgements of our 2xx --------------------------------------------------------------------------------

    def acknowledged(self, message: SipMessage) -> None:
        """ACK to a 2xx of ours: with the answer, when the offer was ours."""
        if not self._unacknowledged or self._unacknowledged_cseq != message.cseq:
            return  # a repeated one, or one for an INVITE that a later one has overtaken
        self._unacknowledged = 0
        was = self.state
        if was is State.ACCEPTED:
            self.state = State.CONFIRMED
        if self.session.has_open_offer and not self._accepts(message.body) and was is State.ACCEPTED:
            self._drop(LineEnd.BAD_MEDIA)
        elif was is State.ENDING:
            self._bye()
        elif was is State.ACCEPTED:
            self._confirmed()

    def _confirmed(self) -> None:
        """The first ACK came, and media is settled."""

    def _accepts(self, answer: bytes) -> bool:
        try:
            self.session.accept(answer)
        except SdpError as error:
            _log.info("sip.answer_unusable", sip_call_id=self.sip_call_id, reason=str(error))
            return False
        self.session.apply()
        return True

    def not_acknowledged(self, transaction: int) -> None:
        """No ACK in 32 s (RFC 3261 13.3.1.4): BYE."""
        if transaction == self._unacknowledged:
            self._drop(LineEnd.NOT_CONFIRMED)

    # --- what we ask within the dialog ------------------------------------------------------------------------------

    def offer_again(self, direction: Direction | None = None) -> None:
        """A re-INVITE of ours: hold (`sendonly`, `inactive`) or resume (`sendrecv`)."""
        if self._is_free():
            self._ask("INVITE", self.session.offer(direction), is_refresh=False)

    def _is_free(self) -> bool:
        return self.state is State.CONFIRMED and not self._asking and not self.session.has_open_offer

    def _refresh(self) -> None:
        if not self._is_free():
            self._timer.try_again(None)
        elif self._takes_update and "UPDATE" not in self._unknown:
            self._ask("UPDATE", b"", is_refresh=True)
        elif "INVITE" not in self._unknown:
            self._ask("INVITE", self.session.offer(), is_refresh=True)
        elif "UPDATE" not in self._unknown:
            self._ask("UPDATE", b"", is_refresh=True)

    def _ask(self, method: Method, body: bytes, *, is_refresh: bool) -> None:
        outgoing = self.dialog.request(method)
        cseq = self.dialog.local_cseq
        timer = self._timer
        headers = [("Allow", ALLOW), ("Supported", SUPPORTED)]
        headers += [("Session-Expires", f"{timer.interval_s};refresher=uac")] if timer.interval_s else []
        headers += [("Min-SE", str(timer.least_s))] if timer.least_s else []
        self.signalling.forget(self._asked)
        self._asking = self._asked = self.signalling.ask(
            outgoing, method, headers, body, lambda answer: self._answered(answer, method, cseq, is_refresh)
        )

    def _answered(self, event: SipResponse | SipFailed, method: Method, cseq: int, is_refresh: bool) -> None:
        message = None if isinstance(event, SipFailed) else event.message
        status = STATUS_OF_FAILURE[event.reason] if isinstance(event, SipFailed) else event.message.status
        if status < 200:
            return
        if isinstance(event, SipResponse) and status < 300:
            self._agreed(event, method, cseq)
            return
        self._asking = 0
        if method == "INVITE":
            self.session.withdraw()
        again = self._refresh if is_refresh else self.offer_again
        match after_refusal(status):
            case AfterRefusal.END:
                self._drop(LineEnd.LOST)
            case AfterRefusal.GLARE:
                self.signalling.clock.call_at(self.signalling.clock.now() + self._glare_s(), again)
            case AfterRefusal.LATER if is_refresh:
                self._timer.try_again(message)
            case AfterRefusal.OTHER_METHOD:
                self._unknown.add(method)
                if is_refresh:
                    self._refresh()
            case AfterRefusal.LONGER if message is not None and self._timer.lengthen(message):
                again()
            case _:
                pass

    def _agreed(self, event: SipResponse, method: Method, cseq: int) -> None:
        if method == "INVITE":
            self.signalling.acknowledge(self.dialog.request("ACK", cseq))
        if not self._asking:
            return  # the 2xx again: its ACK was lost
        self._asking = 0
        self.dialog.refresh(event.message)
        self._timer.start(agreed_as_client(event.message), we_are="uac")
        if self.session.has_open_offer and not self._accepts(event.message.body):
            self._drop(LineEnd.BAD_MEDIA)

    def _glare_s(self) -> float:
        """RFC 3261 14.1: who owns the Call-ID waits longer, in steps of 10 ms."""
        source = self.signalling.source
        return source.randint(210, 400) / 100 if self._owns_call_id() else source.randint(0, 200) / 100

    def _owns_call_id(self) -> bool:
        return False

    def _expire(self) -> None:
        if self.state is State.CONFIRMED:
            self._drop(LineEnd.LOST)
