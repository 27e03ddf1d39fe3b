"""What the webhook tests share: a local application over real sockets, and a driver of virtual time around one coroutine."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiohttp import web

from roomtone.clock import LiveClock, VirtualClock
from roomtone.webhooks.client import ClientLimits, WebhookClient
from roomtone.webhooks.guard import Guard
from roomtone.webhooks.journal import Journal
from roomtone.webhooks.request import Webhook
from roomtone.webhooks.target import UrlMap

LOOPBACK = ("127.0.0.0/8", "::1/128")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


@asynccontextmanager
async def application(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serves every path and method by `handler`; gives its base URL (http, also when `context` makes it TLS)."""
    runner = web.AppRunner(_app(handler), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> AsyncIterator[str]:
    """A server below HTTP, for answers that no HTTP server would give."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def _app(handler: Handler) -> web.Application:
    app = web.Application(client_max_size=2**21)
    app.router.add_route("*", "/{tail:.*}", handler)
    return app


def journal(clock: LiveClock | VirtualClock | None = None, **options: Any) -> Journal:
    """A journal with ids RQ1, RQ2 ..."""
    numbers = itertools.count(1)
    return Journal(clock or LiveClock(), lambda: f"RQ{next(numbers)}", **options)


@asynccontextmanager
async def client(
    clock: LiveClock | VirtualClock | None = None,
    *,
    allow: tuple[str, ...] = LOOPBACK,
    url_map: dict[str, str] | None = None,
    kept: Journal | None = None,
    limits: ClientLimits | None = None,
    **options: Any,
) -> AsyncIterator[WebhookClient]:
    """A client that may reach loopback unless `allow` says otherwise."""
    clock = clock or LiveClock()
    made = WebhookClient(
        clock,
        kept or journal(clock),
        guard=Guard(allow),
        url_map=UrlMap(url_map or {}),
        limits=limits,
        in_virtual_time=isinstance(clock, VirtualClock),
        **options,
    )
    try:
        yield made
    finally:
        await made.close()


def webhook(url: str, method: str = "POST", **options: Any) -> Webhook:
    """A voice request with two parameters."""
    options.setdefault("parameters", (("CallSid", "CA1"), ("From", "+15550101")))
    options.setdefault("kind", "voice")
    options.setdefault("call_sid", "CA1")
    return Webhook(url=url, method=method, account_sid="AC1", **options)  # type: ignore[arg-type]


async def in_virtual_time(clock: VirtualClock, work: Coroutine[Any, Any, T]) -> T:
    """Runs `work`; moves the clock to its next deadline whenever nothing is under way out of its sight."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.wait({task}, timeout=0.002)
        if not task.done() and not clock.ledger.held and (deadline := clock.next_deadline()) is not None:
            clock.advance(deadline)
    return task.result()
