"""Sounds on their way, over real sockets: how many at a time, how much memory, and in whose turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from webhook_bench import application, client, webhook

from roomtone.webhooks.client import ClientLimits, WebhookClient
from roomtone.webhooks.request import Webhook, WebhookError

SOUND = b"x" * 1000
OTHERS = ("b0", "c0", "d0")


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two downloads of an account and four of all; 2,500 bytes of an account and 5,000 of all. A turn has room for 1,000 bytes."""
    monkeypatch.setattr("roomtone.webhooks.downloads.SHARES", 2)
    monkeypatch.setattr("roomtone.webhooks.downloads.DOWNLOADS_PER_ACCOUNT_MAX", 2)
    monkeypatch.setattr("roomtone.webhooks.downloads.DOWNLOAD_BYTES_PER_ACCOUNT_MAX", 2500)
    monkeypatch.setattr("roomtone.webhooks.client.UNTOLD_BYTES_MAX", 1000)


@dataclass
class Files:
    """An application that answers a path only when it is let go; `asked` has them in the order in which they came."""

    asked: list[str] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    let_go: dict[str, asyncio.Event] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        async with self.arrived:
            self.asked.append(request.path)
            self.arrived.notify_all()
        await self.let_go.setdefault(request.path, asyncio.Event()).wait()
        return web.Response(body=SOUND, content_type="audio/wav")

    async def until(self, count: int) -> None:
        """Until so many were asked for."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.asked) >= count)

    def go(self, path: str) -> None:
        self.let_go.setdefault(path, asyncio.Event()).set()


@asynccontextmanager
async def files(total_timeout_s: float = 15.0) -> AsyncIterator[tuple[Files, str, WebhookClient]]:
    made = Files()
    limits = ClientLimits(total_timeout_s=total_timeout_s, media_bytes_max=2000)
    async with application(made.answer) as base, client(limits=limits) as fetcher:
        try:
            yield made, base, fetcher
        finally:
            for path in made.asked:
                made.go(path)


def sound(url: str, account_sid: str) -> Webhook:
    return Webhook(kind="media", url=url, method="GET", account_sid=account_sid, call_sid="CA1", bytes_max=2000)


async def test_downloads_of_an_account_and_of_all_are_bounded_and_wait_in_their_turn() -> None:
    async with files() as (app, base, fetcher):
        first = [asyncio.create_task(fetcher.fetch(sound(f"{base}/a{n}", "AC1"))) for n in range(4)]
        await app.until(2)
        others = [asyncio.create_task(fetcher.fetch(sound(f"{base}/{name}", f"AC{name[0]}"))) for name in OTHERS]
        await app.until(4)
        assert Counter(path[1] for path in app.asked) == {"a": 2, "b": 1, "c": 1}
        app.go("/b0")
        await app.until(5)
        assert app.asked[4] == "/d0", "its account was next, though the first one's others asked before"
        for path in ("/a0", "/a1", "/a2", "/a3", *(f"/{name}" for name in OTHERS)):
            app.go(path)
        for task in (*first, *others):
            (await task).close()
        assert app.asked[5:] == ["/a2", "/a3"]
        assert fetcher.downloads.held_bytes == 0


async def test_sounds_that_are_not_decoded_yet_hold_their_memory() -> None:
    async with files() as (app, base, fetcher):
        for path in ("/a0", "/a1", "/a2", "/b0"):
            app.go(path)
        held = [await fetcher.fetch(sound(f"{base}{path}", "AC1")) for path in ("/a0", "/a1")]
        waiting = asyncio.create_task(fetcher.fetch(sound(f"{base}/a2", "AC1")))
        await app.until(3)
        (
            await fetcher.fetch(sound(f"{base}/b0", "AC2"))
        ).close()  # which the first account's memory does not keep from its own
        assert not waiting.done()
        assert fetcher.downloads.held_bytes == 2000
        held[0].close()
        held[0].close()
        (await waiting).close()
        held[1].close()
        assert fetcher.downloads.held_bytes == 0


async def test_who_waits_too_long_fails_by_the_time_out_and_is_told_for_what() -> None:
    async with files(total_timeout_s=0.3) as (app, base, fetcher):
        async with fetcher.downloads.turn("AC1"), fetcher.downloads.turn("AC1"):
            with pytest.raises(WebhookError) as late:
                await fetcher.fetch(sound(f"{base}/a2", "AC1"))
        for path in ("/a3", "/a4", "/a5"):
            app.go(path)
        held = [await fetcher.fetch(sound(f"{base}{path}", "AC1")) for path in ("/a3", "/a4")]
        with pytest.raises(WebhookError) as full:
            await fetcher.fetch(sound(f"{base}/a5", "AC1"))
        for answer in held:
            answer.close()
        assert fetcher.downloads.held_bytes == 0
    assert late.value.code == full.value.code == 11203
    assert "waited for its turn among the downloads" in late.value.message
    assert "waited for room in memory" in full.value.message


async def test_a_sound_in_place_of_a_document_takes_its_memory_too() -> None:
    async with files() as (app, base, fetcher):
        app.go("/voice")
        answer = await fetcher.fetch(webhook(f"{base}/voice"))
        assert fetcher.downloads.held_bytes == len(SOUND)
        answer.close()
        assert fetcher.downloads.held_bytes == 0


async def test_what_it_unpacks_to_is_held_not_what_it_is_packed_to() -> None:
    async def packed(_: web.Request) -> web.StreamResponse:
        response = web.Response(body=SOUND, content_type="audio/wav")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    limits = ClientLimits(media_bytes_max=2000)
    async with application(packed) as base, client(limits=limits) as fetcher:
        answer = await fetcher.fetch(sound(base, "AC1"))
        assert answer.body == SOUND
        assert fetcher.downloads.held_bytes == len(SOUND)
        answer.close()


@dataclass
class Streams:
    """An application whose sounds do not tell their length. It begins each, and ends it when it is let go."""

    size: int
    begun: list[str] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    end: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "audio/wav"})
        await response.prepare(request)
        await response.write(b"x" * (self.size - 1))
        async with self.changed:
            self.begun.append(request.path)
            self.changed.notify_all()
        await self.end.wait()
        await response.write(b"x")
        return response

    async def until(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.begun) >= count)


async def test_sounds_of_untold_length_take_what_they_are_not_what_they_could_be() -> None:
    app = Streams(size=1000)
    limits = ClientLimits(total_timeout_s=3.0, media_bytes_max=2000)
    async with application(app.answer) as base, client(limits=limits) as fetcher:
        both = [asyncio.create_task(fetcher.fetch(sound(f"{base}/{name}", "AC1"))) for name in "ab"]
        await app.until(2)
        app.end.set()
        answers = [await task for task in both]
        assert [len(answer.body) for answer in answers] == [1000, 1000]
        assert fetcher.downloads.held_bytes == 2000
        for answer in answers:
            answer.close()
        assert fetcher.downloads.held_bytes == 0


async def test_long_sounds_of_untold_length_are_read_one_after_the_other_and_never_wait_for_each_other() -> None:
    """Each takes as much as it could be; instead of a document it takes its turn too."""
    app = Streams(size=1500)
    app.end.set()
    limits = ClientLimits(total_timeout_s=10.0, media_bytes_max=2000)

    async def play(asked: Webhook) -> int:
        answer = await fetcher.fetch(asked)
        held.append(fetcher.downloads.held_bytes)
        answer.close()
        return len(answer.body)

    held: list[int] = []
    async with application(app.answer) as base, client(limits=limits) as fetcher:
        asked = [sound(f"{base}/{n}", "AC1") for n in range(4)] + [webhook(base) for _ in range(4)]
        sizes = await asyncio.gather(*(play(one) for one in asked))
        assert sizes == [1500] * 8
        assert held == [1500] * 8
        assert fetcher.downloads.held_bytes == 0


async def test_a_failed_download_leaves_nothing_behind() -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "audio/wav", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 10)
        assert request.transport is not None
        request.transport.close()
        return response

    async with application(broken) as base, client() as fetcher:
        for _ in range(5):
            with pytest.raises(WebhookError):
                await fetcher.fetch(sound(base, "AC1"))
        assert fetcher.downloads.held_bytes == 0
