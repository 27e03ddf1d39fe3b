"""What `/api/docs` promises: walked path by path, and held against what is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from stand import Stand, stand

ERROR = {"$ref": "#/components/schemas/ErrorAnswer"}
VALUES = {"limit": "0", "live": "maybe", "failed": "maybe", "after": "x", "before": "x", "code": "x", "types": "gossip"}
"""Of each parameter one that is wrong for at least one path that has it."""


@pytest.fixture
async def server() -> AsyncIterator[Stand]:
    async with stand() as made:
        made.api.ready()
        yield made


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


async def document_of(server: Stand) -> dict[str, Any]:
    async with server.client("") as client:
        answer: dict[str, Any] = (await client.get("/api/openapi.json")).json()
        return answer


async def test_every_error_is_promised_in_the_one_shape(server: Stand) -> None:
    document = await document_of(server)
    seen = list(operations(document))
    assert len(seen) > 15
    for _method, path, operation in seen:
        refused = {status: answer for status, answer in operation["responses"].items() if not status.startswith("2")}
        assert set(refused) == {"4XX"}, path
        assert refused["4XX"]["content"]["application/json"]["schema"] == ERROR
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert set(resolve(document, ERROR)["properties"]) == {"error"}


async def test_what_is_refused_is_answered_as_promised(server: Stand) -> None:
    """Each path, asked for what is not there, with values that are wrong and with a body that is none."""
    document = await document_of(server)
    for method, path, operation in operations(document):
        place = path.replace("{", "").replace("}", "")
        names = [entry["name"] for entry in operation.get("parameters", ()) if entry["in"] == "query"]
        query = {name: VALUES[name] for name in names if name in VALUES}
        for user, sent, body in (("", {}, None), ("admin", query, None), ("admin", {"follow": "false"}, "[]")):
            async with server.client(user) as client:
                answer = await client.request(method, place, params=sent, content=body if method != "get" else None)
            if answer.is_success:
                assert user, f"{method} {path} is open to everybody"
                continue
            assert 400 <= answer.status_code < 500, f"{method} {path}: {answer.status_code}"
            error = answer.json()["error"]
            assert set(error) == {"code", "message", "remedy"}
            assert all(error[name] for name in ("code", "message")), path


async def test_lists_have_the_fields_that_are_promised(server: Stand) -> None:
    document = await document_of(server)
    await server.join("CA1", "r")
    async with server.client("admin") as client:
        for noun in ("rooms", "numbers", "accounts"):
            rows = (await client.get(f"/api/v1/{noun}")).json()[noun]
            promised = document["paths"][f"/api/v1/{noun}"]["get"]["responses"]["200"]["content"]["application/json"]
            schema = resolve(document, promised["schema"]["additionalProperties"]["items"])
            assert rows
            assert all(set(row) == set(schema["properties"]) for row in rows), noun
    events = document["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"]
    assert set(events) == {"application/x-ndjson", "text/event-stream"}
