"""Sending a request of the journal again: freshly signed, to its place or another, and without a trace in its call."""

from __future__ import annotations

from aiohttp import web
from twilio.request_validator import RequestValidator
from webhook_bench import application, client, journal, webhook

from roomtone.dialects.twilio.signature import HEADER, sign

TOKENS = ["first"]


def signer(_method: str, url: str, parameters: object) -> dict[str, str]:
    return {HEADER: sign(url, parameters, TOKENS[-1])}  # type: ignore[arg-type]


async def test_a_replay_is_signed_anew_and_touches_no_call() -> None:
    seen: list[tuple[str, str | None, bool]] = []

    async def app(request: web.Request) -> web.Response:
        valid = RequestValidator(TOKENS[-1]).validate(str(request.url), await request.post(), request.headers[HEADER])
        seen.append((request.path, request.cookies.get("c"), valid))
        response = web.Response(text="<Response/>", status=404 if request.path == "/gone" else 200)
        response.set_cookie("c", request.path.strip("/"))
        return response

    kept = journal()
    async with application(app) as base, client(kept=kept) as made:
        first = await made.fetch(webhook(f"{base}/voice", signer=signer))
        TOKENS.append("second")
        again = await made.replay("AC1", first.request_id)
        elsewhere = await made.replay(None, first.request_id, f"{base}/gone")
        assert await made.replay("AC2", first.request_id) is None  # another account's
        assert await made.replay(None, "RQ0") is None
        await made.fetch(webhook(f"{base}/next", signer=signer))
    assert seen == [("/voice", None, True), ("/voice", None, True), ("/gone", None, True), ("/next", "voice", True)]
    assert again is not None
    assert (again.replay_of, again.status, again.call_sid, again.error) == (first.request_id, 200, "CA1", None)
    assert elsewhere is not None
    assert (elsewhere.url, elsewhere.status) == (f"{base}/gone", 404)
    assert elsewhere.error is not None
