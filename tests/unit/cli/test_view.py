"""What the live view says of what happens, and what `watch` leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from roomtone.cli.expectations import parse
from roomtone.cli.view import View
from roomtone.cli.watch import failures, of_room
from roomtone.errors import UsageError

TIME = "2026-01-01T12:00:00+00:00"


def event(name: str, call: str | None = "CA1", **data: Any) -> dict[str, Any]:
    conference = "CF1" if name.startswith(("participant", "conference")) else None
    return {
        "type": "event",
        "id": 1,
        "time": TIME,
        "event": name,
        "call_sid": call,
        "conference_sid": conference,
        "data": data,
    }


def request(request_id: str = "RQ1", call: str = "CA1", **changes: Any) -> dict[str, Any]:
    request = {
        "type": "request",
        "id": request_id,
        "time": TIME,
        "kind": "voice",
        "call_sid": call,
        "method": "POST",
        "url": "http://app/voice",
        "parameters": {},
        "status": 200,
        "milliseconds": 5,
        "error": None,
        "verbs": [],
    }
    return request | changes


def verb(name: str, line: int, outcome: str = "not_reached", **more: Any) -> dict[str, Any]:
    return {"path": f"/Response/{name}[1]", "line": line, "outcome": outcome, **more}


def said(*lines: dict[str, Any]) -> list[str]:
    texts: list[str] = []
    view = View(lambda text, _style: texts.append(" ".join(text.split())))
    for line in lines:
        view.take(line)
    return texts


def test_a_document_is_told_as_it_runs() -> None:
    say, dial, last = verb("Say", 2), verb("Dial", 3), verb("Say", 6)
    say_runs = verb("Say", 2, "ran", started=TIME)
    say_ran = say_runs | {"ended": TIME}
    ignored = verb("Record", 5, "ignored", code=12200, reason="not a verb here")
    texts = said(
        request(status=None),
        request(verbs=[say, dial, ignored, last]),
        request(verbs=[say_runs, dial, ignored, last]),
        request(verbs=[say_ran, dial, ignored, last]),
        event("call-ended", status="completed"),
    )
    assert texts[0].partition(" ")[2].startswith("voice POST http://app/voice → 200 in 5 ms")
    assert texts[1:5] == [
        "line 5 Record[1] ignored: 12200 not a verb here",
        "line 2 Say[1] running",
        "line 2 Say[1] ran",
        "line 3 Dial[1] not reached (CA1 voice)",
    ]
    assert texts[5] == "line 6 Say[1] not reached"
    assert "call-ended" in texts[6]


def test_a_verb_below_another_calls_line_names_its_call() -> None:
    runs = verb("Say", 2, "ran", started=TIME)
    texts = said(
        request(verbs=[runs]),
        request("RQ2", "CA2", verbs=[runs]),
        request(verbs=[runs | {"ended": TIME}, verb("Dial", 3, "ran", started=TIME)]),
    )
    assert texts[1] == texts[3] == "line 2 Say[1] running"
    assert texts[4:] == ["line 2 Say[1] ran (CA1 voice)", "line 3 Dial[1] running"]


def test_what_was_not_reached_is_told_when_the_next_document_begins() -> None:
    texts = said(request(verbs=[verb("Redirect", 5)]), request("RQ2", kind="action"))
    assert texts[1] == "line 5 Redirect[1] not reached"
    assert "action" in texts[2]


def test_a_failed_request_says_why() -> None:
    failed = request(status=500, error={"code": 11200, "message": "HTTP retrieval failure"})
    assert "11200 HTTP retrieval failure" in said(failed)[0]
    refused = request(error={"code": 12100, "message": "not well formed"})
    assert said(request(), refused)[1] == "12100 not well formed"


def test_the_debug_log_is_part_of_it() -> None:
    entry = {
        "type": "debug",
        "time": TIME,
        "level": "warning",
        "code": 13230,
        "message": "m",
        "line": 4,
        "call_sid": "CA1",
    }
    assert said(entry)[0].endswith("warning 13230 m (line 4, CA1)")


def test_the_calls_of_the_moment() -> None:
    view = View(lambda _text, _style: None)
    view.take(event("call-ringing", status="ringing"))
    view.take(request(verbs=[verb("Gather", 2, "ran", started=TIME)]))
    assert view.calls == {"CA1": "voice Gather[1] (line 2)"}
    view.take(event("call-ended", status="completed"))
    assert view.calls == {}


def test_a_room_has_its_calls_from_their_joining_on() -> None:
    lines = [
        request("RQ1", "CA1"),
        event("participant-join", "CA1", friendly_name="a"),
        event("participant-join", "CA2", friendly_name="b"),
        request("RQ2", "CA1"),
        request("RQ3", "CA2"),
    ]
    kept = list(of_room(lines, "a", set()))
    assert kept == [lines[1], lines[3]]


def test_only_failures() -> None:
    lines = [
        request(),
        request(error={"code": 1, "message": ""}),
        request(verbs=[verb("Play", 1, "failed")]),
        event("call-ended", status="failed"),
        event("call-ended", status="completed"),
    ]
    assert list(failures(lines)) == lines[1:4]


@pytest.mark.parametrize("text", ["", "hears", "hears:x", "hears:-1", "digits:", "digits:x", "silence:1"])
def test_what_cannot_be_expected(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)
