"""A whole HTTP API over real parts (store, directory, conferences, journal, webhook client), asked in-process. Only the media core is a stand-in: it takes
every batch and acknowledges at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from roomtone.accounts.directory import Directory
from roomtone.api.app import Api
from roomtone.api.metrics import Metrics
from roomtone.api.sources import Sources
from roomtone.clock import LiveClock
from roomtone.conferences import Conferences
from roomtone.ids import Ids
from roomtone.music import pieces
from roomtone.rooms.join import JoinRequest
from roomtone.settings.model import Settings
from roomtone.store.rows import RequestRow, StoreBatch
from roomtone.store.store import Store
from roomtone.webhooks.client import WebhookClient
from roomtone.webhooks.guard import Guard
from roomtone.webhooks.journal import Journal
from roomtone.webhooks.target import UrlMap

A, B = "AC" + "a" * 32, "AC" + "b" * 32
TOKEN_A, TOKEN_B, ADMIN_TOKEN = "token of a", "token of b", "token of the operator"


class Batch:
    def __getattr__(self, _command: str) -> Callable[..., None]:
        return lambda *_arguments, **_named: None


class Media:
    def __init__(self) -> None:
        self._id = 0

    def batch(self) -> Any:
        return Batch()

    def submit(self, _batch: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def new_id(self) -> int:
        self._id += 1
        return self._id

    def on_bus(self, _bus: int, _handler: Callable[[Any], None] | None) -> None:
        return

    def on_player(self, _player: int, _handler: Callable[[Any], None]) -> None:
        return


@dataclass
class Member:
    call_sid: str
    leg: int
    private_bus: int = 0

    def start_wait(self, _conference_sid: str, _friendly_name: str) -> None:
        return

    def stop_wait(self, _batch: Any) -> None:
        return

    def left(self, _reason: Any) -> None:
        return


@dataclass
class LiveCall:
    sid: str
    listening: bool = False
    dialect_name: str = "twilio"


@dataclass
class LiveCalls:
    live: dict[str, LiveCall] = field(default_factory=dict)

    def call(self, sid: str) -> LiveCall | None:
        return self.live.get(sid)

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(self.live.values())


@dataclass
class Stand:
    """`client(...)` asks as somebody: an account's sid, "admin", or nobody."""

    api: Api
    store: Store
    conferences: Conferences
    calls: LiveCalls
    journal: Journal
    webhooks: WebhookClient
    metrics: Metrics
    address: tuple[str, int] = ("127.0.0.1", 1)

    def client(self, user: str = A, token: str | None = None) -> httpx.AsyncClient:
        tokens = {A: TOKEN_A, B: TOKEN_B, "admin": ADMIN_TOKEN, "": ""}
        auth = (user, token if token is not None else tokens[user]) if user else None
        transport = httpx.ASGITransport(self.api.app, client=self.address, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://server", auth=auth)

    async def join(self, call_sid: str, room: str, *, account: str = A, **rules: Any) -> None:
        member = Member(call_sid, int(call_sid[-1], 16) + 1)
        request = JoinRequest(call_sid, **rules)
        await self.conferences.join(
            account, room, member, request, request_id="RQ1", line=4, caller=f"+1555{call_sid[-1]}"
        )


@asynccontextmanager
async def stand(data: Path | None = None) -> AsyncIterator[Stand]:
    clock, ids = LiveClock(), Ids(random.Random(3))
    store = await Store.open(None, clock)
    directory = Directory(store.identities, clock, ids, ADMIN_TOKEN)
    await directory.load(
        Settings.model_validate(
            {
                "accounts": [{"sid": A, "token": TOKEN_A}, {"sid": B, "token": TOKEN_B}],
                "numbers": [{"number": "+15550100", "account": A, "voice_url": "http://app/voice"}],
            }
        )
    )
    conferences = Conferences(media=Media(), store=store, clock=clock, ids=ids)

    def keep(row: RequestRow) -> None:
        store.commit(StoreBatch(requests=[row]))

    journal = Journal(clock, ids.request, shows_digits=True, keep=keep)
    metrics = Metrics()
    webhooks = WebhookClient(clock, journal, guard=Guard(["127.0.0.0/8"]), url_map=UrlMap({}), measure=metrics.request)
    calls = LiveCalls()
    sources = Sources(
        clock=clock,
        ids=ids,
        directory=directory,
        store=store,
        rooms=conferences,
        calls=calls,
        journal=journal,
        replay=webhooks.replay,
        pieces=pieces,
        core_statistics=lambda: STATISTICS,
        data=data,
    )
    api = Api(sources, metrics)
    yield Stand(api, store, conferences, calls, journal, webhooks, metrics)
    api.close()
    await webhooks.close()
    await store.close()


STATISTICS: dict[str, Any] = {
    "ticks": 50,
    "legs": 2,
    "rtp_in": 7,
    "rtp_in_stranger": 3,
    "rtp_out": 9,
    "sip_rejected_garbage": 4,
    "sip_response_INVITE_200": 5,
    "lateness_bounds_us": [50, 100],
    "lateness_counts": [10, 5, 1],
    "lateness_sum_us": 900,
}
