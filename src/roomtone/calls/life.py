"""The life of a call: its main run, and what is left to do when that is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from roomtone.calls.dialect import CallStatus
from roomtone.calls.interpreter import Ending, interpret, report_fault
from roomtone.calls.line import LineEndedError
from roomtone.calls.run import Purpose, Run, Sink
from roomtone.calls.step import Fetch

if TYPE_CHECKING:
    from roomtone.calls.call import Call

__all__ = ["live"]

_NO_DOCUMENT_STATUS = 500  # to the caller, when the application gave nothing to run before the answer


async def live(call: Call) -> None:
    """Runs the number's document and what follows from it; returns when everything of the call is closed."""
    main = asyncio.create_task(_run(call), name=f"call {call.sid}")
    main.add_done_callback(lambda run: report_fault(run, call.sid))
    call.begin(main.cancel)
    try:
        await asyncio.wait({main})
        await _part(call, main)
    finally:
        main.cancel()
        call.close()


async def _run(call: Call) -> Ending:
    if call.dialect.answers_first:
        await call.answer()
    application = call.route.application
    method: Literal["GET", "POST"] = "GET" if application.voice_method == "GET" else "POST"
    run = Run(call, Purpose(kind="main"), Sink(leg=call.leg))
    return await interpret(run, Fetch("voice", application.voice_url, method))


async def _part(call: Call, main: asyncio.Task[Ending]) -> None:
    """The main run is over: so is the call, if it is not yet."""
    if call.is_over or main.cancelled():
        return
    fault = main.exception()
    ending = Ending("a fault of ours", failed=True) if fault is not None else main.result()
    if not call.answered and ending.failed:
        call.line.reject(_NO_DOCUMENT_STATUS)
        call.end(ending.reason, CallStatus.FAILED)
        return
    try:
        await call.answer()  # a document without a verb that answers is answered, and hung up
    except LineEndedError:
        return
    call.end(ending.reason, CallStatus.COMPLETED)
