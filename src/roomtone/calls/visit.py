"""One stay of a call in a room: the face that a call shows to its conference.

The room decides when the caller waits and when it is over; here is what belongs to the call meanwhile: its wait run,
`*`, the time limit of its Dial, and its hang-up, which leaves the room first and ends the call only when the room has
let go (A7).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from roomtone.calls.directive import Directive
from roomtone.calls.hold_music import DEFAULT_WAIT_URL
from roomtone.calls.interpreter import Ending, interpret, report_fault
from roomtone.calls.run import Purpose, Run, Sink
from roomtone.calls.step import Fetch
from roomtone.conferences.names import ConferenceNameError
from roomtone.rooms.join import JoinRequest, LeaveReason
from roomtone.webhooks.report import Finding

if TYPE_CHECKING:
    from roomtone.conferences.participation import Participation
    from roomtone.media.core import Batch

__all__ = ["RoomVerb", "Visit"]

CONFERENCE_FULL_CODE = 16020
STAR = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomVerb(Directive):
    """A verb that leads into the room `name` by the rules of `join`, whose `call_sid` is filled in when it runs (leave it "")."""

    name: str
    join: JoinRequest
    wait_url: str | None = None  # None: the default hold music; "": silence
    wait_method: Literal["GET", "POST"] = "POST"
    hangup_on_star: bool = False
    time_limit_s: float = 14400.0
    conference_line: int | None = None  # where the noun stands: the cause that the hearing names


class Visit:
    """A `conferences.Member`, for as long as one verb leads there."""

    def __init__(self, run: Run, verb: RoomVerb) -> None:
        self._call = run.call
        self._run = run
        self._verb = verb
        self._services = run.services
        self._participation: Participation | None = None
        self._wait_run: Run | None = None
        self._waiting: asyncio.Task[Ending] | None = None
        self._hung_up = False

    # --- Member -------------------------------------------------------------------------------------------------------

    @property
    def call_sid(self) -> str:
        """The participant's name in the room."""
        return self._call.sid

    @property
    def leg(self) -> int:
        """The call's leg, which is the room's to move and to mute during the stay."""
        return self._call.leg

    @property
    def private_bus(self) -> int:
        """The call's own bus, to which the room gives the leg back."""
        return self._call.bus

    def start_wait(self, conference_sid: str, friendly_name: str) -> None:
        """Runs the wait document into the caller's ear; nothing for an empty waitUrl, or when it runs already."""
        url = self._verb.wait_url
        if url == "" or self._waiting is not None:
            return
        dialect = self._call.dialect
        purpose = Purpose(
            kind="wait",
            allowed=dialect.wait_verbs(),
            parameters=tuple(dialect.wait_parameters(conference_sid, friendly_name)),
            conference_sid=conference_sid,
        )
        self._wait_run = Run(self._call, purpose, Sink(leg=self._call.leg))
        fetch = Fetch("wait", DEFAULT_WAIT_URL if url is None else url, self._verb.wait_method)
        self._waiting = asyncio.create_task(interpret(self._wait_run, fetch), name=f"wait {self._call.sid}")
        self._waiting.add_done_callback(lambda run: report_fault(run, self._call.sid))

    def stop_wait(self, batch: Batch) -> None:
        """Adds the stop of its sound to `batch`, and cancels the run. Harmless when there is none."""
        if self._wait_run is None or self._waiting is None:
            return
        self._wait_run.stop_sound(batch)
        self._waiting.cancel()
        self._wait_run = None
        self._waiting = None

    def left(self, reason: LeaveReason) -> None:
        """Nothing to do: `stay` waits for the participation's own word, and the room stopped the wait run before."""

    # --- the call -----------------------------------------------------------------------------------------------------

    async def stay(self) -> LeaveReason:
        """Joins, and returns when the room has let go of the call: why. A hang-up meanwhile ends the visit, not the run (A7)."""
        verb = self._verb
        request = replace(verb.join, call_sid=self._call.sid, has_wait_music=verb.wait_url != "")
        with self._call.let_go_by(self._hang_up), self._call.keys.heard_by(self._press):
            try:
                participation = await self._services.rooms.join(
                    self._call.route.account.sid,
                    verb.name,
                    self,
                    request,
                    request_id=self._run.request_id or None,
                    line=verb.conference_line or verb.line,
                    caller=self._call.line.caller.user,
                )
            except ConferenceNameError as error:
                self._fail(error.code, error.message)
                return LeaveReason.FAILED
            self._participation = participation
            if self._hung_up:
                participation.leave(LeaveReason.HUNG_UP)
            reason = await self._until_left(participation)
        if reason is LeaveReason.FULL:
            most = verb.join.participants_max
            size = f"{most} participant{'' if most == 1 else 's'}"
            self._fail(CONFERENCE_FULL_CODE, f"the conference {verb.name!r} is full: {size}", participation)
        return reason

    async def _until_left(self, participation: Participation) -> LeaveReason:
        clock = self._services.clock
        limit = clock.call_at(
            clock.now() + self._verb.time_limit_s, lambda: participation.leave(LeaveReason.TIME_LIMIT)
        )
        try:
            return await participation.leaving()
        finally:
            limit.cancel()
            if not participation.left.done():  # the server stops: nobody will wait for the room's word
                participation.leave(LeaveReason.HUNG_UP)

    def _hang_up(self) -> None:
        """The call is over; the room lets go of it, and `stay` returns."""
        self._hung_up = True
        if self._participation is not None:
            self._participation.leave(LeaveReason.HUNG_UP)

    def _press(self, key: str, *, in_band: bool) -> None:
        if self._participation is None:
            return
        if key == STAR and self._verb.hangup_on_star:
            self._participation.leave(LeaveReason.STAR)
        elif not in_band:  # the others have heard its tones (docs/adr/0006)
            self._services.rooms.digit(self._call.sid, key)

    def _fail(self, code: int, message: str, participation: Participation | None = None) -> None:
        level = self._call.dialect.level(code)
        finding = Finding(code, message, level, line=self._verb.line, path=self._verb.path)
        self._run.finding(finding, participation.conference_sid if participation else None)
