"""Where a call goes: the number it asks for, that number's application, and a life of its own.

A caller learns nothing from a refusal: an unknown number, a disabled one, and a source that may not call all get the
same 404 (A23).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import structlog

from roomtone.calls.call import Call
from roomtone.calls.life import live
from roomtone.calls.line import LineEnd
from roomtone.calls.pacing import CallRate
from roomtone.store.rows import DebugRow, StoreBatch

if TYPE_CHECKING:
    from roomtone.calls.line import Line
    from roomtone.calls.services import Directory, Route, Services

__all__ = ["Switchboard"]

_log = structlog.get_logger("roomtone.calls")

NO_DIALECT_CODE = 12400
_NOT_FOUND = 404
_UNAVAILABLE = 503
_NO_DIALECT = 480
_FAULT = 500


class _RefusedError(Exception):
    """This caller gets no call. `reason` is for our log; the caller learns the status."""

    def __init__(self, status: int, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


class Switchboard:
    """All calls of the server. `admits(peer)`: whether callers from that host may reach numbers."""

    def __init__(
        self, services: Services, directory: Directory, admits: Callable[[str], bool] = lambda _peer: True
    ) -> None:
        self._services = services
        self._directory = directory
        self._admits = admits
        self._rate = CallRate(services.clock, services.limits.calls_per_second_max)
        self._calls: dict[str, Call] = {}
        self._lives: set[asyncio.Task[None]] = set()
        self._is_draining = False

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        """Live calls, oldest first."""
        return iter(tuple(self._calls.values()))

    def call(self, sid: str) -> Call | None:
        """A live call by its sid."""
        return self._calls.get(sid)

    def incoming(self, line: Line) -> None:
        """Somebody calls. Everything else happens in a task of the call's own; the caller may give up before it runs."""
        gone: list[LineEnd] = []
        line.on_end = gone.append
        life = asyncio.create_task(self._take(line, gone), name=f"call {line.sip_call_id}")
        self._lives.add(life)
        life.add_done_callback(self._over)

    def drain(self) -> None:
        """No new calls from now on."""
        self._is_draining = True

    async def stop(self) -> None:
        """Hangs up every call, and returns when all are closed."""
        self.drain()
        for call in self:
            call.hang_up("the server stopped")
        if self._lives:
            await asyncio.wait(self._lives)

    async def _take(self, line: Line, gone: list[LineEnd]) -> None:
        try:
            call = await self._call_for(line)
        except _RefusedError as refused:
            self._refuse(line, refused)
            return
        except BaseException:
            self._refuse(line, _RefusedError(_FAULT, "a fault of ours"))
            raise
        if gone:
            self._close_leg(line)
            return
        line.ring()
        self._calls[call.sid] = call
        try:
            await live(call)
        finally:
            del self._calls[call.sid]

    async def _call_for(self, line: Line) -> Call:
        """_RefusedError."""
        limits = self._services.limits
        if self._is_draining:
            raise _RefusedError(_UNAVAILABLE, "draining", limits.retry_after_s)
        if len(self._calls) >= limits.calls_max:
            raise _RefusedError(_UNAVAILABLE, "limits.calls", limits.retry_after_s)
        if not self._admits(line.peer.rpartition(":")[0].strip("[]")):
            raise _RefusedError(_NOT_FOUND, "source may not call")
        if not self._rate.take():
            raise _RefusedError(_UNAVAILABLE, "limits.calls_per_second", 1)
        route = await self._directory.route(line.called.user)
        if route is None:
            raise _RefusedError(_NOT_FOUND, "unknown number")
        dialect = self._services.dialects.get((route.application.dialect, route.application.api_version))
        if dialect is None:
            self._log_dialect(route)
            raise _RefusedError(_NO_DIALECT, "dialect not built yet")
        if self._is_account_full(route.account.sid):
            raise _RefusedError(_UNAVAILABLE, "limits.calls_per_account", limits.retry_after_s)
        return Call(self._services, route, dialect, line)

    def _close_leg(self, line: Line) -> None:
        batch = self._services.media.batch()
        batch.close_leg(line.leg)
        self._services.send(batch)

    def _is_account_full(self, account_sid: str) -> bool:
        most = self._services.limits.calls_per_account_max
        return bool(most) and sum(call.row.account_sid == account_sid for call in self._calls.values()) >= most

    def _refuse(self, line: Line, refused: _RefusedError) -> None:
        _log.warning(
            "sip.rejected", peer=line.peer, sip_call_id=line.sip_call_id, reason=refused.reason, status=refused.status
        )
        line.reject(refused.status, retry_after_s=refused.retry_after_s)
        self._close_leg(line)

    def _log_dialect(self, route: Route) -> None:
        application = route.application
        dialect = f"{application.dialect} {application.api_version}"
        message = f"a call to {route.number.number} was refused: this server does not speak {dialect} yet"
        row = DebugRow(
            account_sid=route.account.sid,
            time=self._services.clock.wall(),
            level="error",
            code=NO_DIALECT_CODE,
            message=message,
            number=route.number.number,
            url=application.voice_url,
        )
        self._services.record(StoreBatch(debug=[row]))

    def _over(self, life: asyncio.Task[None]) -> None:
        self._lives.discard(life)
        if not life.cancelled() and life.exception() is not None:
            _log.error("call.failed", exc_info=life.exception())
