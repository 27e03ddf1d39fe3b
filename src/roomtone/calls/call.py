"""A call: one far end, from its INVITE to its end.

It owns what lives as long as it does: its names, its status, its private bus and its keys. The line (signalling) says
when the other side went away, the core when its packets did. Whoever ends it first decides its final status; then the
room it is in lets go of it, the run is cancelled, and leg and bus are closed, in this order. `calls.life` leads it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from roomtone.calls.debug_log import DebugLog
from roomtone.calls.dialect import CallFacts, CallStatus
from roomtone.calls.keys import Keys
from roomtone.calls.line import Line, LineEnd, LineEndedError
from roomtone.media.core import Digit, LegLost, LegSilent
from roomtone.store.rows import CallRow, EventRow, StoreBatch

if TYPE_CHECKING:
    from roomtone.calls.dialect import Dialect
    from roomtone.calls.services import Route, Services
    from roomtone.media.core import Event

__all__ = ["Call"]

_log = structlog.get_logger("roomtone.calls")

_LIVE = frozenset({CallStatus.RINGING, CallStatus.IN_PROGRESS})
_STATUS_OF_END = {
    LineEnd.HUNG_UP: CallStatus.COMPLETED,
    LineEnd.CANCELLED: CallStatus.CANCELED,
    LineEnd.NOT_CONFIRMED: CallStatus.FAILED,
    LineEnd.LOST: CallStatus.COMPLETED,
    LineEnd.BAD_MEDIA: CallStatus.FAILED,
}
_BUSY = (486, CallStatus.BUSY)
_DECLINED = (603, CallStatus.NO_ANSWER)
_CORE_FAULT = "the media core gave its leg up"


class Call:
    """One call to a number."""

    def __init__(self, services: Services, route: Route, dialect: Dialect, line: Line) -> None:
        self.services = services
        self.route = route
        self.dialect = dialect
        self.line = line
        self.sid = services.ids.call()
        self.leg = line.leg
        self.bus = services.media.new_id()
        self.keys = Keys(services.clock)
        self.debug_log = DebugLog(services, route, dialect, self.sid)
        self.row = self._first_row()
        self._status = CallStatus.RINGING
        self._let_go: Callable[[], object] = lambda: None
        self._has_media = True

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def answered(self) -> bool:
        """Whether it has been answered, now or before its end."""
        return self.row.answered_at is not None

    @property
    def is_over(self) -> bool:
        """Whether it has its final status."""
        return self._status not in _LIVE

    @property
    def listening(self) -> bool:
        """Whether a Gather of it takes keys now."""
        return self.keys.gathering

    @property
    def dialect_name(self) -> str:
        """The platform it is spoken to in the words of."""
        return self.dialect.name

    @property
    def facts(self) -> CallFacts:
        """What its application may know of it."""
        return CallFacts(
            call_sid=self.sid,
            account_sid=self.route.account.sid,
            caller=self.line.caller,
            called=self.line.called,
            status=self._status,
            sip_call_id=self.line.sip_call_id,
        )

    def signer(self, method: str, url: str, parameters: Sequence[tuple[str, str]]) -> Mapping[str, str]:
        """The signature of a request about it."""
        return self.dialect.headers(method, url, parameters, self.route.account.token)

    # --- its life -----------------------------------------------------------------------------------------------------

    def begin(self, let_go: Callable[[], object]) -> None:
        """Hears its line and its packets from now on. `let_go` is called when it is over."""
        self._let_go = let_go
        self.line.on_end = self._line_ended
        self.services.media.on_leg(self.leg, self._on_leg)
        self._record("call-ringing")

    def close(self) -> None:
        """Nothing of it is left after that."""
        self.end("the server stopped", CallStatus.COMPLETED if self.answered else CallStatus.FAILED)
        self._close_media()
        self.services.webhooks.forget_call(self.sid)

    @contextlib.contextmanager
    def let_go_by(self, let_go: Callable[[], object]) -> Iterator[None]:
        """In the block `let_go` is called in place of what `begin` was given: a room lets go first (A7)."""
        before, self._let_go = self._let_go, let_go
        try:
            yield
        finally:
            self._let_go = before
            if self.is_over:
                self._close_media()

    def hang_up(self, reason: str) -> None:
        """Ends it from our side. Again is harmless."""
        if not self.answered and not self.is_over:
            self.line.reject(480)
        self.end(reason, CallStatus.COMPLETED if self.answered else CallStatus.FAILED)

    def end(self, reason: str, status: CallStatus) -> None:
        """Its final status and why; the second time is harmless."""
        if self.is_over:
            return
        self._status = status
        self.row = replace(self.row, ended_at=self.services.clock.wall(), end_reason=reason)
        self._record("call-ended")
        self.line.hang_up()
        self._let_go()

    def _close_media(self) -> None:
        if not self._has_media:
            return
        self._has_media = False
        self.services.media.on_leg(self.leg, None)
        self.services.media.on_bus(self.bus, None)
        batch = self.services.media.batch()
        batch.close_leg(self.leg)
        batch.close_bus(self.bus)
        self.services.send(batch)

    # --- for verbs ----------------------------------------------------------------------------------------------------

    async def answer(self) -> None:
        """Takes the call, if nothing did yet. LineEndedError."""
        if self.answered:
            return
        batch = self.services.media.batch()
        batch.open_bus(self.bus)
        self.services.media.on_bus(self.bus, lambda _event: self.end(_CORE_FAULT, CallStatus.FAILED))
        batch.move(self.leg, self.bus)
        batch.row(self.leg, sends="nobody", hears=True)
        self.services.send(batch)
        await self.line.answer()
        if self.is_over:  # answered and hung up in one moment
            raise LineEndedError
        self._status = CallStatus.IN_PROGRESS
        self.row = replace(self.row, answered_at=self.services.clock.wall())
        self._record("call-answered")

    def reject(self, *, busy: bool) -> None:
        """Refuses the call instead of answering it."""
        sip_status, status = _BUSY if busy else _DECLINED
        self.line.reject(sip_status)
        self.end("the document rejected it", status)

    # --- what happens to it -------------------------------------------------------------------------------------------

    def _line_ended(self, end: LineEnd) -> None:
        self.end(end.value, _STATUS_OF_END[end])

    def _on_leg(self, event: Event) -> None:
        match event:
            case Digit():
                self.keys.press(event.digit, in_band=event.in_band)
            case LegSilent():
                self.end("no packets from the caller", CallStatus.COMPLETED)
            case LegLost():
                self.end(_CORE_FAULT, CallStatus.FAILED)
            case _:
                pass

    # --- records ------------------------------------------------------------------------------------------------------

    def _first_row(self) -> CallRow:
        caller, called = self.line.caller, self.line.called
        return CallRow(
            sid=self.sid,
            account_sid=self.route.account.sid,
            number=self.route.number.number,
            status=CallStatus.RINGING.value,
            from_uri=f"sip:{caller.user}@{caller.host}",
            to_uri=f"sip:{called.user}@{called.host}",
            sip_call_id=self.line.sip_call_id,
            peer=self.line.peer,
            dialect=self.dialect.name,
            api_version=self.dialect.api_version,
            created_at=self.services.clock.wall(),
        )

    def _record(self, event: str) -> None:
        """The row as it is now, and the event, into the store and the log."""
        self.row = replace(self.row, status=self._status.value)
        data = {"status": self.row.status, "number": self.row.number, "from": self.row.from_uri}
        if self.row.end_reason:
            data["reason"] = self.row.end_reason
        account_sid = self.row.account_sid
        entry = EventRow(
            account_sid=account_sid, time=self.services.clock.wall(), event=event, call_sid=self.sid, data=data
        )
        self.services.record(StoreBatch(calls=[self.row], events=[entry]))
        _log.info(
            event.replace("-", ".", 1),
            account_sid=account_sid,
            call_sid=self.sid,
            sip_call_id=self.row.sip_call_id,
            peer=self.row.peer,
            status=self.row.status,
            reason=self.row.end_reason,
        )
