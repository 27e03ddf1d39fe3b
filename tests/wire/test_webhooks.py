"""The client against real servers: what it sends, follows, keeps and refuses."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import socket
import ssl
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator
from webhook_bench import application, client, in_virtual_time, journal, raw_server, webhook

from roomtone.clock import LiveClock, VirtualClock
from roomtone.dialects.twilio.signature import HEADER, sign
from roomtone.webhooks import client as client_module
from roomtone.webhooks.client import ClientLimits
from roomtone.webhooks.request import WebhookError

TOKEN = "secret"


def signer(method: str, url: str, parameters: object) -> dict[str, str]:
    return {HEADER: sign(url, parameters if method == "POST" else (), TOKEN)}  # type: ignore[arg-type]


async def failure(made: object, asked: object) -> WebhookError:
    with pytest.raises(WebhookError) as caught:
        await made.fetch(asked)  # type: ignore[attr-defined]
    return caught.value


# what is sent -------------------------------------------------------------------------------------------------------------------------------


async def test_a_post_sends_a_form_and_a_get_its_query() -> None:
    seen: list[tuple[str, str, str]] = []

    async def app(request: web.Request) -> web.Response:
        seen.append((request.method, request.path_qs, await request.text()))
        return web.Response(text="<Response/>", content_type="text/xml")

    async with application(app) as base, client() as made:
        answer = await made.fetch(webhook(f"{base}/voice?a=1#rc=2"))
        await made.fetch(webhook(f"{base}/voice?a=1", "GET"))
    assert seen == [
        ("POST", "/voice?a=1", "CallSid=CA1&From=%2B15550101"),
        ("GET", "/voice?a=1&CallSid=CA1&From=%2B15550101", ""),
    ]
    assert (answer.status, answer.content_type, answer.body) == (200, "text/xml", b"<Response/>")
    assert answer.url == f"{base}/voice?a=1"


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_the_official_validator_accepts_the_signature(method: str) -> None:
    verdicts: list[bool] = []

    async def app(request: web.Request) -> web.Response:
        url = f"http://{request.host}{request.path_qs}"
        form = await request.post()
        verdicts.append(RequestValidator(TOKEN).validate(url, form, request.headers[HEADER]))
        return web.Response(text="<Response/>", content_type="text/xml")

    odd = (("Body", " a b&c=d "), ("Name", "Zoë Ünal"), ("Empty", ""), ("Twice", "b"), ("Twice", "a"), ("Twice", "b"))
    async with application(app) as base, client() as made:
        await made.fetch(webhook(f"{base}/a b/ü?x=y z&p=%2F#ct=200", method, parameters=odd, signer=signer))
    assert verdicts == [True]


async def test_credentials_become_basic_auth_and_are_not_signed_or_logged() -> None:
    seen: list[tuple[str, bool]] = []

    async def app(request: web.Request) -> web.Response:
        valid = RequestValidator(TOKEN).validate(str(request.url), await request.post(), request.headers[HEADER])
        seen.append((request.headers["Authorization"], valid))
        return web.Response(text="<Response/>")

    kept = journal()
    async with application(app) as base, client(kept=kept) as made:
        url = base.replace("http://", "http://us%20er:pa%3Ass@") + "/voice"
        answer = await made.fetch(webhook(url, signer=signer))
    row = kept.get(answer.request_id)
    assert seen == [("Basic " + base64.b64encode(b"us er:pa:ss").decode(), True)]
    assert row is not None
    assert row.url == row.sent_to == f"{base}/voice"
    assert row.headers["Authorization"] == "***"
    assert answer.url == url  # relative URLs of the document inherit them


async def test_cookies_live_as_long_as_their_call() -> None:
    seen: list[str | None] = []

    async def app(request: web.Request) -> web.Response:
        seen.append(request.cookies.get("session"))
        response = web.Response(text="<Response/>")
        response.set_cookie("session", request.query["is"])
        return response

    async with application(app) as base, client() as made:
        await made.fetch(webhook(f"{base}/?is=one"))
        await made.fetch(webhook(f"{base}/?is=two", call_sid="CA2"))
        await made.fetch(webhook(f"{base}/?is=one"))
        made.forget_call("CA1")
        await made.fetch(webhook(f"{base}/?is=one"))
        await made.fetch(webhook(f"{base}/?is=two", call_sid="CA2"))
        await made.fetch(webhook(f"{base}/?is=none", call_sid=None))
    assert seen == [None, None, "one", None, "two", None]


# redirects ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, ("GET", "")),
        (302, ("GET", "")),
        (303, ("GET", "")),
        (307, ("POST", "CallSid=CA1")),
        (308, ("POST", "CallSid=CA1")),
    ],
)
async def test_redirects_of_a_post(status: int, expected: tuple[str, str]) -> None:
    seen: list[tuple[str, str, str, bool]] = []

    async def app(request: web.Request) -> web.Response:
        if request.path == "/voice":
            return web.Response(status=status, headers={"Location": "other?x=1"})
        text = await request.text()
        form = dict(parse_qsl(text))
        valid = RequestValidator(TOKEN).validate(str(request.url), form, request.headers[HEADER])
        seen.append((request.method, text, request.path_qs, valid))
        return web.Response(text="<Response/>")

    async with application(app) as base, client() as made:
        answer = await made.fetch(webhook(f"{base}/voice", parameters=(("CallSid", "CA1"),), signer=signer))
    assert seen == [(*expected, "/other?x=1", True)]
    assert answer.url == f"{base}/other?x=1"


@pytest.mark.parametrize(("hops", "code"), [(10, None), (11, 11215)])
async def test_ten_redirects_and_no_more(hops: int, code: int | None) -> None:
    async def app(request: web.Request) -> web.Response:
        number = int(request.path.strip("/"))
        if number < hops:
            return web.Response(status=302, headers={"Location": f"/{number + 1}"})
        return web.Response(text="<Response/>")

    async with application(app) as base, client() as made:
        if code is None:
            assert (await made.fetch(webhook(f"{base}/0"))).body == b"<Response/>"
        else:
            assert (await failure(made, webhook(f"{base}/0"))).code == code


async def test_credentials_do_not_follow_to_another_host() -> None:
    seen: list[str | None] = []

    async def other(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(text="<Response/>")

    async with application(other) as there:

        async def app(_: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": there})

        async with application(app) as base, client() as made:
            await made.fetch(webhook(base.replace("http://", "http://user:pass@")))
    assert seen == [None]


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://[::1", "http://2130706433/", "file:///etc/passwd"])
async def test_a_redirect_to_no_web_address(location: str) -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    async with application(app) as base, client() as made:
        assert (await failure(made, webhook(base))).code == 11100


# webhooks.map -----------------------------------------------------------------------------------------------------------------------------


async def test_the_map_fetches_the_right_and_signs_the_left() -> None:
    seen: list[tuple[str, str, bool]] = []

    async def app(request: web.Request) -> web.Response:
        url = f"{request.headers['X-Forwarded-Proto']}://{request.headers['X-Forwarded-Host']}{request.path_qs}"
        valid = RequestValidator(TOKEN).validate(url, await request.post(), request.headers[HEADER])
        seen.append((url, request.cookies.get("c", ""), valid))
        if request.path == "/voice":
            response = web.Response(status=307, headers={"Location": "/next"})
            response.set_cookie("c", "1", domain="helpline.example.com")
            return response
        return web.Response(text="<Response/>")

    kept = journal()
    async with application(app) as base, client(url_map={"https://helpline.example.com/": base}, kept=kept) as made:
        answer = await made.fetch(webhook("https://helpline.example.com/voice", signer=signer))
    public = "https://helpline.example.com"
    assert seen == [(f"{public}/voice", "", True), (f"{public}/next", "1", True)]
    assert answer.url == f"{public}/next"
    row = kept.get(answer.request_id)
    assert row is not None
    assert (row.url, row.sent_to) == (f"{public}/voice", f"{base}/voice")


# what fails -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404, 500, 503, 304])
async def test_a_bad_status_is_11200_and_named(status: int) -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(status=status, text=None if status == 304 else "oh no")

    kept = journal()
    async with application(app) as base, client(kept=kept) as made:
        error = await failure(made, webhook(base))
    assert (error.code, error.status) == (11200, status)
    row = kept.get(error.request_id)
    assert row is not None
    said = "" if status == 304 else ": oh no"
    assert row.error == {"code": 11200, "message": f"the application answered with status {status}{said}"}
    assert row.body == ("" if status == 304 else "oh no")


PAGE = "<!doctype html>\n<html><head><title>403 &mdash; Bad\n signature</title></head><body><h1>Nothing here</h1></body></html>"


@pytest.mark.parametrize(
    ("content_type", "body", "shown"),
    [
        ("text/plain", "\n  the signature\tdoes not match \nTraceback", ": the signature does not match"),
        ("text/html", PAGE, ": 403 — Bad"),
        ("text/html", "<style>p { color: red }</style><p>No <b>such</b></p>", ": No"),
        ("application/problem+json", '{"detail": "no"}', ': {"detail": "no"}'),
        ("text/plain", "x" * 300, f": {'x' * 200}…"),
        ("text/plain", "\x1b[31mred\x00", ": [31mred"),
        ("image/png", "no text", ""),
        ("text/plain", "", ""),
    ],
)
async def test_what_an_error_page_says_is_in_the_message(content_type: str, body: str, shown: str) -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(status=403, body=body.encode(), headers={"Content-Type": content_type})

    async with application(app) as base, client() as made:
        assert (await failure(made, webhook(base))).message == f"the application answered with status 403{shown}"


async def test_what_an_error_page_says_stays_there_unless_bodies_are_kept() -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(status=500, text="the PIN 4711 is wrong")

    async with application(app) as base, client(kept=journal(capture="metadata")) as made:
        assert (await failure(made, webhook(base))).message == "the application answered with status 500"


async def test_the_application_is_down() -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response()

    async with application(app) as base:
        pass
    async with client() as made:
        error = await failure(made, webhook(base))
    assert error.code == 11202
    assert "does the application run there" in error.message


async def test_a_megabyte_is_cut() -> None:
    sent = 0

    async def app(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(1024):
                await response.write(b" " * 1024)
                sent += 1024
        return response

    async with application(app) as base, client() as made:
        assert (await failure(made, webhook(base))).code == 11750


async def test_a_small_answer_that_unpacks_to_a_huge_one() -> None:
    async def app(_: web.Request) -> web.Response:
        packed = gzip.compress(bytes(50_000_000))
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"}, content_type="text/xml")

    async with application(app) as base, client() as made:
        assert (await failure(made, webhook(base))).code == 11750


async def test_a_body_of_just_the_limit_passes() -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 65536, content_type="text/plain")

    async with application(app) as base, client() as made:
        assert len((await made.fetch(webhook(base))).body) == 65536
        assert (await failure(made, webhook(base, bytes_max=65535))).code == 11750


async def test_a_sound_instead_of_a_document_may_be_long() -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 100_000, content_type="audio/mpeg")

    async with application(app) as base, client() as made:
        assert len((await made.fetch(webhook(base))).body) == 100_000


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
async def test_no_http(answer: bytes) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with raw_server(server) as base, client() as made:
        assert (await failure(made, webhook(base, "GET"))).code == 11206


async def test_a_connection_closed_without_a_word() -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with raw_server(server) as base, client() as made:
        assert (await failure(made, webhook(base))).code == 11205


async def test_a_kept_connection_that_went_away_is_no_failure() -> None:
    connections = 0

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")  # promises to stay open
        if connections == 1:
            await reader.readuntil(b"\r\n\r\n")  # and closes when the next request is there
        writer.close()

    async with raw_server(server) as base, client() as made:
        first = await made.fetch(webhook(base, parameters=()))
        second = await made.fetch(webhook(base, parameters=()))
    assert (first.body, second.body, connections) == (b"ok", b"ok", 2)


async def test_a_certificate_that_nobody_vouches_for() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))

    async def app(_: web.Request) -> web.Response:
        return web.Response(text="<Response/>")

    async with application(app, context) as base, client() as made:
        assert (await failure(made, webhook(base.replace("http:", "https:")))).code == 11237


async def test_https_to_a_port_that_speaks_http() -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(text="<Response/>")

    async with application(app) as base, client() as made:
        assert (await failure(made, webhook(base.replace("http:", "https:")))).code == 11220


@pytest.mark.parametrize(
    "url",
    [
        "",
        "voice",
        "ftp://example.com/",
        "http://",
        "http:///x",
        "http://a:99999/",
        "http://exa\nmple.com/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://" + "a" * 9000,
    ],
)
async def test_no_url(url: str) -> None:
    async with client() as made:
        assert (await failure(made, webhook(url))).code == 11100


# time ----------------------------------------------------------------------------------------------------------------------------------------


async def test_a_slow_answer_in_virtual_time() -> None:
    clock = VirtualClock()

    async def app(_: web.Request) -> web.Response:
        return web.Response(text="<Response/>", headers={"X-Roomtone-Test-Delay": "14.5"})

    async with application(app) as base, client(clock) as made:
        answer = await in_virtual_time(clock, made.fetch(webhook(base)))
    assert answer.body == b"<Response/>"
    assert clock.now() == 14.5


async def test_the_total_time_out_wins_over_a_slower_answer() -> None:
    clock = VirtualClock()
    measured: list[tuple[str, str, float]] = []

    async def app(_: web.Request) -> web.Response:
        return web.Response(text="<Response/>", headers={"X-Roomtone-Test-Delay": "20"})

    async with application(app) as base, client(clock, measure=lambda *what: measured.append(what)) as made:
        with pytest.raises(WebhookError) as caught:
            await in_virtual_time(clock, made.fetch(webhook(base)))
    assert caught.value.code == 11203
    assert clock.now() == 15.0
    assert measured == [("voice", "11203", 15.0)]


async def test_the_delays_of_redirects_add_up() -> None:
    clock = VirtualClock()

    async def app(request: web.Request) -> web.Response:
        hop = {"Location": "/b"} if request.path == "/a" else {}
        return web.Response(status=302 if hop else 200, headers={"X-Roomtone-Test-Delay": "8", **hop})

    async with application(app) as base, client(clock) as made:
        with pytest.raises(WebhookError) as caught:
            await in_virtual_time(clock, made.fetch(webhook(f"{base}/a")))
    assert (caught.value.code, clock.now()) == (11203, 15.0)


async def test_the_delay_header_means_nothing_in_a_live_server() -> None:
    async def app(_: web.Request) -> web.Response:
        return web.Response(text="<Response/>", headers={"X-Roomtone-Test-Delay": "600"})

    async with application(app) as base, client() as made:
        assert (await made.fetch(webhook(base))).status == 200


async def test_silent_and_trickling_answers_are_cut_at_the_total() -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if b"/trickle" in request:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n")
            loop = asyncio.get_running_loop()

            def drip() -> None:
                if not writer.is_closing():
                    writer.write(b"x")
                    loop.call_later(0.02, drip)

            drip()
        await reader.read()

    clock = LiveClock()
    limits = ClientLimits(total_timeout_s=0.3)
    async with raw_server(server) as base, client(clock, limits=limits) as made:
        for path in ("/silent", "/trickle"):
            began = clock.now()
            assert (await failure(made, webhook(base + path))).code == 11203
            assert 0.25 < clock.now() - began < 2.0


async def test_a_real_hang_is_cut_by_wall_time_in_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock()
    monkeypatch.setattr(client_module, "WIRE_SECONDS_MAX", 0.2)

    async def app(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with application(app) as base, client(clock) as made:
        with pytest.raises(WebhookError) as caught:
            await in_virtual_time(clock, made.fetch(webhook(base)))
    assert (caught.value.code, clock.now()) == (11203, 0.0)
    assert "real time" in caught.value.message


async def test_connecting_is_tried_twice() -> None:
    clock = LiveClock()
    limits = ClientLimits(connect_timeout_s=0.2, total_timeout_s=5.0)
    # A listener whose queue is full answers no SYN.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        async with client(clock, limits=limits) as made:
            began = clock.now()
            error = await failure(made, webhook(f"http://127.0.0.1:{port}/"))
            passed = clock.now() - began
        for filler in fillers:
            filler.close()
    assert error.code == 11201
    assert 0.35 < passed < 2.0


async def test_the_ledger_is_held_while_the_wire_is_busy_and_free_after() -> None:
    clock = VirtualClock()
    held: list[tuple[str, ...]] = []

    async def app(_: web.Request) -> web.Response:
        held.append(clock.ledger.held)
        return web.Response(text="<Response/>")

    async with application(app) as base, client(clock) as made:
        await in_virtual_time(clock, made.fetch(webhook(f"{base}/voice")))
    assert held == [(f"http POST {base}/voice",)]
    assert clock.ledger.held == ()


async def test_a_request_that_is_not_needed_any_more_is_no_failure_of_the_application() -> None:
    measured: list[tuple[str, str]] = []
    arrived = asyncio.Event()

    async def app(_: web.Request) -> web.Response:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    kept = journal()
    async with (
        application(app) as base,
        client(kept=kept, measure=lambda kind, outcome, _: measured.append((kind, outcome))) as made,
    ):
        task = asyncio.ensure_future(made.fetch(webhook(base)))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (row,) = kept.rows()
    assert (row.status, row.error) == (None, None)
    assert row.milliseconds is not None
    assert measured == [("voice", "given_up")]


async def test_a_redirected_request_has_no_status_before_its_answer() -> None:
    told: list[tuple[int | None, int | None, str | None]] = []

    async def app(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.path == "/b" else 308, headers={"Location": "/b"})

    kept = journal(keep=lambda row: told.append((row.status, row.milliseconds, row.answer_headers.get("location"))))
    async with application(app) as base, client(kept=kept) as made:
        await made.fetch(webhook(f"{base}/a"))
    assert (None, None, "/b") in told
    assert {status for status, _, _ in told} == {None, 200}
