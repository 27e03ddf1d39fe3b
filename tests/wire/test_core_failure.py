"""A thread of the core that has ended cannot be mended: callers are hung up, and the process says so and leaves."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from roomtone.clock import LiveClock
from roomtone.errors import CoreFailedError, ExitCode
from roomtone.media.core import Core
from roomtone.server import Server, serve
from roomtone.settings.load import Layer, load_layers
from roomtone.testing.caller import Phone

SECONDS_MAX = 20.0


async def _voice(_request: web.Request) -> web.Response:
    return web.Response(text="<Response><Gather timeout='60'/></Response>", content_type="text/xml")


async def test_callers_are_hung_up_and_the_server_leaves_with_a_code_of_its_own() -> None:
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
    settings = load_layers([Layer(values)], None).settings
    ready: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(serve(settings, on_ready=ready.set_result, stop=asyncio.Event()))
    phone = Phone(Core(rtp_ports=(0, 0)), LiveClock())
    phone.attach()
    try:
        server = await ready
        anna = await phone.dial(f"sip:+15550100@{server.sip[0][1]}")
        server.media.lose("media-0", "crates/media/src/bus/mod.rs:1:1: the sum is 3")
        async with phone.clock.timeout(SECONDS_MAX):
            assert await anna.ended == "the far end hung up"
            with pytest.raises(CoreFailedError) as raised:
                await running
        assert raised.value.exit_code is ExitCode.CORE_FAILED
        assert "media-0" in raised.value.message
        assert "the sum is 3" in raised.value.message
    finally:
        running.cancel()
        phone.close()
        await runner.cleanup()
