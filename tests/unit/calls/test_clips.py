"""Clips over a real application and the real client; the core's decoder is replaced by one that counts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from roomtone.calls.clips import Clips
from roomtone.clock import LiveClock
from roomtone.media.clip_cache import CLIP_BYTES_PER_MILLISECOND, ClipCache
from roomtone.webhooks.client import WebhookClient
from roomtone.webhooks.guard import Guard
from roomtone.webhooks.journal import Journal
from roomtone.webhooks.request import Answer, Webhook, WebhookError
from roomtone.webhooks.target import UrlMap


@dataclass(frozen=True)
class Decoded:
    id: int
    milliseconds: int
    data: bytes = b""


class NoAudioError(Exception):
    pass


@dataclass
class Decoder:
    loaded: list[bytes] = field(default_factory=list)

    def load_clip(self, data: bytes, encode: object = None) -> Decoded:
        assert not encode
        if not data.startswith(b"RIFF"):
            raise NoAudioError
        self.loaded.append(data)
        return Decoded(len(self.loaded), 1000, data)

    def load_pcm(self, pcm: bytes, rate_hz: int, encode: object = None) -> Decoded:
        raise NotImplementedError


@dataclass
class Files:
    """An application with one file; remembers how it was asked."""

    body: bytes = b"RIFF one"
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        validators = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        self.asked.append((request.method, *validators))
        if validators[0] and validators[0] == self.headers.get("ETag"):
            return web.Response(status=304, headers=self.headers)
        return web.Response(body=self.body, status=self.status, content_type="audio/wav", headers=self.headers)


@asynccontextmanager
async def clips_of(files: Files) -> AsyncIterator[tuple[Clips, Decoder, str]]:
    async with serving(files.answer) as (clips, _, decoder, base):
        yield clips, decoder, base


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[tuple[Clips, WebhookClient, Decoder, str]]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    clock, decoder, numbers = LiveClock(), Decoder(), itertools.count(1)
    journal = Journal(clock, lambda: f"RQ{next(numbers)}")
    client = WebhookClient(clock, journal, guard=Guard(["127.0.0.0/8"]), url_map=UrlMap({}))
    try:
        clips = Clips(clock, client, decoder, media_bytes_max=1000)  # type: ignore[arg-type]
        yield clips, client, decoder, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await client.close()
        await runner.cleanup()


async def test_a_copy_with_an_etag_is_asked_for_news_only() -> None:
    files = Files(headers={"ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"})
    async with clips_of(files) as (clips, decoder, base):
        first = await clips.fetch(f"{base}/a.wav", account_sid="AC1", call_sid="CA1")
        again = await clips.fetch(f"{base}/a.wav", account_sid="AC1", call_sid="CA2")
        files.body, files.headers = b"RIFF two", {"ETag": '"2"'}
        changed = await clips.fetch(f"{base}/a.wav", account_sid="AC1", call_sid="CA3")
    assert first is again
    assert changed is not first
    assert decoder.loaded == [b"RIFF one", b"RIFF two"]
    held = ('"1"', "Thu, 01 Jan 2026 00:00:00 GMT")
    assert files.asked == [("GET", None, None), ("GET", *held), ("GET", *held)]


async def test_equal_bytes_are_decoded_once_without_validators_too() -> None:
    files = Files()
    async with clips_of(files) as (clips, decoder, base):
        first = await clips.fetch(f"{base}/a.wav")
        assert await clips.fetch(f"{base}/a.wav") is first
        assert await clips.fetch(f"{base}/b.wav", method="POST") is first
        answer = Answer(request_id="RQ1", url=base, status=200, content_type="audio/wav", body=b"RIFF one")
        assert await clips.decode(answer) is first
    assert len(decoder.loaded) == 1
    assert [method for method, *_ in files.asked] == ["GET", "GET", "POST"]


async def test_one_request_serves_all_who_ask_at_once() -> None:
    files = Files()
    async with clips_of(files) as (clips, decoder, base):
        got = await asyncio.gather(*(clips.fetch(f"{base}/a.wav", account_sid="AC1") for _ in range(20)))
        other = await clips.fetch(f"{base}/a.wav", account_sid="AC2")
    assert len({id(clip) for clip in [*got, other]}) == 1
    assert len(files.asked) == 2  # another account's request is its own
    assert len(decoder.loaded) == 1


async def test_calls_with_other_cookies_do_not_share_a_request_or_its_validators() -> None:
    seen: list[tuple[str, str | None]] = []

    async def app(request: web.Request) -> web.Response:
        cookie = request.headers.get("Cookie", "")
        if request.path == "/login":
            session = web.Response(text="<Response/>", content_type="text/xml")
            session.set_cookie("who", request.query["who"])
            return session
        seen.append((cookie, request.headers.get("If-Modified-Since")))
        headers = {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "Vary": "Accept-Encoding, Cookie"}
        return web.Response(body=f"RIFF {cookie}".encode(), content_type="audio/wav", headers=headers)

    async with serving(app) as (clips, client, _decoder, base):
        for name in ("anna", "berta", "clara"):
            login = Webhook(kind="voice", url=f"{base}/login?who={name}", method="GET", call_sid=f"CA-{name}")
            await client.fetch(login)
        got = await asyncio.gather(
            *(clips.fetch(f"{base}/name.wav", account_sid="AC1", call_sid=f"CA-{name}") for name in ("anna", "berta"))
        )
        got.append(await clips.fetch(f"{base}/name.wav", account_sid="AC1", call_sid="CA-clara"))
    assert [clip.data for clip in got] == [b"RIFF who=anna", b"RIFF who=berta", b"RIFF who=clara"]  # type: ignore[attr-defined]
    assert {modified for _, modified in seen} == {None}, "the answer said that it is for one cookie only"


async def test_what_fails_is_not_kept() -> None:
    files = Files(body=b"no audio")
    async with clips_of(files) as (clips, _, base):
        with pytest.raises(NoAudioError):
            await clips.fetch(f"{base}/a.wav")
        files.status = 404
        with pytest.raises(WebhookError) as missing:
            await clips.fetch(f"{base}/a.wav")
        files.body, files.status = b"RIFF" + bytes(1000), 200
        with pytest.raises(WebhookError) as large:
            await clips.fetch(f"{base}/a.wav")
        files.body = b"RIFF now"
        assert (await clips.fetch(f"{base}/a.wav")).milliseconds == 1000
    assert (missing.value.code, large.value.code) == (11200, 11750)
    assert "webhooks.max_media_bytes" in large.value.message


async def test_a_file_is_read_again_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(b"RIFF one")
    async with clips_of(Files()) as (clips, decoder, _):
        first = await clips.file(path)
        assert await clips.file(path) is first
        path.write_bytes(b"RIFF other")
        assert await clips.file(path) is not first
    assert len(decoder.loaded) == 2


def test_the_cache_is_bounded_by_bytes() -> None:
    cache = ClipCache(3000 * CLIP_BYTES_PER_MILLISECOND)
    clips = [Decoded(number, 1000) for number in range(4)]
    for clip in clips[:3]:
        cache.put(clip.id, clip)  # type: ignore[arg-type]
    assert cache.get(0) is clips[0]  # used, so 1 is the oldest now
    cache.put(3, clips[3])  # type: ignore[arg-type]
    assert [cache.get(number) is not None for number in range(4)] == [True, False, True, True]
    cache.put("huge", Decoded(9, 4000))  # type: ignore[arg-type]
    assert cache.get("huge") is None
    assert cache.bytes == 3000 * CLIP_BYTES_PER_MILLISECOND  # and nothing had to go for it
