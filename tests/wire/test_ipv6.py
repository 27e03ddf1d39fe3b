"""Callers over IPv6, and of both families at once on a server that listens to all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from roomtone.clock import LiveClock
from roomtone.media.core import Core
from roomtone.server import Server, World
from roomtone.settings.load import Layer, load_layers
from roomtone.testing.caller import Phone

DOCUMENT = "<Response><Dial><Conference beep='false'>Room</Conference></Dial></Response>"


async def _voice(_request: web.Request) -> web.Response:
    return web.Response(text=DOCUMENT, content_type="text/xml")


@pytest_asyncio.fixture
async def exits() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def _server(exits: AsyncExitStack, host: str) -> Server:
    app = web.Application()
    app.router.add_post("/voice", _voice)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    exits.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    values: dict[str, Any] = {
        "server": {"data": None, "admin_token": "test"},
        "sip": {"udp": f"{host}:0", "tcp": f"{host}:0", "rtp_ports": [0, 0]},
        "webhooks": {"allow_networks": ["127.0.0.0/8"]},
        "accounts": [{"sid": "AC" + "1" * 32, "token": "test"}],
        "numbers": [{"number": "+15550100", "voice_url": f"http://127.0.0.1:{runner.addresses[0][1]}/voice"}],
    }
    settings = load_layers([Layer(values)], None).settings
    server = await Server.start(settings, World.live(settings), http=False)
    exits.push_async_callback(server.stop)
    return server


def _phone(exits: AsyncExitStack, host: str) -> Phone:
    phone = Phone(Core(host=host, rtp_ports=(0, 0)), LiveClock(), host=host)
    phone.attach()
    exits.callback(phone.close)
    return phone


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("listens", "callers"),
    [("[::1]", ("::1", "::1")), ("[::]", ("::1", "::1")), ("[::]", ("::1", "127.0.0.1"))],
    ids=["loopback", "any", "both families"],
)
async def test_callers_hear_each_other_and_are_hung_up(
    exits: AsyncExitStack, listens: str, callers: tuple[str, str], transport: str
) -> None:
    server = await _server(exits, listens)
    port = next(address.port for name, address in server.sip if name == transport)
    suffix = "" if transport == "udp" else ";transport=tcp"
    calls = []
    for host, tone in zip(callers, (500, 700), strict=True):
        where = f"[{host}]" if ":" in host else host
        call = await _phone(exits, host).dial(f"sip:+15550100@{where}:{port}{suffix}")
        call.tone(tone)
        calls.append(call)
    anna, berta = calls
    await anna.until(lambda ear: ear.hears(700))
    await berta.until(lambda ear: ear.hears(500))
    stopping = server.switchboard.stop()
    async with LiveClock().timeout(10):
        await stopping
        assert [await call.ended for call in calls] == ["the far end hung up"] * 2
