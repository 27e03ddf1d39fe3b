"""The API as a client sees it: who may see what, and what each path answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree
from stand import A, B, LiveCall, Stand, stand

from roomtone.api.server import ServerShape
from roomtone.rooms.join import StartRule
from roomtone.store.rows import CallRow, DebugRow, StoreBatch

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[Stand]:
    async with stand() as made:
        made.api.ready()
        yield made


async def get(server: Stand, path: str, user: str = A, **query: Any) -> httpx.Response:
    async with server.client(user) as client:
        return await client.get(path, params=query)


def call_row(sid: str, account: str = A, **changes: Any) -> CallRow:
    row = CallRow(
        sid=sid, account_sid=account, number="+1", status="in-progress", sip_call_id=f"x{sid}", created_at=NOW
    )
    return replace(row, **changes)


PATHS = [
    "rooms",
    "rooms/x",
    "rooms/x/hearing",
    "calls",
    "calls/CA1",
    "requests",
    "requests/RQ1",
    "debug",
    "events",
    "numbers",
]


@pytest.mark.parametrize("path", [*PATHS, "accounts"])
async def test_nobody_gets_in_without_a_token(server: Stand, path: str) -> None:
    for user, token in (("", ""), (A, "wrong"), ("admin", "wrong"), (B, "token of a")):
        async with server.client(user, token) as client:
            answer = await client.get(f"/api/v1/{path}")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert set(answer.json()["error"]) == {"code", "message", "remedy"}


async def test_rooms_of_ones_own(server: Stand) -> None:
    await server.join("CA1", "Support / Night")
    await server.join("CA2", "Theirs", account=B)
    (room,) = (await get(server, "/api/v1/rooms")).json()["rooms"]
    assert (room["name"], room["status"], room["account_sid"]) == ("Support / Night", "init", A)
    (participant,) = room["participants"]
    assert participant["call_sid"] == "CA1"
    assert participant["waiting"] is True
    one = await get(server, "/api/v1/rooms/Support%20%2F%20Night")
    assert one.json() == room
    assert (await get(server, f"/api/v1/rooms/{room['conference_sid']}")).json() == room
    assert (await get(server, "/api/v1/rooms/Theirs")).status_code == 404
    names = [entry["name"] for entry in (await get(server, "/api/v1/rooms", "admin")).json()["rooms"]]
    assert names == ["Support / Night", "Theirs"]
    only_b = (await get(server, "/api/v1/rooms", "admin", account=B)).json()["rooms"]
    assert [entry["name"] for entry in only_b] == ["Theirs"]


async def test_another_account_may_not_be_asked_for(server: Stand) -> None:
    answer = await get(server, "/api/v1/rooms", A, account=B)
    assert answer.status_code == 403


async def test_who_hears_whom_and_why(server: Stand) -> None:
    await server.join("CA1", "r", muted=True)
    before = (await get(server, "/api/v1/rooms/r/hearing")).json()
    assert [pair["reason"] for pair in before["pairs"]] == ["self"]
    await server.join("CA2", "r", start=StartRule.WAITS)
    answer = (await get(server, "/api/v1/rooms/r/hearing", **{"from": "CA1", "to": "CA2"})).json()
    (pair,) = answer["pairs"]
    assert (pair["talker"], pair["listener"]) == ("CA1", "CA2")
    assert pair["heard"] is False
    assert pair["reason"] == "muted"
    assert pair["cause"] == {"request_id": "RQ1", "line": 4}
    assert "muted" in pair["sentence"]
    all_pairs = (await get(server, "/api/v1/rooms/r/hearing")).json()["pairs"]
    heard = {(pair["talker"], pair["listener"]) for pair in all_pairs if pair["heard"]}
    assert heard == {("CA2", "CA1")}
    assert (await get(server, "/api/v1/rooms/r/hearing", **{"from": "CA9"})).status_code == 404


async def test_a_caller_who_is_there_more_than_once_is_named_by_call_sid(server: Stand) -> None:
    await server.join("CA1", "r")
    await server.join("CB1", "r")
    error = (await get(server, "/api/v1/rooms/r/hearing", **{"from": "+15551"})).json()["error"]
    assert error["message"] == "2 participants of the room 'r' are called '+15551'."
    assert error["remedy"] == "Use call SIDs: CA1, CB1."


async def test_calls_say_whether_they_listen_for_keys(server: Stand) -> None:
    await server.store.commit(StoreBatch(calls=[call_row("CA1"), call_row("CA2", ended_at=NOW), call_row("CA3", B)]))
    server.calls.live["CA1"] = LiveCall("CA1", listening=True)
    calls = (await get(server, "/api/v1/calls")).json()["calls"]
    assert {call["sid"]: call["listening"] for call in calls} == {"CA1": True, "CA2": False}
    (live,) = (await get(server, "/api/v1/calls", live=True)).json()["calls"]
    (same,) = (await get(server, "/api/v1/calls", sip_call_id="xCA1")).json()["calls"]
    assert live == same == (await get(server, "/api/v1/calls/CA1")).json()
    assert (await get(server, "/api/v1/calls/CA3")).status_code == 404


async def test_the_debug_log(server: Stand) -> None:
    rows = [
        DebugRow(account_sid=A, time=NOW, level="warning", code=code, message="m", call_sid=f"CA{code}", line=3)
        for code in (12200, 13230, 12200)
    ]
    await server.store.commit(StoreBatch(debug=rows))
    entries = (await get(server, "/api/v1/debug")).json()["debug"]
    assert [entry["id"] for entry in entries] == [3, 2, 1]
    assert entries[0]["line"] == 3
    assert [entry["id"] for entry in (await get(server, "/api/v1/debug", code=12200)).json()["debug"]] == [3, 1]
    assert [entry["id"] for entry in (await get(server, "/api/v1/debug", after=2)).json()["debug"]] == [3]
    assert (await get(server, "/api/v1/debug", user=B)).json() == {"debug": []}


NEW = {"number": "+15550199", "voice_url": "http://app/other"}


async def test_numbers_are_made_changed_and_removed(server: Stand) -> None:
    async with server.client() as client:
        made = await client.post("/api/v1/numbers", json=NEW)
        assert made.status_code == 201
        assert made.json()["source"] == "api"
        taken = await client.post("/api/v1/numbers", json=NEW)
        assert (taken.status_code, taken.json()["error"]["code"]) == (409, "number_taken")
        changed = await client.patch("/api/v1/numbers/+15550199", json={"voice_url": "http://app/new"})
        assert changed.json()["voice_url"] == "http://app/new"
        bad = await client.patch("/api/v1/numbers/+15550199", json={"voice_url": "app"})
        worse = await client.post("/api/v1/numbers", json={"number": "1", "voice_url": "app"})
        for refused in (bad, worse):
            assert (
                refused.json()["error"]["message"] == 'voice_url: "app" is not an http:// or https:// URL with a host'
            )
            assert "http://localhost:5000/voice" in refused.json()["error"]["remedy"]
        assert bad.status_code == 400
        assert (await client.delete("/api/v1/numbers/15550199")).status_code == 204
        assert (await client.get("/api/v1/numbers/+15550199")).status_code == 404


async def test_numbers_of_the_file_belong_to_the_file(server: Stand) -> None:
    async with server.client() as client:
        assert (await client.delete("/api/v1/numbers/+15550100")).status_code == 409
        answer = await client.patch("/api/v1/numbers/+15550100", json={"voice_url": "http://app/new"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "belongs_to_the_file")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"number": "+1"}, "voice_url"),
        ({"number": "1 2", "voice_url": "http://a"}, "digits"),
        ({"number": "+1", "voice_url": "a"}, "http://"),
        ({"number": "+1", "voice_url": "http://a", "colour": "red"}, "colour"),
    ],
)
async def test_what_is_wrong_with_a_number_is_said(server: Stand, body: dict[str, str], says: str) -> None:
    async with server.client() as client:
        answer = await client.post("/api/v1/numbers", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["error"]["message"]


async def test_accounts_are_the_operators(server: Stand) -> None:
    assert (await get(server, "/api/v1/accounts")).status_code == 403
    async with server.client("admin") as client:
        made = (await client.post("/api/v1/accounts", json={"name": "New"})).json()
        assert made["sid"].startswith("AC")
        shown = (await client.get(f"/api/v1/accounts/{made['sid']}")).json()
        assert shown["token"] is None
        assert (await client.delete(f"/api/v1/accounts/{A}")).status_code == 409
    async with server.client(made["sid"], made["token"]) as client:
        assert (await client.get("/api/v1/numbers")).json() == {"numbers": []}


async def test_a_large_body_is_refused(server: Stand) -> None:
    async with server.client() as client:
        answer = await client.post("/api/v1/numbers", content=b'{"number": "' + b"1" * 70_000 + b'"}')
    assert 400 <= answer.status_code < 500


async def test_every_unknown_path_has_the_one_shape_of_an_error(server: Stand) -> None:
    for path in ("/api/v1/nothing", "/nothing"):
        answer = await get(server, path)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


async def test_the_server_says_where_phones_reach_it(server: Stand) -> None:
    assert (await get(server, "/api/v1/server")).status_code == 404
    server.api.description.shape = ServerShape(version="1", http="http://h:1", sip="sip:h:2")
    assert (await get(server, "/api/v1/server")).json() == {"version": "1", "http": "http://h:1", "sip": "sip:h:2"}


async def test_probes(server: Stand) -> None:
    async with server.client("") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        server.api.drain()
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


async def test_metrics_are_for_this_machine_and_the_operator(tmp_path: Path) -> None:
    async with stand(tmp_path) as server:
        await server.join("CA1", "r")
        server.calls.live["CA1"] = LiveCall("CA1")
        server.metrics.request("voice", "ok", 0.02)
        text = (await get(server, "/metrics", "")).text
        for line in (
            'roomtone_calls_active{dialect="twilio"} 1.0',
            "roomtone_rooms_active 1.0",
            "roomtone_participants_active 1.0",
            'roomtone_tick_lateness_seconds_bucket{le="0.0001"} 15.0',
            'roomtone_tick_lateness_seconds_bucket{le="+Inf"} 16.0',
            'roomtone_request_seconds_count{kind="voice",outcome="ok"} 1.0',
            "roomtone_callbacks_pending 0.0",
            "roomtone_callbacks_oldest_seconds 0.0",
            'roomtone_sip_responses_total{code="200",method="INVITE"} 5.0',
            'roomtone_sip_rejected_total{reason="garbage"} 4.0',
            'roomtone_rtp_packets_total{direction="in",outcome="stranger"} 3.0',
        ):
            assert line in text
        assert "roomtone_disk_free_bytes" in text
        server.address = ("192.0.2.1", 1)
        assert (await get(server, "/metrics", "")).status_code == 401
        assert (await get(server, "/metrics", A)).status_code == 403
        assert (await get(server, "/metrics", "admin")).status_code == 200


async def test_the_hold_music_twimlet(server: Stand) -> None:
    async with server.client("") as client:
        query = {"Bucket": "com.twilio.music.classical", "Message": "Please <wait> & see", "Message1": "http://a/b.mp3"}
        answer = await client.get("/holdmusic", params=query)
        assert answer.headers["Content-Type"].startswith("text/xml")
        verbs = list(etree.fromstring(answer.content))
        assert [verb.tag for verb in verbs[:2]] == ["Say", "Play"]
        assert [verbs[0].text, verbs[1].text] == ["Please <wait> & see", "http://a/b.mp3"]
        music = [verb.text for verb in verbs[2:-1]]
        assert len(music) >= 2
        assert verbs[-1].tag == "Redirect"
        for path in music:
            piece = await client.get(httpx.URL("http://server/holdmusic").join(path or ""))
            assert piece.status_code == 200
            assert piece.content.startswith(b"OggS")
        assert (await client.post("/holdmusic")).status_code == 200
        assert (await client.get("/holdmusic/classical/..%2f__init__.py")).status_code == 404


async def test_time_stands_still_while_a_request_is_answered(server: Stand) -> None:
    ledger = server.conferences.clock.ledger
    answering = asyncio.ensure_future(get(server, "/api/v1/calls"))
    held: set[str] = set()
    while not answering.done():
        held.update(ledger.held)
        await asyncio.wait([answering], timeout=0)
    assert "http: GET /api/v1/calls" in held
    assert not ledger.held


@pytest.mark.parametrize(
    "path",
    [
        f"/2010-04-01/Accounts/{A}/Calls.json",
        f"/2008-08-01/Accounts/{A}/Calls",
        "/api/laml/2010-04-01/Accounts/x/Calls",
        "/v1/Account/MA/Conference/",
        "/api/v1/callbacks",
        "/api/v1/recordings/RE1",
        "/api/v1/users",
        "/api/v1/trunks",
        "/sip",
    ],
)
async def test_what_is_not_built_yet_says_so(server: Stand, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        async with server.client() as client:
            answer = await client.request(method, path)
        assert answer.status_code == 501
        assert "not built yet" in answer.json()["error"]["message"]


async def test_a_parameter_that_a_path_does_not_have_is_named_with_the_nearest(server: Stand) -> None:
    for path, wrong, near in (
        ("calls", "lives", "live"),
        ("rooms/r/hearing", "form", "from"),
        ("debug", "acount", "account"),
    ):
        answer = await get(server, f"/api/v1/{path}", **{wrong: "1"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_parameter")
        assert answer.json()["error"]["remedy"] == f"Did you mean {near}?"
    assert "call_sid" in (await get(server, "/api/v1/debug", foo=1)).json()["error"]["remedy"]


@pytest.mark.parametrize("path", ["/", "/api/docs"])
async def test_a_browser_gets_a_page_that_needs_nothing_from_elsewhere(server: Stand, path: str) -> None:
    server.api.description.shape = ServerShape(version="1.2.3", http="http://h:1", sip="sip:h:2")
    answer = await get(server, path, "")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = etree.HTML(answer.text)
    assert "1.2.3" in "".join(page.itertext())
    assert page.xpath("//script | //link | //img | //@src") == []
    links = page.xpath("//a/@href")
    assert all(link.startswith("/") for link in links)
    for link in links:
        assert (await get(server, link, "")).status_code == 200


async def test_the_page_of_the_api_has_every_path_with_its_parameters_and_fields(server: Stand) -> None:
    page = etree.HTML((await get(server, "/api/docs", "")).text)
    document = (await get(server, "/api/openapi.json", "")).json()
    shown = {(" ".join(place.xpath("summary/b/text() | summary/code/text()"))) for place in page.xpath("//details")}
    assert shown == {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    hearing = page.xpath("//details[summary/code = '/api/v1/rooms/{name}/hearing']")[0]
    assert {"from", "to"} <= set(hearing.xpath(".//td/code/text()"))
    call = page.xpath("//details[summary/code = '/api/v1/calls']")[0]
    assert "end_reason" in call.xpath(".//td/code/text()")
