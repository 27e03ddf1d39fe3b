"""The one HTTP client of documents, callbacks and media: bounded in time, size, redirects and in what it may reach.

Rules (spec 4.7, A15, A28). Connect within 5 s, tried twice; everything, redirects too, within 15 s, so that a silent or a trickling answer is cut. At
most ten redirects: 301, 302 and 303 make a GET without parameters, 307 and 308 ask the same again. Each hop is signed, guarded and mapped anew. Cookies
are the call's. Sounds take turns and room (`downloads`) inside the same limit of time. All deadlines are the clock's. In virtual time the wire holds the
ledger, so that time stands while an application thinks; a real hang is cut by wall time, and an answer with `X-Roomtone-Test-Delay: 20` arrives that many
virtual seconds later, so that our own time-out can win.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from roomtone.clock import Clock
from roomtone.store.rows import RequestRow
from roomtone.webhooks.cookies import CookiesPerCall
from roomtone.webhooks.downloads import UNTOLD_BYTES_MAX, Downloads, Room
from roomtone.webhooks.failure import ExchangeError, failure_of, first_words
from roomtone.webhooks.guard import AddressRefusedError, Guard, GuardedResolver
from roomtone.webhooks.journal import Journal
from roomtone.webhooks.request import Answer, Webhook, WebhookError
from roomtone.webhooks.target import Target, UrlMap, follow, origin, resolve, without_parameters

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

__all__ = ["TEST_DELAY_HEADER", "ClientLimits", "WebhookClient"]

TEST_DELAY_HEADER = "X-Roomtone-Test-Delay"
REDIRECTS_MAX = 10
CONNECT_TRIES = 2
CONNECTIONS_MAX = 2000
WIRE_SECONDS_MAX = 10.0
"""Wall time of one exchange in virtual time."""

_CHUNK_BYTES = 65536
_KEEP_ALIVE_SECONDS = 4.0  # below the 5 s after which common application servers close
_FORM = "application/x-www-form-urlencoded; charset=UTF-8"
_AGENT = "Roomtone (webhooks)"
_TO_GET = frozenset({301, 302, 303})
_SAME_AGAIN = frozenset({307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """The numbers of `[webhooks]`."""

    connect_timeout_s: float = 5.0
    total_timeout_s: float = 15.0
    media_bytes_max: int = 52_428_800


@dataclass(slots=True)
class _Hop:
    """One exchange of a request that may be redirected."""

    target: Target
    method: str
    parameters: Sequence[tuple[str, str]]  # of the form; a GET has them in its URL
    credentials: tuple[str, str] | None


@dataclass(slots=True)
class _Reply:
    """What came back from one hop."""

    status: int
    headers: dict[str, str]
    content_type: str
    body: bytes

    @property
    def leads_to(self) -> str:
        """The Location that is followed; "" when this is the answer."""
        return self.headers.get("location", "") if self.status in _TO_GET | _SAME_AGAIN else ""

    @property
    def delay_s(self) -> float:
        """In virtual time it arrives so much later."""
        return _seconds(self.headers.get(TEST_DELAY_HEADER.lower()))


@dataclass(slots=True)
class _Attempt:
    """Told by aiohttp's tracing: a connection that was used before may have been closed by the far end in the meantime."""

    reused: bool = False


@dataclass(slots=True)
class _Run:
    """A request under way."""

    webhook: Webhook
    request_id: str
    started: float
    status: int | None = None
    room: Room | None = None
    waits_for: str = ""

    def leave_room(self) -> None:
        """What its sound took is free again."""
        if self.room is not None:
            self.room.give_back()
            self.room = None


