"""Whole calls over real sockets: what the virtual network cannot show (UDP and TCP of the system, threads, eventfd)."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from roomtone.clock import LiveClock
from roomtone.media.core import Core
from roomtone.server import Server, World
from roomtone.settings.load import Layer, load_layers
from roomtone.testing.caller import Phone, RefusedError

DOCUMENT = """<Response>
  <Dial><Conference endConferenceOnExit="true" beep="false">Room</Conference></Dial>
  <Gather numDigits="1" timeout="600"/>
</Response>"""


async def _voice(request: web.Request) -> web.Response:
    form = await request.post()
    document = "<Response><Hangup/></Response>" if "Digits" in form else DOCUMENT
    return web.Response(text=document, content_type="text/xml")


@pytest_asyncio.fixture(params=[1, 2], ids=["one worker", "two workers"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """One with a conference behind its number."""
    app = web.Application()
    app.router.add_post("/voice", _voice)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/voice"
    values: dict[str, Any] = {
        "server": {"data": None, "admin_token": "test", "workers": request.param},
        "sip": {"udp": "127.0.0.1:0", "tcp": "127.0.0.1:0", "public": True, "rtp_ports": [0, 0]},
        "webhooks": {"allow_networks": ["127.0.0.0/8"]},
        "accounts": [{"sid": "AC" + "1" * 32, "token": "test"}],
        "numbers": [{"number": "+15550100", "voice_url": url}],
    }
    settings = load_layers([Layer(values)], None).settings
    server = await Server.start(settings, World.live(settings), http=False)
    yield server
    await server.stop()
    await runner.cleanup()


@pytest_asyncio.fixture
async def phone() -> AsyncIterator[Phone]:
    phone = Phone(Core(rtp_ports=(0, 0)), LiveClock())
    phone.attach()
    yield phone
    phone.close()


def _target(server: Server, transport: str, number: str = "+15550100") -> str:
    port = next(address.port for name, address in server.sip if name == transport)
    return f"sip:{number}@127.0.0.1:{port}" + ("" if transport == "udp" else f";transport={transport}")


async def test_the_one_call_too_many_for_the_ports_is_refused_and_the_next_is_not(phone: Phone) -> None:
    values: dict[str, Any] = {
        "server": {"data": None, "admin_token": "test"},
        "sip": {"udp": "127.0.0.1:0", "tcp": "", "public": True, "rtp_ports": [21052, 21052]},
        "accounts": [{"sid": "AC" + "1" * 32, "token": "test"}],
        "numbers": [{"number": "+15550100", "voice_url": "http://127.0.0.1:9/"}],
    }
    settings = load_layers([Layer(values)], None).settings
    server = await Server.start(settings, World.live(settings), http=False)
    try:
        held = server.core.new_id()
        assert server.core.open_leg(held) == 21052
        with pytest.raises(RefusedError) as refused:
            await phone.dial(_target(server, "udp"))
        assert refused.value.status == 503
        batch = server.media.batch()
        batch.close_leg(held)
        await server.media.submit(batch)
        with pytest.raises(RefusedError) as refused:
            await phone.dial(_target(server, "udp"))
        assert refused.value.status == 500  # nobody is at home there, but its document was asked for
    finally:
        await server.stop()


async def test_callers_over_udp_and_tcp_talk_and_go_on_with_their_documents(server: Server, phone: Phone) -> None:
    anna = await phone.dial(_target(server, "udp"))
    berta = await phone.dial(_target(server, "tcp"))
    carla = await phone.dial(_target(server, "udp"))
    anna.tone(500)
    berta.tone(700)
    await carla.until(lambda ear: ear.hears(500) and ear.hears(700))
    await anna.until(lambda ear: ear.hears(700))
    assert anna.ear.hears_not(500)
    carla.hang_up()
    await anna.until(lambda ear: ear.silence())
    await anna.keys("1")
    await berta.keys("2")
    async with phone.clock.timeout(10):
        assert await anna.ended == "the far end hung up"
        assert await berta.ended == "the far end hung up"


async def test_port_0_is_one_port_for_udp_and_tcp(server: Server) -> None:
    (udp, first), (tcp, second) = server.sip
    assert (udp, tcp) == ("udp", "tcp")
    assert first == second
    assert first.port != 0
    assert server.ready_info().sip == f"sip:{first}"


async def test_an_unknown_number_is_refused(server: Server, phone: Phone) -> None:
    with pytest.raises(RefusedError) as refused:
        await phone.dial(_target(server, "tcp", "nobody"))
    assert refused.value.status == 404


@pytest.mark.skipif(sys.platform != "linux", reason="the portable driver does not hear what ICMP says")
async def test_a_call_to_where_nobody_listens_fails_at_once(phone: Phone) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        port = gone.getsockname()[1]
    async with phone.clock.timeout(10):  # the transaction's own patience is 32 s
        with pytest.raises(RefusedError) as refused:
            await phone.dial(f"sip:demo@127.0.0.1:{port}")
    assert refused.value.status == 503
