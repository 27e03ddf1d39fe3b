"""A call: one far end, from its INVITE to its end.

It owns what lives as long as it does: its names, its status, its private bus, its keys, and the main run. The line
(signalling) says when the other side went away, the core when its packets did. Whoever ends it first decides its final
status; then the room it is in lets go of it, the run is cancelled, and leg and bus are closed, in this order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import structlog

from roomtone.calls.debug_log import DebugLog
from roomtone.calls.dialect import CallFacts, CallStatus
from roomtone.calls.interpreter import Ending, Purpose, Run, Sink
from roomtone.calls.keys import Keys
from roomtone.calls.line import Line, LineEnd, LineEndedError
from roomtone.calls.step import Fetch
from roomtone.calls.visit import Visit
from roomtone.media.core import Digit, LegLost, LegSilent
from roomtone.store.rows import CallRow, EventRow, StoreBatch

if TYPE_CHECKING:
    from roomtone.calls.dialect import Dialect
    from roomtone.calls.services import Route, Services
    from roomtone.calls.verbs.dial import DialConference
    from roomtone.media.core import Event
    from roomtone.rooms.join import LeaveReason

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
_NO_DOCUMENT_STATUS = 500  # to the caller, when the application gave nothing to run before the answer


class Call:
    """One call to a number. `live` is its life."""

    def __init__(self, services: Services, route: Route, dialect: Dialect, line: Line) -> None:
        self.services = services
        self.route = route
        self.dialect = dialect
        self.line = line
        self.sid = services.ids.call()
        self.leg = line.leg
        self.bus = services.media.new_id()
        self.keys = Keys(services.clock)
        self.debug_log = DebugLog(self)
        self.row = self._first_row()
        self._status = CallStatus.RINGING
        self._main: asyncio.Task[Ending] | None = None
        self._visit: Visit | None = None
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

    async def live(self) -> None:
        """Runs the number's document and what follows from it; returns when everything of the call is closed."""
        self.line.on_end = self._line_ended
        self.services.media.on_leg(self.leg, self._on_leg)
        self._record("call-ringing")
        self._main = asyncio.create_task(self._run(), name=f"call {self.sid}")
        self._main.add_done_callback(self.report_fault)
        try:
            await asyncio.wait({self._main})
            await self._part(self._main)
        finally:
            self._main.cancel()
            self._end("the server stopped", CallStatus.COMPLETED if self.answered else CallStatus.FAILED)
            self._close_media()
            self.services.webhooks.forget_call(self.sid)

    async def _run(self) -> Ending:
        if self.dialect.answers_first:
            await self.answer()
        application = self.route.application
        method: Literal["GET", "POST"] = "GET" if application.voice_method == "GET" else "POST"
        return await Run(self, Purpose(kind="main"), Sink(leg=self.leg)).go(
            Fetch("voice", application.voice_url, method)
        )

    async def _part(self, main: asyncio.Task[Ending]) -> None:
        """The main run is over: so is the call, if it is not yet."""
        if self.is_over or main.cancelled():
            return
        fault = main.exception()
        ending = Ending("a fault of ours", failed=True) if fault is not None else main.result()
        if not self.answered and ending.failed:
            self.line.reject(_NO_DOCUMENT_STATUS)
            self._end(ending.reason, CallStatus.FAILED)
            return
        try:
            await self.answer()  # a document without a verb that answers is answered, and hung up
        except LineEndedError:
            return
        self._end(ending.reason, CallStatus.COMPLETED)

    def hang_up(self, reason: str) -> None:
        """Ends it from our side. Again is harmless."""
        if not self.answered and not self.is_over:
            self.line.reject(480)
        self._end(reason, CallStatus.COMPLETED if self.answered else CallStatus.FAILED)

    def _end(self, reason: str, status: CallStatus) -> None:
        if self.is_over:
            return
        self._status = status
        self.row = replace(self.row, ended_at=self.services.clock.wall(), end_reason=reason)
        self._record("call-ended")
        self.line.hang_up()
        if self._visit is not None:
            self._visit.hang_up()
        elif self._main is not None:
            self._main.cancel()

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
        self.services.media.on_bus(self.bus, lambda _event: self._end(_CORE_FAULT, CallStatus.FAILED))
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
        self._end("the document rejected it", status)

    async def visit_room(self, run: Run, verb: DialConference) -> LeaveReason:
        """Stays in the room that `verb` names; why it left. A hang-up meanwhile ends the visit, not the run (A7)."""
        self._visit = Visit(self, run, verb)
        try:
            return await self._visit.stay()
        finally:
            self._visit = None
            if self.is_over:
                self._close_media()

    # --- what happens to it -------------------------------------------------------------------------------------------

    def _line_ended(self, end: LineEnd) -> None:
        self._end(end.value, _STATUS_OF_END[end])

    def _on_leg(self, event: Event) -> None:
        match event:
            case Digit():
                self.keys.press(event.digit, in_band=event.in_band)
            case LegSilent():
                self._end("no packets from the caller", CallStatus.COMPLETED)
            case LegLost():
                self._end(_CORE_FAULT, CallStatus.FAILED)
            case _:
                pass

    def report_fault(self, task: asyncio.Task[Ending]) -> None:
        """Of a run: what it died of is ours to know, when it is neither the call's end nor the line's."""
        if task.cancelled():
            return
        fault = task.exception()
        if fault is not None and not isinstance(fault, LineEndedError):
            _log.error("call.run_failed", call_sid=self.sid, exc_info=fault)

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
