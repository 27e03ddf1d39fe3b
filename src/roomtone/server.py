"""The composition root: builds each object once, in the order in which they need each other, and takes them down in the other order. Decides nothing.

`Server.start` is used by `serve` (live, with HTTP and SIP sockets) and by the test kit (a virtual network, no HTTP port of its own unless asked for).
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Literal

import structlog

from roomtone import music
from roomtone.accounts.directory import Directory
from roomtone.accounts.operator import admin_token
from roomtone.api.app import Api
from roomtone.api.metrics import Metrics
from roomtone.api.serving import HttpServer, port_fault
from roomtone.api.sources import Sources
from roomtone.calls.clips import Clips
from roomtone.calls.hold_music import DEFAULT_BUCKET, HoldMusic
from roomtone.calls.services import Limits, Services
from roomtone.calls.switchboard import Switchboard
from roomtone.clock import Clock, LiveClock, Timer
from roomtone.conferences.conferences import Conferences
from roomtone.dialects import DIALECTS, DialectOptions
from roomtone.errors import CoreFailedError
from roomtone.ids import Ids
from roomtone.media.core import Core, Media
from roomtone.rooms.room import RoomRules
from roomtone.sip import Endpoint, Signalling, Surroundings
from roomtone.sip.free_port import free_port
from roomtone.speech import Speech
from roomtone.store.rows import RequestRow, StoreBatch
from roomtone.store.store import Store
from roomtone.webhooks.client import ClientLimits, WebhookClient
from roomtone.webhooks.guard import Guard
from roomtone.webhooks.journal import Journal
from roomtone.webhooks.target import UrlMap

if TYPE_CHECKING:
    from roomtone.settings.model import Settings
    from roomtone.settings.values import Address
    from roomtone.store.rows import Source

__all__ = ["ReadyInfo", "Server", "World", "serve"]

_log = structlog.get_logger("roomtone.server")

REFUSALS_EVERY_S = 1.0
RELOADED = ("accounts", "numbers", "trunks")
"""Sections that are read again on SIGHUP."""
FAILED_STOP_S_MAX = 5.0  # for BYE and the last rows, when the core has failed


@dataclass(frozen=True, slots=True)
class ReadyInfo:
    """What the ready line says."""

    http: str
    sip: str
    number: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a server stands on: time, randomness, a core."""

    clock: Clock
    core: Core
    source: random.Random | None = None  # None: the system's randomness
    is_virtual: bool = False

    @classmethod
    def live(cls, settings: Settings) -> World:
        """Of the real world. SettingsError when the RTP address cannot be used."""
        listen = settings.sip.udp or settings.sip.tcp
        core = Core(
            host=listen.host if listen else "127.0.0.1",
            workers=settings.server.workers or os.cpu_count() or 1,
            rtp_ports=settings.sip.rtp_ports,
            rtp_timeout_s=round(settings.sip.rtp_timeout),
        )
        return cls(clock=LiveClock(), core=core)


