"""An application that fails, as an operator finds it: the caller is refused, and the debug log and its command say why, with the platform's number.

What each fault means for the documents that follow is in `tests/sim`; here are the ones that only a wire can show, and the ways to look at them.
"""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from live import until
from shared import Shared
from sipp import Sipp, expect, invite, refused

Hold = Callable[[Any], Any]
Parameters = dict[str, str]


def _answer(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, *headers: tuple[str, str]) -> None:
    handler.send_response(status)
    for name, value in (("Content-Type", "text/xml"), *headers):
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def _faults(server: Shared) -> dict[str, Callable[[BaseHTTPRequestHandler, Parameters], None]]:
    """By number. The server gives the application two seconds in all."""
    released = server.web.released

    def trickle(handler: BaseHTTPRequestHandler, _parameters: Parameters) -> None:
        _answer(handler, b"<Response>")
        while not released.wait(0.1):
            handler.wfile.write(b" ")

    def endless(handler: BaseHTTPRequestHandler, _parameters: Parameters) -> None:
        _answer(handler, b"", 302, ("Location", server.web.url("/endless")))

    return {
        "broken": lambda handler, _: _answer(handler, b"<Response><Say>oops</Response>"),
        "slow": lambda _handler, _: released.wait(30) and None,
        "trickle": trickle,
        "doctype": lambda handler, _: _answer(handler, b'<!DOCTYPE r [<!ENTITY x "y">]><Response>&x;</Response>'),
        "megabyte": lambda handler, _: _answer(handler, b"<Response>" + b" " * 1_000_000 + b"</Response>"),
        "endless": endless,
        "cut": lambda handler, _: handler.connection.close(),
    }


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("broken", 12100),
        ("slow", 11203),
        ("trickle", 11203),
        ("doctype", 12100),
        ("megabyte", 11750),
        ("endless", 11215),
        ("cut", 11205),
        ("down", 11202),
    ],
)
def test_the_caller_is_refused_and_the_log_says_why(
    server: Shared, hold: Hold, tmp_path: Path, number: str, code: int
) -> None:
    server.web.documents |= {f"/{name}": fault for name, fault in _faults(server).items()}
    caller = f"fault-{number}"
    hold(Sipp(tmp_path, server.address, number, caller, invite(), expect(500), refused())).succeeds()
    call = server.until_ended(caller)
    assert call["status"] == "failed"
    codes = until(lambda: server.debug_codes(call["sid"]), "an entry in the debug log")
    assert codes == [code]
    (request,) = server.client.get("/requests", call_sid=call["sid"])["requests"]
    assert request["error"]["code"] == code
    shown = server.run("debug", "--call", call["sid"]).out.text
    assert f"error {code}" in shown
    (entry,) = server.run("debug", "--code", str(code), "--call", call["sid"], "--json").objects[0]["debug"]
    assert entry["message"]
    assert entry["request_id"] == request["id"]
