"""What an application's URL may not reach, over real sockets: by number, by name, by redirect, and by a name that changes its mind."""

from __future__ import annotations

import socket

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from webhook_bench import LOOPBACK, application, client, webhook

from roomtone.webhooks.request import WebhookError


class Names(AbstractResolver):
    """Resolves each name to the addresses given, one list after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        assert family == socket.AF_UNSPEC  # IPv6 too
        if not self.answers[0]:
            raise OSError(f"{host} is unknown")
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=_family(address), proto=0, flags=socket.AI_NUMERICHOST
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def reached(_: web.Request) -> web.Response:
    return web.Response(text="<Response/>")


async def refused(url: str, **options: object) -> WebhookError:
    async with client(**options) as made:  # type: ignore[arg-type]
        with pytest.raises(WebhookError) as caught:
            await made.fetch(webhook(url, "GET"))
    assert caught.value.code == 11210
    return caught.value


async def test_loopback_is_refused_unless_allowed() -> None:
    async with application(reached) as base:
        error = await refused(base, allow=())
        assert "webhooks.allow_networks" in error.message
        async with client() as made:
            assert (await made.fetch(webhook(base))).status == 200


@pytest.mark.parametrize(
    "host", ["localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "10.1.2.3", "[64:ff9b::7f00:1]"]
)
async def test_ways_to_say_here(host: str) -> None:
    async with application(reached) as base:
        await refused(base.replace("127.0.0.1", host), allow=())


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "0.0.0.0", "[::ffff:169.254.169.254]"]
)
async def test_never_even_when_everything_is_allowed(host: str) -> None:
    error = await refused(f"http://{host}/latest/meta-data", allow=("0.0.0.0/0", "::/0"))
    assert "never" in error.message


async def test_a_redirect_to_the_metadata_service() -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"})

    async with application(app) as base:
        await refused(base)


async def test_a_redirect_to_a_private_address() -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://192.168.0.1/"})

    async with application(app) as base:
        await refused(base)


async def test_a_name_that_leads_inside() -> None:
    async with application(reached) as base:
        port = base.rpartition(":")[2]
        await refused(f"http://evil.example:{port}/", allow=(), resolver=Names(["127.0.0.1"]))
        await refused(f"http://evil.example:{port}/", resolver=Names(["169.254.169.254"]))


async def test_only_the_allowed_address_of_a_name_is_tried() -> None:
    async with application(reached) as base:
        port = base.rpartition(":")[2]
        async with client(allow=LOOPBACK, resolver=Names(["10.0.0.1", "127.0.0.1"])) as made:
            assert (await made.fetch(webhook(f"http://app.example:{port}/"))).status == 200


async def test_an_unknown_name() -> None:
    error = await refused("http://nowhere.example/", resolver=Names([]))
    assert "nowhere.example" in error.message
