"""The HTTP application on the one port: routers, errors, and the ledger held while a request is answered."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roomtone.api import (
    accounts,
    calls,
    debug,
    events,
    hold_music,
    not_yet,
    numbers,
    pages,
    probes,
    requests,
    rooms,
    server,
)
from roomtone.api.errors import ERRORS, answer_errors
from roomtone.api.metrics import Metrics
from roomtone.api.names import refuse_unknown_names
from roomtone.api.probes import Readiness, ReadinessSign
from roomtone.api.sources import Sources
from roomtone.api.streams import Streams
from roomtone.clock import Ledger
from roomtone.errors import UsageError

__all__ = ["BODY_BYTES_MAX", "Api"]

PREFIX = "/api/v1"
BODY_BYTES_MAX = 65_536


class Api:
    """The application (`app`, for uvicorn), and what the composition root turns on it."""

    def __init__(self, sources: Sources, metrics: Metrics) -> None:
        metrics.watch(sources.rooms, sources.calls, sources.core_statistics, sources.data)
        self.sign = ReadinessSign()
        self.description = server.Description()
        self._streams = Streams(sources)
        self.app = FastAPI(
            title="Roomtone",
            description="Roomtone's own API. HTTP Basic: an account's sid and token, or admin and the admin token.",
            docs_url=None,
            openapi_url="/api/openapi.json",
            redoc_url=None,
        )
        answer_errors(self.app)
        own = APIRouter(prefix=PREFIX, responses=ERRORS, dependencies=[Depends(refuse_unknown_names)])
        for noun in (rooms, calls, requests, debug, numbers, accounts):
            own.include_router(noun.router(sources))
        own.include_router(events.router(sources, self._streams))
        own.include_router(server.router(sources, self.description))
        self.app.include_router(own)
        self.app.include_router(pages.router(self.app.openapi, self.description))
        self.app.include_router(not_yet.router())
        self.app.include_router(hold_music.router(sources.pieces))
        self.app.include_router(probes.router(self.sign, sources.store, sources.directory, metrics))
        self.app.add_middleware(_BoundedBody)
        self.app.add_middleware(_HoldsLedger, ledger=sources.clock.ledger)

    def ready(self) -> None:
        """`/readyz` is 200 from now on."""
        self.sign.state = Readiness.READY

    def drain(self) -> None:
        """`/readyz` is 503 from now on."""
        self.sign.state = Readiness.DRAINING

    def close(self) -> None:
        """Ends the event streams, which would keep the HTTP server from stopping."""
        self._streams.close()


class _HoldsLedger:
    """Time stands still while a request is answered, but not for a stream, which waits for what time brings."""

    def __init__(self, app: ASGIApp, ledger: Ledger) -> None:
        self._app = app
        self._ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].endswith(("/events", "/replay")):
            await self._app(scope, receive, send)
            return
        with self._ledger.hold(f"http: {scope['method']} {scope['path']}"):
            await self._app(scope, receive, send)


class _BoundedBody:
    """No request of ours needs more than `BODY_BYTES_MAX`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > BODY_BYTES_MAX:
                raise UsageError("too_large", f"The body is larger than {BODY_BYTES_MAX} bytes.", "Send less.")
            return message

        await self._app(scope, bounded, send)
