"""Requests as a resource, sent again, and the stream of what happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn
from aiohttp import web
from stand import A, B, Stand, stand

from roomtone.store.rows import DebugRow, EventRow, StoreBatch
from roomtone.webhooks.report import Outcome, VerbReport
from roomtone.webhooks.request import Webhook

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[Stand]:
    async with stand() as made:
        yield made


@pytest.fixture
async def application() -> AsyncIterator[str]:
    """A web application that answers with what it was asked."""

    async def voice(request: web.Request) -> web.Response:
        form = await request.post()
        return web.Response(text=f"<Response><Say>{form.get('Digits')}</Say></Response>", content_type="text/xml")

    async def broken(_request: web.Request) -> web.Response:
        return web.Response(status=500, text="no")

    app = web.Application()
    app.add_routes([web.post("/voice", voice), web.post("/broken", broken)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def fetch(server: Stand, url: str, account: str = A, **changes: Any) -> str:
    webhook = Webhook(
        kind="voice",
        url=url,
        method="POST",
        parameters=(("CallSid", "CA1"), ("Digits", "1")),
        account_sid=account,
        **changes,
    )
    try:
        request_id = (await server.webhooks.fetch(webhook)).request_id
    except Exception as error:
        request_id = error.request_id  # type: ignore[attr-defined]
    await server.store.flush()
    return str(request_id)


async def test_a_request_shows_what_was_asked_and_what_became_of_each_verb(server: Stand, application: str) -> None:
    request_id = await fetch(server, f"{application}/voice", call_sid="CA1")
    server.journal.verbs(request_id, [VerbReport("/Response/Say[1]", 1, Outcome.RAN)])
    async with server.client() as client:
        one = (await client.get(f"/api/v1/requests/{request_id}")).json()
        assert one["parameters"] == {"CallSid": "CA1", "Digits": "1"}
        assert (one["status"], one["kind"], one["method"]) == (200, "voice", "POST")
        assert one["body"] == "<Response><Say>1</Say></Response>"
        (verb,) = one["verbs"]
        assert (verb["path"], verb["line"], verb["outcome"]) == ("/Response/Say[1]", 1, "ran")
        await server.store.flush()
        assert (await client.get("/api/v1/requests", params={"call_sid": "CA1"})).json()["requests"] == [one]
        assert (await client.get("/api/v1/requests", params={"call_sid": "CA2"})).json()["requests"] == []
    async with server.client(B) as client:
        assert (await client.get(f"/api/v1/requests/{request_id}")).status_code == 404
        assert (await client.post(f"/api/v1/requests/{request_id}/replay")).status_code == 404


async def test_failed_requests_are_found(server: Stand, application: str) -> None:
    good, bad = await fetch(server, f"{application}/voice"), await fetch(server, f"{application}/broken")
    down = await fetch(server, "http://127.0.0.1:9/voice")
    async with server.client() as client:
        failed = (await client.get("/api/v1/requests", params={"failed": True})).json()["requests"]
        assert {request["id"] for request in failed} == {bad, down}
        assert all(request["error"]["code"] for request in failed)
        newer = (await client.get("/api/v1/requests", params={"after": good})).json()["requests"]
        assert [request["id"] for request in newer] == [down, bad]


async def test_a_request_is_sent_again_elsewhere(server: Stand, application: str) -> None:
    request_id = await fetch(server, f"{application}/broken")
    async with server.client() as client:
        again = await client.post(f"/api/v1/requests/{request_id}/replay", json={"to": f"{application}/voice"})
        assert (again.status_code, again.json()["status"]) == (200, 200)
        assert again.json()["replay_of"] == request_id
        assert again.json()["id"] != request_id
        bad = await client.post(f"/api/v1/requests/{request_id}/replay", json={"to": "somewhere"})
        assert bad.status_code == 422


def event(name: str, account: str = A) -> EventRow:
    return EventRow(account_sid=account, time=NOW, event=name, conference_sid="CF1", call_sid="CA1", sequence=1)


async def test_events_that_are_kept_can_be_read_again_from_anywhere(server: Stand) -> None:
    await server.store.commit(StoreBatch(events=[event("one"), event("theirs", B), event("two")]))
    async with server.client() as client:
        answer = await client.get("/api/v1/events", params={"follow": False})
        rows = [json.loads(line) for line in answer.text.splitlines()]
        assert [row["event"] for row in rows] == ["one", "two"]
        assert rows[0]["type"] == "event"
        later = await client.get("/api/v1/events", params={"follow": False, "after": rows[0]["id"]})
        assert [json.loads(line)["event"] for line in later.text.splitlines()] == ["two"]
        assert (await client.get("/api/v1/events", params={"types": "gossip"})).status_code == 400


class Served:
    """The API on a real port, for answers that do not end."""

    def __init__(self, server: Stand) -> None:
        self._uvicorn = uvicorn.Server(uvicorn.Config(server.api.app, port=0, log_level="error", lifespan="off"))

    async def __aenter__(self) -> str:
        config = self._uvicorn.config
        socket = config.bind_socket()
        self._task = asyncio.ensure_future(self._uvicorn.serve([socket]))
        return f"http://127.0.0.1:{socket.getsockname()[1]}"

    async def __aexit__(self, *_error: object) -> None:
        self._uvicorn.should_exit = True
        await self._task


async def lines(response: httpx.Response, ready: asyncio.Event, into: list[dict[str, Any]], until: str) -> None:
    async for line in response.aiter_lines():
        ready.set()
        if line:
            into.append(json.loads(line))
            if into[-1].get("event") == until:
                return


async def test_followers_see_what_happens_when_it_is_durable(server: Stand, application: str) -> None:
    await server.store.commit(StoreBatch(events=[event("before")]))
    seen: list[dict[str, Any]] = []
    async with Served(server) as url, httpx.AsyncClient(base_url=url, auth=(A, "token of a")) as client:
        query = {"types": "event,request,debug", "after": "0"}
        async with client.stream("GET", "/api/v1/events", params=query) as response:
            assert response.headers["Content-Type"].startswith("application/x-ndjson")
            ready = asyncio.Event()
            reading = asyncio.ensure_future(lines(response, ready, seen, "last"))
            await ready.wait()
            request_id = await fetch(server, f"{application}/voice")
            debug = DebugRow(account_sid=A, time=NOW, level="error", code=11200, message="m")
            await server.store.commit(StoreBatch(events=[event("theirs", B), event("middle")], debug=[debug]))
            await server.store.commit(StoreBatch(events=[event("last")]))
            await reading
    assert [line["event"] for line in seen if line["type"] == "event"] == ["before", "middle", "last"]
    assert [line["code"] for line in seen if line["type"] == "debug"] == [11200]
    requests = [line for line in seen if line["type"] == "request"]
    assert {line["id"] for line in requests} == {request_id}
    assert requests[-1]["status"] == 200
    async with server.client() as client:
        listed = (await client.get("/api/v1/debug")).json()["debug"]
    assert [line for line in seen if line["type"] == "debug"] == [{"type": "debug", **entry} for entry in listed]
    assert {line["time"][-1] for line in seen} == {"Z"}


async def test_server_sent_events_for_browsers(server: Stand) -> None:
    await server.store.commit(StoreBatch(events=[event("one"), event("two")]))
    async with server.client() as client:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": "1"}
        answer = await client.get("/api/v1/events", params={"follow": False}, headers=headers)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    blocks = [block for block in answer.text.split("\n\n") if not block.startswith(":") and block]
    (block,) = blocks
    assert block.startswith("id: 2\nevent: event\ndata: {")


async def test_streams_end_when_the_server_closes(server: Stand) -> None:
    seen: list[dict[str, Any]] = []
    async with (
        Served(server) as url,
        httpx.AsyncClient(base_url=url, auth=(A, "token of a")) as client,
        client.stream("GET", "/api/v1/events") as response,
    ):
        ready = asyncio.Event()
        reading = asyncio.ensure_future(lines(response, ready, seen, ""))
        await ready.wait()
        server.api.close()
        await reading
    assert seen == []


async def test_who_asks_for_a_stream_of_a_closed_server_gets_its_end(server: Stand) -> None:
    server.api.close()
    async with server.client() as client:
        assert (await client.get("/api/v1/events")).text.strip() == ""
