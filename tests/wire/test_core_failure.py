"""A thread of the core that has ended cannot be mended: callers are hung up, and the process says so and leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from roomtone.clock import LiveClock
from roomtone.errors import CoreFailedError, ExitCode
from roomtone.media.core import Core
from roomtone.server import Server, serve
from roomtone.settings.load import Layer, load_layers
from roomtone.settings.model import Settings
from roomtone.testing.caller import Phone, RefusedError

SECONDS_MAX = 20.0
LOST = ("media-0", "crates/media/src/bus/mod.rs:1:1: the sum is 3")


async def _voice(_request: web.Request) -> web.Response:
    return web.Response(text="<Response><Gather timeout='60'/></Response>", content_type="text/xml")


@pytest.fixture
async def settings() -> AsyncIterator[Settings]:
    """Of a server with one number, answered by an application that waits for keys; rooms would get ten minutes to end."""
    app = web.Application()
    app.router.add_post("/voice", _voice)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    values = {
        "server": {"data": None, "http": "127.0.0.1:0", "admin_token": "test", "drain_seconds": 600},
        "sip": {"udp": "127.0.0.1:0", "tcp": "", "rtp_ports": [0, 0]},
        "webhooks": {"allow_networks": ["127.0.0.0/8"]},
        "accounts": [{"sid": "AC" + "1" * 32, "token": "test"}],
        "numbers": [{"number": "+15550100", "voice_url": f"http://127.0.0.1:{runner.addresses[0][1]}/voice"}],
    }
    yield load_layers([Layer(values)], None).settings
    await runner.cleanup()


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    phone = Phone(Core(rtp_ports=(0, 0)), LiveClock())
    phone.attach()
    yield phone
    phone.close()


async def _leaves_with_its_code(running: asyncio.Task[None]) -> None:
    async with LiveClock().timeout(SECONDS_MAX):
        with pytest.raises(CoreFailedError) as raised:
            await running
    assert raised.value.exit_code is ExitCode.CORE_FAILED
    assert "media-0" in raised.value.message
    assert "the sum is 3" in raised.value.message


@pytest.mark.parametrize("is_draining", [False, True])
async def test_callers_are_hung_up_and_the_server_leaves_with_a_code_of_its_own(
    settings: Settings, phone: Phone, *, is_draining: bool
) -> None:
    ready: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    running = asyncio.create_task(serve(settings, on_ready=ready.set_result, stop=stop))
    try:
        server = await ready
        number = f"sip:+15550100@{server.sip[0][1]}"
        anna = await phone.dial(number)
        if is_draining:
            stop.set()
            with pytest.raises(RefusedError):
                await phone.dial(number)
        server.media.lose(*LOST)
        async with phone.clock.timeout(SECONDS_MAX):
            assert await anna.ended == "the far end hung up"
        await _leaves_with_its_code(running)
    finally:
        running.cancel()


async def test_a_thread_that_ends_while_the_server_starts_ends_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Server.start

    async def start_and_lose(*arguments: Any, **named: Any) -> Server:
        server = await start(*arguments, **named)
        server.media.lose(*LOST)
        return server

    monkeypatch.setattr(Server, "start", start_and_lose)
    running = asyncio.create_task(serve(settings, on_ready=lambda _server: None, stop=asyncio.Event()))
    await _leaves_with_its_code(running)


async def test_a_thread_that_ends_while_the_server_stops_does_not_hold_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = asyncio.Event()
    stop.set()

    async def lose_and_wait(server: Server) -> None:
        server.media.lose(*LOST)
        await asyncio.Event().wait()

    monkeypatch.setattr(Server, "stop", lose_and_wait)
    await _leaves_with_its_code(asyncio.create_task(serve(settings, on_ready=lambda _server: None, stop=stop)))
