"""What the live view says of what happens, and what `watch` leaves out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from roomtone.cli.expectations import parse
from roomtone.cli.view import View
from roomtone.cli.watch import failures, of_room
from roomtone.errors import UsageError

TIME = "2026-01-01T12:00:00+00:00"


def event(name: str, call: str | None = "CA1", time: str = TIME, **data: Any) -> dict[str, Any]:
    conference = "CF1" if name.startswith(("participant", "conference")) else None
    return {
        "type": "event",
        "id": 1,
        "time": time,
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


BODY = """<Response>
  <Gather numDigits="1" action="/join">
    <Say>Press one to listen.</Say>
  </Gather>
  <Dial hangupOnStar="true"><Conference muted="true">my room</Conference></Dial>
  <Record/>
  <Say>Bye.</Say>
</Response>"""


def at(seconds: int) -> str:
    return f"2026-01-01T12:00:{seconds:02}+00:00"


def outlined(lines: list[str]) -> list[str]:
    """Without the hours and minutes, which are the reader's own."""
    return [re.sub(r"^\d\d:\d\d:", "", line) for line in lines]


def test_a_document_is_told_as_it_runs_each_verb_once_with_what_it_says() -> None:
    gather, prompt = verb("Gather", 2), {"path": "/Response/Gather[1]/Say[1]", "line": 3, "outcome": "not_reached"}
    dial, last = verb("Dial", 5), verb("Say", 7)
    ignored = verb("Record", 6, "ignored", code=12200, reason="not a verb here")
    runs = {"outcome": "ran", "started": at(1)}
    say = prompt | runs
    said_it = say | {"ended": at(3)}
    answered = request(body=BODY, verbs=[gather, prompt, dial, ignored, last])
    texts = said(
        request(status=None, milliseconds=None),
        answered,
        answered | {"verbs": [gather | runs, say, dial, ignored, last]},
        answered | {"verbs": [gather | runs, said_it, dial, ignored, last]},
        answered | {"verbs": [gather | runs | {"ended": at(8)}, said_it, dial, ignored, last]},
        event("call-ended", status="completed", time=at(9)),
    )
    assert outlined(texts)[0].startswith("00 voice POST http://app/voice → 200 in 5 ms")
    assert outlined(texts)[1:] == [
        "00 line 6 Record ignored: 12200 not a verb here",
        '08 line 2 Gather numDigits="1" action="/join" ran 7.0 s',
        "08 line 3 Say “Press one to listen.” ran 2.0 s",
        '09 line 5 Dial hangupOnStar="true" Conference muted="true" “my room” not reached',
        "09 line 7 Say “Bye.” not reached",
        "09 call-ended CA1 completed",
    ]


def test_a_dial_that_outlives_its_call_is_told_before_what_was_not_reached() -> None:
    """A room lets go after the end of the call, and the action of the Dial is asked after that (A7)."""
    dial, last = verb("Dial", 2, "ran", started=at(1)), verb("Say", 3)
    answered = request(verbs=[dial, last])
    texts = said(
        answered,
        event("call-ended", status="completed", time=at(4)),
        request("RQ2", kind="action"),
        answered | {"verbs": [dial | {"ended": at(4)}, last]},
    )
    assert [line for line in outlined(texts) if " line " in line] == [
        "04 line 2 Dial ran 3.0 s (CA1 voice)",
        "04 line 3 Say not reached",
    ]


def test_a_verb_of_a_long_document_that_is_told_after_the_end_of_its_call_is_told_as_it_was() -> None:
    """The server tells the verbs of such a document once a second."""
    view = View(lambda text, _style: texts.append(" ".join(text.split())))
    texts: list[str] = []
    say, last = verb("Say", 2), verb("Pause", 3)
    ran = say | {"outcome": "ran", "started": at(1), "ended": at(2)}
    for line in (request(verbs=[say, last]), event("call-ended", time=at(2)), request(verbs=[ran, last])):
        view.take(line)
    assert "02 line 2 Say ran 1.0 s (CA1 voice)" in outlined(texts)
    assert view.calls == {}, "a call that has ended does not come back"


def test_a_verb_below_another_calls_line_names_its_call() -> None:
    ran = verb("Say", 2, "ran", started=TIME, ended=TIME)
    texts = said(
        request(verbs=[verb("Say", 2)]),
        request("RQ2", "CA2", verbs=[ran]),
        request(verbs=[ran, verb("Pause", 3)]),
        request(verbs=[ran, verb("Pause", 3, "ran", started=TIME, ended=TIME)]),
    )
    assert outlined(texts)[2:] == [
        "00 line 2 Say ran 0.0 s",
        "00 line 2 Say ran 0.0 s (CA1 voice)",
        "00 line 3 Pause ran 0.0 s",
    ]


def test_what_was_not_reached_is_told_when_the_next_document_begins() -> None:
    texts = said(request(verbs=[verb("Redirect", 5)]), request("RQ2", kind="action"))
    assert outlined(texts)[1] == "00 line 5 Redirect not reached"
    assert "action" in texts[2]


def test_an_ignored_attribute_is_told_below_its_document() -> None:
    entry = {"type": "debug", "time": TIME, "level": "warning", "code": 12200, "message": "no attribute begins"}
    texts = said(request(), entry | {"line": 4, "call_sid": "CA1", "request_id": "RQ1"})
    assert outlined(texts)[1] == "00 line 4 warning 12200 no attribute begins"


def test_lines_are_in_the_order_of_their_times() -> None:
    """A verb that ended before the event above it was told is told at the time that it is then."""
    ended = verb("Say", 2, "ran", started=at(1), ended=at(2))
    texts = said(request(verbs=[verb("Say", 2)]), event("participant-join", time=at(5)), request(verbs=[ended]))
    assert [line[:2] for line in outlined(texts)] == ["00", "05", "05"]


def test_a_redirected_request_is_told_when_its_answer_is_there() -> None:
    under_way = request(status=None, milliseconds=None)
    texts = said(under_way, under_way | {"answer_headers": {"location": "/voice/"}}, request())
    assert len(texts) == 1
    assert "→ 200 in 5 ms" in texts[0]


def test_a_request_that_was_not_needed_any_more_is_no_failure() -> None:
    given_up = request(status=None, kind="wait")
    assert "wait POST http://app/voice → not needed any more in 5 ms" in said(given_up)[0]
    assert list(failures([given_up])) == []


def test_the_two_verbs_of_a_spoken_text_are_told() -> None:
    """They stand on no line, each at its own place."""
    say = {"path": "/Response/Say[1]", "line": None, "outcome": "ran", "started": at(0), "ended": at(2)}
    hangup = {"path": "/Response/Hangup[1]", "line": None, "outcome": "ran", "started": at(2), "ended": at(2)}
    texts = said(request(body="Nobody is here.", verbs=[say, hangup]))
    assert outlined(texts)[1:] == ["02 Say ran 2.0 s", "02 Hangup ran 0.0 s"]


def test_a_failed_request_says_why() -> None:
    failed = request(status=500, error={"code": 11200, "message": "HTTP retrieval failure"})
    assert "11200 HTTP retrieval failure" in said(failed)[0]
    refused = request(error={"code": 12100, "message": "not well formed"})
    assert outlined(said(request(), refused))[1] == "00 12100 not well formed"


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
