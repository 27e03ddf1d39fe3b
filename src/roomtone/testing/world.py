"""A whole world in virtual time: a server, applications over real HTTP, and phones.

    @simulated()
    async def test_two_callers_talk(world: World) -> None:
        world.application("<Response><Dial><Conference>Room 1234</Conference></Dial></Response>")
        await world.start()
        anna = await world.call(tone=500)
        berta = await world.call(tone=700)
        await world.clock.sleep(3)
        assert anna.ear.hears(700)

A document is XML, or a function of the request's parameters (coroutine or not) that returns XML, or an `Answer`. Nothing in here waits for real time.
"""

from __future__ import annotations

import functools
import inspect
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from roomtone.media.core import Core
from roomtone.server import Server
from roomtone.server import World as Ground
from roomtone.settings.load import Layer, load_layers
from roomtone.testing.caller import Phone, RobotCall
from roomtone.testing.virtual_time import VirtualTime, run

__all__ = ["NUMBER", "Answer", "Asked", "World", "simulated"]

NUMBER = "+15550100"
ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "test-token"
SERVER_HOST = "10.0.0.1"
PHONES_HOST = "10.0.0.2"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an application sends back when it is not just XML."""

    body: str | bytes = ""
    status: int = 200
    content_type: str = "text/xml"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the application got it."""

    path: str
    method: str
    parameters: Mapping[str, str]  # of query and form together
    query: str  # as it came: a parameter that came twice is there twice
    headers: Mapping[str, str]
    time_s: float


Reply = str | bytes | Answer
Document = Reply | Callable[[Asked], Reply | Awaitable[Reply]]


class World:
    """See the module. `settings`: sections and values over the defaults of the test."""

    def __init__(
        self, time: VirtualTime, *, seed: int, workers: int, settings: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self.time = time
        self.clock = time.clock
        self.network = time.network
        self.seed = seed
        self.workers = workers
        self.asked: list[Asked] = []
        self.server: Server
        self.phone: Phone
        self.url = ""
        # More of the number, before `start`: a fallback_url, another voice_method. And what else the server's file names.
        self.number_settings: dict[str, Any] = {}
        self.more_accounts: list[dict[str, Any]] = []
        self.more_numbers: list[dict[str, Any]] = []
        self._settings = settings or {}
        self._documents: dict[str, Document] = {}
        self._exits = AsyncExitStack()

    # --- applications -----------------------------------------------------------------------------------------------

    def application(self, document: Document, path: str = "/voice") -> None:
        """What is answered at `path`; `/voice` is the number's own."""
        self._documents[path] = document

    def requests(self, path: str) -> list[Asked]:
        """Those that came for `path`, oldest first."""
        return [asked for asked in self.asked if asked.path == path]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        parameters = {**request.query, **{name: str(value) for name, value in form.items()}}
        asked = Asked(
            request.path, request.method, parameters, request.query_string, dict(request.headers), self.clock.now()
        )
        self.asked.append(asked)
        document = self._documents.get(request.path)
        if document is None:
            return web.Response(status=404)
        reply = document(asked) if callable(document) else document
        if inspect.isawaitable(reply):
            reply = await reply
        if not isinstance(reply, Answer):
            reply = Answer(reply)
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        headers = {"Content-Type": reply.content_type, **reply.headers} if reply.content_type else dict(reply.headers)
        return web.Response(status=reply.status, body=body, headers=headers)

    # --- life ---------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Opens the application's port and the phones' host, so that URLs are known before the server starts."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._exits.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self.phone = self.add_phone(PHONES_HOST)

    def add_phone(self, host: str, **options: Any) -> Phone:
        """One more host with phones."""
        phone = Phone(
            Core(network=self.network, host=host), self.clock, host=host, port=5060, seed=self.seed, **options
        )
        self.time.pumps.append(phone.media.pump)
        self._exits.callback(phone.close)
        return phone

    async def start(self) -> Server:
        """The server, with one number whose application is ours."""
        settings = self._make_settings()
        core = Core(
            network=self.network,
            host=SERVER_HOST,
            workers=self.workers,
            rtp_timeout_s=round(settings.sip.rtp_timeout),
        )
        ground = Ground(clock=self.clock, core=core, source=random.Random(self.seed), is_virtual=True)
        self.server = await Server.start(settings, ground, http=False)
        self.time.pumps.append(self.server.media.pump)
        self._exits.push_async_callback(self.server.stop)
        return self.server

    def _make_settings(self) -> Any:
        base: dict[str, Any] = {
            "server": {"data": None, "admin_token": TOKEN},
            "sip": {"udp": f"{SERVER_HOST}:5060", "public": True},
            "webhooks": {"allow_networks": ["127.0.0.0/8"], "capture": "full", "show_digits": True},
            "accounts": [{"sid": ACCOUNT, "token": TOKEN, "name": "Test"}, *self.more_accounts],
            "numbers": [self._own_number(), *self.more_numbers],
        }
        for section, values in self._settings.items():
            base[section] = {**base.get(section, {}), **values}
        return load_layers([Layer(base)], None).settings

    def _own_number(self) -> dict[str, Any]:
        return {"number": NUMBER, "account": ACCOUNT, "voice_url": f"{self.url}/voice", **self.number_settings}

    async def close(self) -> None:
        """Everything, in the other order."""
        await self._exits.aclose()

    # --- callers ------------------------------------------------------------------------------------------------------

    async def call(
        self,
        number: str = NUMBER,
        *,
        tone: float | None = None,
        keys: str = "",
        phone: Phone | None = None,
        caller: str = "+15550111",
        records: bool = True,
        **options: Any,
    ) -> RobotCall:
        """A robot caller that was answered, sends `tone` and has pressed `keys`. RefusedError."""
        target = f"sip:{number}@{SERVER_HOST}"
        call = await (phone or self.phone).dial(target, caller=caller, records=records, **options)
        call.listening = functools.partial(self._listening, call.sip_call_id)
        if tone is not None:
            call.tone(tone)
        if keys:
            await call.keys(keys)
        return call

    async def _listening(self, sip_call_id: str) -> bool | None:
        for call in self.server.switchboard:
            if call.facts.sip_call_id == sip_call_id:
                return call.listening
        return None

    def digest(self) -> str:
        """Hash of all packets and events so far."""
        return self.network.digest()


def simulated(
    *, seed: int = 1, workers: int = 1, settings: Mapping[str, Mapping[str, Any]] | None = None
) -> Callable[[Callable[[World], Coroutine[Any, Any, None]]], Callable[[], None]]:
    """Makes a test of a coroutine that takes a World whose application port is open and whose server is not started yet."""

    def decorate(scenario: Callable[[World], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        def test() -> None:
            run_world(scenario, seed=seed, workers=workers, settings=settings)

        test.__name__ = scenario.__name__
        test.__doc__ = scenario.__doc__
        return test

    return decorate


def run_world(
    scenario: Callable[[World], Coroutine[Any, Any, None]],
    *,
    seed: int = 1,
    workers: int = 1,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Runs one scenario to its end; the digest of its packets and events."""
    time = VirtualTime(seed)
    world = World(time, seed=seed, workers=workers, settings=settings)

    async def main() -> str:
        try:
            await world.open()
            await scenario(world)
            return world.digest()
        finally:
            await world.close()

    return run(time, main)