class WebhookClient:
    """Makes the requests. One for the server's life; `close` it at the end."""

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        *,
        guard: Guard,
        url_map: UrlMap,
        limits: ClientLimits | None = None,
        in_virtual_time: bool = False,
        resolver: AbstractResolver | None = None,
        measure: Callable[[str, str, float], None] | None = None,
    ) -> None:
        """`resolver`: another source of names (tests); `measure(kind, outcome, seconds)`: `roomtone_request_seconds`, outcome `ok`, `given_up`
        or the error's number."""
        self._clock = clock
        self._journal = journal
        self._guard = guard
        self._map = url_map
        self._limits = limits or ClientLimits()
        self.downloads = Downloads(self._limits.media_bytes_max)
        self._in_virtual_time = in_virtual_time
        self._resolver = resolver
        self._measure = measure
        self._cookies = CookiesPerCall()
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, webhook: Webhook) -> Answer:
        """Makes the request. WebhookError when there is no 2xx answer (or a 304 that was asked for), with the number of what went wrong."""
        run = _Run(webhook, "", self._clock.now())
        run.request_id = self._journal.begin(webhook, self._map.apply(webhook.url))
        turn = self._turn(run) if webhook.kind == "media" else nullcontext()  # of other requests it is known later
        try:
            async with self._clock.timeout(self._limits.total_timeout_s), turn:
                answer = await self._follow_redirects(run)
        except aiohttp.ConnectionTimeoutError as error:
            raise self._fail(run, failure_of(error)) from error
        except TimeoutError:
            raise self._fail(run, self._too_late(run)) from None
        except (ExchangeError, aiohttp.ClientError, OSError, ValueError) as error:
            raise self._fail(run, failure_of(error)) from error
        except asyncio.CancelledError:
            self._give_up(run)
            raise
        except BaseException:
            self._fail(run, ExchangeError(11205, "given up by a fault of Roomtone's own; its log says more"))
            raise
        if self._measure is not None:
            self._measure(webhook.kind, "ok", self._clock.now() - run.started)
        return answer

    async def replay(self, account_sid: str | None, request_id: str, to: str | None = None) -> RequestRow | None:
        """Sends a request of the journal again, freshly signed, to its URL or `to`, without touching its call. The new row, also when it failed; None when
        the request is unknown (to the account; None: any) or was not kept whole (`webhooks.capture`)."""
        webhook = self._journal.webhook(request_id)
        if webhook is None or account_sid not in (None, webhook.account_sid):
            return None
        again = replace(webhook, url=to or webhook.url, replay_of=request_id)
        try:
            with closing(await self.fetch(again)) as answer:
                new_id = answer.request_id
        except WebhookError as error:
            new_id = error.request_id
        return self._journal.get(new_id)

    def cookies(self, call_sid: str | None) -> Hashable:
        """What the requests of that call depend on beside themselves: equal for calls whose requests may stand for each other."""
        return self._cookies.state(call_sid)

    def forget_call(self, call_sid: str) -> None:
        """The call has ended: its cookies go."""
        self._cookies.forget(call_sid)

    async def close(self) -> None:
        """Closes the connections. Again is harmless."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @asynccontextmanager
    async def _turn(self, run: _Run) -> AsyncIterator[None]:
        """A sound is one of so many at a time."""
        run.waits_for = "its turn among the downloads"
        async with self.downloads.turn(run.webhook.account_sid):
            run.waits_for = ""
            yield

    def _too_late(self, run: _Run) -> ExchangeError:
        total_s = self._limits.total_timeout_s
        if self._in_virtual_time and self._clock.now() - run.started < total_s:
            return ExchangeError(
                11203, f"no whole answer within {WIRE_SECONDS_MAX:g} s of real time, while virtual time stood"
            )
        waited = f"; until then it waited for {run.waits_for}" if run.waits_for else ""
        return ExchangeError(11203, f"no whole answer within {total_s:g} s (webhooks.total_timeout){waited}")

    def _give_up(self, run: _Run) -> None:
        """Nobody needs the answer any more: the room has started, the call or the server has ended. No failure of the application's."""
        run.leave_room()
        seconds = self._clock.now() - run.started
        self._journal.given_up(run.request_id, round(seconds * 1000))
        if self._measure is not None:
            self._measure(run.webhook.kind, "given_up", seconds)

    def _fail(self, run: _Run, failure: ExchangeError) -> WebhookError:
        run.leave_room()
        seconds = self._clock.now() - run.started
        status = failure.status or run.status
        self._journal.failed(run.request_id, failure.code, failure.message, round(seconds * 1000), status)
        if self._measure is not None:
            self._measure(run.webhook.kind, str(failure.code), seconds)
        return WebhookError(
            failure.code, failure.message, request_id=run.request_id, url=run.webhook.url, status=status
        )

    # redirects ----------------------------------------------------------------------------------------------------------------------------

    async def _follow_redirects(self, run: _Run) -> Answer:
        webhook = run.webhook
        in_url = webhook.parameters if webhook.method == "GET" else ()
        form = webhook.parameters if webhook.method == "POST" else ()
        target = resolve(webhook.url, in_url, self._map)
        hop = _Hop(target, webhook.method, form, target.credentials)
        for _ in range(REDIRECTS_MAX + 1):
            reply = await self._exchange_with_delay(run, hop)
            if reply.leads_to:
                hop = self._next_hop(hop, reply.status, reply.leads_to)
                continue
            return self._answer(run, hop, reply)
        raise ExchangeError(
            11215,
            f"redirected more than {REDIRECTS_MAX} times, the last time to {hop.target.public.partition('?')[0][:200]}",
        )

    def _next_hop(self, hop: _Hop, status: int, location: str) -> _Hop:
        target = resolve(follow(hop.target.base, location), (), self._map)
        same_place = origin(target.public) == origin(hop.target.public)
        credentials = target.credentials or (hop.credentials if same_place else None)
        if status in _TO_GET:
            return _Hop(target, "GET", (), credentials)
        return _Hop(target, hop.method, hop.parameters, credentials)

    def _answer(self, run: _Run, hop: _Hop, reply: _Reply) -> Answer:
        asked_for_newer = bool(run.webhook.etag or run.webhook.last_modified)
        if not (200 <= reply.status < 300 or (reply.status == 304 and asked_for_newer)):
            said = first_words(reply.content_type, reply.body)
            message = f"the application answered with status {reply.status}{f': {said}' if said else ''}"
            raise ExchangeError(11200, message, reply.status)
        return Answer(
            request_id=run.request_id,
            url=without_parameters(hop.target.base, run.webhook.parameters),
            status=reply.status,
            content_type=reply.content_type,
            body=reply.body,
            headers=reply.headers,
            room=run.room,
        )

    # one exchange ------------------------------------------------------------------------------------------------------------------------

    async def _exchange_with_delay(self, run: _Run, hop: _Hop) -> _Reply:
        with self._clock.ledger.hold(f"http {hop.method} {hop.target.public[:200]}"):
            reply = await self._exchange_again_if_stale(run, hop)
        if self._in_virtual_time and reply.delay_s > 0:
            await self._clock.sleep(reply.delay_s)
        return reply

    async def _exchange_again_if_stale(self, run: _Run, hop: _Hop) -> _Reply:
        attempt = _Attempt()
        try:
            return await self._exchange(run, hop, attempt)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not attempt.reused:
                raise
        return await self._exchange(run, hop, _Attempt())

    async def _exchange(self, run: _Run, hop: _Hop, attempt: _Attempt) -> _Reply:
        run.status = None
        headers = self._headers(run.webhook, hop)
        self._journal.sent(run.request_id, headers)
        form = aiohttp.FormData(list(hop.parameters), charset="utf-8") if hop.method == "POST" else None
        async with self._open_session().request(
            hop.method,
            URL(hop.target.sent_to, encoded=True),
            data=form,
            headers=headers,
            allow_redirects=False,
            trace_request_ctx=attempt,
        ) as response:
            run.status = response.status
            answered = {name.lower(): value for name, value in response.headers.items()}
            content_type = answered.get("content-type", "").partition(";")[0].strip().lower()
            if run.webhook.replay_of is None:
                self._cookies.take(run.webhook.call_sid, hop.target.public, response.cookies)
            body = await self._read(run, response, content_type)
            reply = _Reply(response.status, answered, content_type, body)
            if reply.leads_to:
                self._journal.redirected(run.request_id, answered)
            else:
                milliseconds = round((self._clock.now() - run.started) * 1000)
                shown = None if run.webhook.kind == "media" or content_type.startswith("audio/") else body
                self._journal.answered(run.request_id, reply.status, milliseconds, answered, shown)
            return reply

    def _headers(self, webhook: Webhook, hop: _Hop) -> dict[str, str]:
        headers = {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        if hop.method == "POST":
            headers["Content-Type"] = _FORM
        if hop.credentials is not None:
            headers["Authorization"] = f"Basic {b64encode(':'.join(hop.credentials).encode()).decode()}"
        if hop.target.sent_to != hop.target.public:
            scheme, place = origin(hop.target.public)
            headers["X-Forwarded-Proto"], headers["X-Forwarded-Host"] = scheme, place
        if webhook.etag:
            headers["If-None-Match"] = webhook.etag
        if webhook.last_modified:
            headers["If-Modified-Since"] = webhook.last_modified
        cookie = self._cookies.header(webhook.call_sid, hop.target.public) if webhook.replay_of is None else ""
        if cookie:
            headers["Cookie"] = cookie
        if webhook.signer is not None:
            headers.update(webhook.signer(hop.method, hop.target.public, hop.parameters))
        return headers

    async def _read(self, run: _Run, response: aiohttp.ClientResponse, content_type: str) -> bytes:
        """The body, whole; of an answer that will not be used only as much as the journal shows."""
        webhook = run.webhook
        fits = 200 <= response.status < 300
        is_sound = webhook.kind == "media" or content_type.startswith("audio/")
        if not fits and (is_sound or not self._journal.keeps_bodies):
            return b""
        if webhook.kind == "media":
            return await self._read_sound(run, response, webhook.bytes_max)
        if is_sound:  # instead of a document: it may be as long as media
            async with self._turn(run):
                return await self._read_sound(run, response, max(webhook.bytes_max, self._limits.media_bytes_max))
        limit = _Limit(response, webhook.bytes_max, "webhooks.max_document_bytes")
        if fits:
            limit.check_told()
        body = bytearray()
        with nullcontext() if fits else suppress(ExchangeError):
            async for chunk in limit.chunks():
                body += chunk
        return bytes(body)

    async def _read_sound(self, run: _Run, response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
        """Takes room in the order that `downloads` tells."""
        run.leave_room()  # of an exchange that broke off and is made again
        limit = _Limit(response, bytes_max, "webhooks.max_media_bytes")
        limit.check_told()
        if limit.told is not None:
            await self._take_room(run, limit.told)
        chunks: list[bytes] = []
        size = 0
        async for chunk in limit.chunks():
            chunks.append(chunk)
            size += len(chunk)
            if run.room is None and size > UNTOLD_BYTES_MAX:
                await self._take_room(run, bytes_max)
        room = run.room or await self._take_room(run, size)
        room.shrink(size)
        return b"".join(chunks)

    async def _take_room(self, run: _Run, size_bytes: int) -> Room:
        run.waits_for = "room in memory for its sound"
        run.room = await self.downloads.room(run.webhook.account_sid, size_bytes)
        run.waits_for = ""
        return run.room

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_connection_reuseconn.append(_note_reuse)
            self._session = aiohttp.ClientSession(
                connector=_Connector(
                    self._clock,
                    self._limits.connect_timeout_s,
                    limit=CONNECTIONS_MAX,
                    resolver=GuardedResolver(self._guard, self._resolver),
                    socket_factory=self._guard.make_socket,
                    keepalive_timeout=_KEEP_ALIVE_SECONDS,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=WIRE_SECONDS_MAX if self._in_virtual_time else None, sock_connect=None
                ),
                trace_configs=[tracing],
                trust_env=False,
            )
        return self._session


class _Limit:
    """Of the body of one answer: at most `bytes_max`, or it is ExchangeError 11750."""

    def __init__(self, response: aiohttp.ClientResponse, bytes_max: int, setting: str) -> None:
        self._response = response
        self._bytes_max = bytes_max
        self._setting = setting
        is_packed = "Content-Encoding" in response.headers  # what it unpacks to is not told
        self.told = None if is_packed else response.content_length

    def check_told(self) -> None:
        """Before anything is read."""
        if self.told is not None and self.told > self._bytes_max:
            raise self._too_large()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body up to the limit."""
        size = 0
        async for chunk in self._response.content.iter_chunked(_CHUNK_BYTES):
            yield chunk[: self._bytes_max - size]
            size += len(chunk)
            if size > self._bytes_max:
                raise self._too_large()

    def _too_large(self) -> ExchangeError:
        self._response.close()
        message = f"the answer is larger than {self._bytes_max} bytes ({self._setting})"
        return ExchangeError(11750, message, self._response.status)


class _Connector(aiohttp.TCPConnector):
    """Connects within a time of the clock's, and tries a second time (spec 4.7). In virtual time the clock stands meanwhile, and the wire's limit holds."""

    def __init__(self, clock: Clock, timeout_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._clock = clock
        self._timeout_s = timeout_s

    async def connect(  # the signature is aiohttp's
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        for _ in range(CONNECT_TRIES - 1):
            try:
                async with self._clock.timeout(self._timeout_s):
                    return await super().connect(req, traces, timeout)
            except TimeoutError:
                continue
            except aiohttp.ClientConnectorError as error:
                if _is_final(error):
                    raise
        async with self._clock.timeout(self._timeout_s):
            return await super().connect(req, traces, timeout)


def _is_final(error: aiohttp.ClientConnectorError) -> bool:
    """Whether a second try could not end otherwise."""
    return isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorDNSError) or isinstance(
        error.os_error, AddressRefusedError
    )


async def _note_reuse(_session: aiohttp.ClientSession, context: Any, _parameters: Any) -> None:
    if isinstance(context.trace_request_ctx, _Attempt):
        context.trace_request_ctx.reused = True


def _seconds(value: str | None) -> float:
    try:
        return min(max(float(value or 0), 0.0), 86400.0)
    except ValueError:
        return 0.0
