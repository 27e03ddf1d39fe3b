"""Audio of applications and of the server itself, decoded once and shared by all who play it.

A URL is asked for each time it is played, as the platforms do, but with the validators (ETag, Last-Modified) of the copy we hold, so that a 304 costs no
transfer; without validators the bytes are compared, and equal bytes are not decoded again. One request serves all calls of an account that ask at the
same time and have the same cookies. Decoding happens in a thread without the GIL, two at a time. What is kept is bounded by bytes, the longest unused
goes first; what is fetched and not decoded yet is bounded in `webhooks.downloads`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from roomtone.clock import Clock
from roomtone.media.clip_cache import ClipCache, Loader
from roomtone.media.once import Once
from roomtone.webhooks.request import Answer, Webhook

if TYPE_CHECKING:
    from roomtone.media.core import Clip, Codec

__all__ = ["Clips"]

COPIES_MAX = 10_000
"""URLs whose last answer is remembered; the oldest falls out."""

_DECODING_MAX = 2


class Fetcher(Protocol):
    """What makes requests: `roomtone.webhooks.client.WebhookClient`."""

    async def fetch(self, webhook: Webhook) -> Answer:
        """WebhookError."""

    def cookies(self, call_sid: str | None) -> Hashable:
        """What that call's requests depend on beside themselves."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is known of the last answer of a URL."""

    digest: bytes  # key of its clip
    etag: str
    last_modified: str


class Clips:
    """Fetches, decodes and keeps."""

    def __init__(
        self,
        clock: Clock,
        fetcher: Fetcher,
        loader: Loader,
        *,
        media_bytes_max: int = 52_428_800,
        cache_bytes_max: int = 256 * 1024 * 1024,
        encode_files: Sequence[Codec] = (),
    ) -> None:
        """`encode_files`: codecs besides G.711 for which the server's own files are encoded when they are loaded: they loop, and many hear them."""
        self._clock = clock
        self._fetcher = fetcher
        self._loader = loader
        self._media_bytes_max = media_bytes_max
        self._encode_files = tuple(encode_files)
        self._cache = ClipCache(cache_bytes_max)
        self._copies: OrderedDict[tuple[str, str, str], _Copy] = OrderedDict()
        self._once = Once[Hashable]()
        self._decoding = asyncio.Semaphore(_DECODING_MAX)

    async def fetch(
        self, url: str, *, account_sid: str = "", call_sid: str | None = None, method: Literal["GET", "POST"] = "GET"
    ) -> Clip:
        """From an application. WebhookError; MediaError when it is no audio we know; LimitReached when it is too long."""
        key = (account_sid, method, url)
        return await self._once.do(("url", *key, self._fetcher.cookies(call_sid)), lambda: self._fetch(key, call_sid))

    async def decode(self, answer: Answer) -> Clip:
        """What was fetched already; closes `answer` when its bytes are not needed any more. MediaError, LimitReached."""
        return await self._decode(sha256(answer.body).digest(), answer)

    async def file(self, path: Path) -> Clip:
        """Of the server's own disk; read again when it has changed. OSError, MediaError, LimitReached."""
        with self._clock.ledger.hold(f"read {path.name}"):
            state = await asyncio.to_thread(path.stat)
        key = ("file", str(path), state.st_mtime_ns, state.st_size)
        return self._cache.get(key) or await self._once.do(key, lambda: self._read(key, path))

    async def _fetch(self, key: tuple[str, str, str], call_sid: str | None) -> Clip:
        account_sid, method, url = key
        copy = self._copies.get(key)
        held = self._cache.get(copy.digest) if copy is not None else None
        webhook = Webhook(
            kind="media",
            url=url,
            method="POST" if method == "POST" else "GET",
            account_sid=account_sid,
            call_sid=call_sid,
            bytes_max=self._media_bytes_max,
            etag=copy.etag if copy is not None and held is not None else "",
            last_modified=copy.last_modified if copy is not None and held is not None else "",
        )
        answer = await self._fetcher.fetch(webhook)
        if answer.status == 304 and held is not None:
            answer.close()
            return held
        digest = sha256(answer.body).digest()
        clip = await self._decode(digest, answer)
        self._remember(key, digest, answer.headers)
        return clip

    def _remember(self, key: tuple[str, str, str], digest: bytes, headers: Mapping[str, str]) -> None:
        """The validators of this answer. Not of one that says it is for this cookie only: another call must not be told that it has not changed."""
        self._copies.pop(key, None)
        if {"cookie", "*"} & {name.strip().lower() for name in headers.get("vary", "").split(",")}:
            return
        self._copies[key] = _Copy(digest, headers.get("etag", ""), headers.get("last-modified", ""))
        while len(self._copies) > COPIES_MAX:
            self._copies.popitem(last=False)

    async def _decode(self, digest: bytes, answer: Answer) -> Clip:
        clip = self._cache.get(digest)
        if clip is not None:
            answer.close()
            return clip
        return await self._once.do(digest, lambda: self._load(digest, answer.body), answer.close)

    async def _read(self, key: Hashable, path: Path) -> Clip:
        with self._clock.ledger.hold(f"read {path.name}"):
            audio = await asyncio.to_thread(path.read_bytes)
        return await self._load(key, audio, self._encode_files)

    async def _load(self, key: Hashable, audio: bytes, encode: Sequence[Codec] = ()) -> Clip:
        with self._clock.ledger.hold("decode audio"):
            async with self._decoding:
                clip = await asyncio.to_thread(self._loader.load_clip, audio, encode)
        self._cache.put(key, clip)
        return clip