class Server:
    """Everything, built. `start` makes one, `stop` ends it."""

    def __init__(self, settings: Settings, world: World, store: Store, http: HttpServer | None) -> None:
        """Walk 1 from its end: what rooms stand on, rooms, what calls need besides, calls, and the phones' and the clients' ways in."""
        self.settings = settings
        self.clock = world.clock
        self.core = world.core
        self.store = store
        self.http = http
        self._world = world
        self._ids = Ids(world.source)
        self.metrics = Metrics()
        self.media = Media(world.core)
        self.directory = Directory(store.identities, self.clock, self._ids, admin_token(settings, self._ids))
        self.conferences = self._make_conferences()
        self.journal = self._make_journal()
        self._guard = Guard((str(network) for network in settings.webhooks.allow_networks), settings.named_urls())
        self.webhooks = self._make_webhooks()
        self.speech = Speech(self.clock, world.core)
        self.clips = self._make_clips()
        self.services = self._make_services()
        self.switchboard = Switchboard(self.services, self.directory, self._admits)
        self.signalling = self._make_signalling()
        self.media.on_sip = Endpoint(self.signalling, self.switchboard.incoming).handle
        self.api = self._make_api()
        self._warming: asyncio.Task[None] | None = None
        self._refusals: Timer | None = None

    def _make_conferences(self) -> Conferences:
        rules = RoomRules(music_when_alone=self.settings.rooms.music_when_alone)
        return Conferences(media=self.media, store=self.store, clock=self.clock, ids=self._ids, rules=rules)

    def _make_journal(self) -> Journal:
        hooks = self.settings.webhooks
        return Journal(
            self.clock,
            self._ids.request,
            capture=hooks.capture,
            shows_digits=hooks.show_digits,
            keep=self._keep_request,
        )

    def _make_webhooks(self) -> WebhookClient:
        hooks = self.settings.webhooks
        return WebhookClient(
            self.clock,
            self.journal,
            guard=self._guard,
            url_map=UrlMap(dict(hooks.map)),
            limits=ClientLimits(
                connect_timeout_s=hooks.connect_timeout,
                total_timeout_s=hooks.total_timeout,
                media_bytes_max=hooks.max_media_bytes,
            ),
            in_virtual_time=self._world.is_virtual,
            measure=self.metrics.request,
        )

    def _make_clips(self) -> Clips:
        return Clips(
            self.clock,
            self.webhooks,
            self.core,
            media_bytes_max=self.settings.webhooks.max_media_bytes,
            encode_files=() if self._world.is_virtual else ("opus",),
        )

    def _make_services(self) -> Services:
        options = DialectOptions(participants_max=self.settings.rooms.max_participants)
        limits = self.settings.limits
        return Services(
            clock=self.clock,
            ids=self._ids,
            media=self.media,
            webhooks=self.webhooks,
            journal=self.journal,
            speech=self.speech,
            clips=self.clips,
            store=self.store,
            rooms=self.conferences,
            hold_music=HoldMusic(music.pieces),
            dialects={name: make(options) for name, make in DIALECTS.items()},
            limits=Limits(
                calls_max=limits.calls,
                calls_per_second_max=limits.calls_per_second,
                calls_per_account_max=limits.calls_per_account,
                document_bytes_max=self.settings.webhooks.max_document_bytes,
            ),
        )

    def _make_signalling(self) -> Signalling:
        sip = self.settings.sip
        surroundings = Surroundings(self.core, sip.advertise, [str(network) for network in sip.local_networks])
        return Signalling(self.core, self.media, self.clock, self._world.source or random.SystemRandom(), surroundings)

    def _make_api(self) -> Api:
        sources = Sources(
            clock=self.clock,
            ids=self._ids,
            directory=self.directory,
            store=self.store,
            rooms=self.conferences,
            calls=self.switchboard,
            journal=self.journal,
            replay=self.webhooks.replay,
            pieces=music.pieces,
            core_statistics=self.core.stats,
            data=self.settings.server.data,
        )
        return Api(sources, self.metrics)

    @classmethod
    async def start(cls, settings: Settings, world: World, *, identities: Source = "file", http: bool = True) -> Server:
        """Opens everything that was named, and takes calls. SettingsError, InstallationError."""
        port = HttpServer(settings.server.http) if http else None
        store: Store | None = None
        try:
            store = await Store.open(
                settings.server.data,
                world.clock,
                synchronous=settings.server.synchronous,
                requests_kept=timedelta(hours=settings.webhooks.capture_hours),
            )
            server = cls(settings, world, store, port)
            await server._open(identities)
        except BaseException:
            if port is not None:
                await port.stop()
            if store is not None:
                await store.close()
            world.core.close()
            raise
        return server

    async def _open(self, identities: Source) -> None:
        music.pieces(DEFAULT_BUCKET)  # InstallationError now, and not when the first caller waits
        await self.directory.load(self.settings, source=identities)
        self.sip: list[tuple[str, Address]] = []
        udp, tcp = self.settings.sip.udp, self.settings.sip.tcp
        if udp is not None and udp == tcp and udp.port == 0 and not self._world.is_virtual:
            udp = tcp = type(udp)(udp.host, free_port(udp.host))
        if udp is not None:
            self._listen("udp", udp)
        if tcp is not None and not self._world.is_virtual:
            self._listen("tcp", tcp)
        if not self._world.is_virtual:
            self.media.attach(asyncio.get_running_loop())
            self._warming = asyncio.create_task(self._warm(), name="warming")
            self._log_refusals()
        if self.http is not None:
            await self.http.start(self.api.app)
        self.api.ready()

    def _listen(self, transport: Literal["udp", "tcp"], address: Address) -> None:
        try:
            host, port = self.core.sip_listen(transport, address.host, address.port)
        except OSError as error:
            raise port_fault(f"sip.{transport}", address, error) from None
        self.sip.append((transport, type(address)(host, port)))

    def ready_info(self, *, number: str = "") -> ReadyInfo:
        """What the ready line says."""
        transport, address = self.sip[0] if self.sip else ("udp", None)
        suffix = "" if transport == "udp" else f";transport={transport}"
        return ReadyInfo(
            http=self.http.url if self.http else "",
            sip=f"sip:{address}{suffix}" if address else "",
            number=number,
            account=self.settings.accounts[0].sid if self.settings.accounts else "",
        )

    async def reload(self, settings: Settings, *, identities: Source = "file") -> list[str]:
        """Accounts, numbers and trunks of `settings` from now on; a call that is there goes on as it began. What else differs, and waits for a restart, is
        named. SettingsError, and then nothing has changed."""
        await self.directory.reload(settings, source=identities)
        taken = {name: getattr(settings, name) for name in RELOADED}
        self.settings = self.settings.model_copy(update=taken)
        self._guard.name(self.settings.named_urls())
        return [
            f"{section}.{key}"
            for section in type(settings).model_fields
            if section not in RELOADED and section != "users"
            for key in type(getattr(settings, section)).model_fields
            if getattr(getattr(settings, section), key) != getattr(getattr(self.settings, section), key)
        ]

    async def drain(self, seconds: float) -> None:
        """No new calls; rooms get `seconds` to end by themselves, unless the core is lost."""
        self.api.drain()
        self.switchboard.drain()
        deadline = self.clock.now() + seconds
        while len(self.switchboard) and self.clock.now() < deadline and not self.media.lost:
            await self.clock.sleep(min(0.2, seconds))

    async def stop(self) -> None:
        """No new calls; BYE to everyone; everything written and closed."""
        self.api.drain()
        await self.switchboard.stop()
        self.api.close()
        if self.http is not None:
            await self.http.stop()
        if self._warming is not None:
            self._warming.cancel()
        if self._refusals is not None:
            self._refusals.cancel()
        await self.speech.close()
        await self.webhooks.close()
        self.journal.flush()
        await self.store.close()
        self.media.close(None if self._world.is_virtual else asyncio.get_running_loop())

    async def _warm(self) -> None:
        """What the first caller would wait for: the voice, and the hold music."""
        await self.speech.warm()
        for piece in music.pieces(DEFAULT_BUCKET):
            await self.clips.file(piece)

    def _log_refusals(self) -> None:
        """Who was refused by the signalling, once a second: a flood must not become a flood of lines."""
        for reason, _transport, host, _port in self.core.sip_refusals():
            _log.info("sip.rejected", peer=host, reason=reason)
        self._refusals = self.clock.call_at(self.clock.now() + REFUSALS_EVERY_S, self._log_refusals)

    def _admits(self, peer: str) -> bool:
        """Who may call numbers: this machine, the networks of trunks, and everybody when `sip.public` (decision A23)."""
        if self.settings.sip.public:
            return True
        address = ip_address(peer)
        address = getattr(address, "ipv4_mapped", None) or address
        networks = [network for trunk in self.settings.trunks for network in trunk.allow_from]
        return address.is_loopback or any(address in ip_network(str(network), strict=False) for network in networks)

    def _keep_request(self, row: RequestRow) -> None:
        self.store.commit(StoreBatch(requests=[row]))


async def serve(
    settings: Settings,
    *,
    on_ready: Callable[[Server], None],
    stop: asyncio.Event,
    identities: Source = "file",
) -> None:
    """Runs a live server until `stop` is set, then drains it. SettingsError when it cannot start; CoreFailedError when a thread of the core has ended."""
    server = await Server.start(settings, World.live(settings), identities=identities)
    server.media.on_lost = stop.set
    if server.media.lost:  # while it started
        stop.set()
    try:
        on_ready(server)
        await stop.wait()
    finally:
        await server.drain(settings.server.drain_seconds)
        await _stop(server)
    if server.media.lost:
        raise CoreFailedError(server.media.lost)


async def _stop(server: Server) -> None:
    """As long as it takes; with a core that is lost, or gets lost now, what can be done in FAILED_STOP_S_MAX."""
    stopping = asyncio.create_task(server.stop())

    def give_up() -> None:
        stopping.cancel()

    def limit() -> None:
        server.clock.call_at(server.clock.now() + FAILED_STOP_S_MAX, give_up)

    server.media.on_lost = limit
    if server.media.lost:
        limit()
    try:
        await stopping
    except asyncio.CancelledError:
        if not server.media.lost:
            raise
