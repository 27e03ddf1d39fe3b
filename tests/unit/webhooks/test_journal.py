"""What the journal keeps, masks, forgets and tells."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from roomtone.clock import VirtualClock
from roomtone.store.rows import RequestRow
from roomtone.webhooks import journal as journal_module
from roomtone.webhooks.journal import Journal
from roomtone.webhooks.report import Finding, Outcome, VerbReport
from roomtone.webhooks.request import Webhook

WEBHOOK = Webhook(
    kind="gather",
    url="http://user:pass@app.example/menu",
    method="POST",
    parameters=(("CallSid", "CA1"), ("Digits", "1234")),
    account_sid="AC1",
    call_sid="CA1",
)


def made(**options: Any) -> Journal:
    numbers = itertools.count(1)
    return Journal(VirtualClock(), lambda: f"RQ{next(numbers)}", **options)


def whole(journal: Journal) -> RequestRow | None:
    request_id = journal.begin(WEBHOOK, "http://user:pass@localhost:5000/menu")
    journal.sent(request_id, {"Authorization": "Basic x", "Cookie": "a=b", "X-Twilio-Signature": "s"})
    journal.answered(request_id, 200, 12, {"set-cookie": "a=b", "content-type": "text/xml"}, b"<Response/>")
    return journal.get(request_id)


def test_full_keeps_all_but_secrets() -> None:
    row = whole(made(capture="full"))
    assert row is not None
    assert (row.id, row.kind, row.account_sid, row.call_sid, row.method) == ("RQ1", "gather", "AC1", "CA1", "POST")
    assert (row.url, row.sent_to) == ("http://app.example/menu", "http://localhost:5000/menu")
    assert row.parameters == (("CallSid", "CA1"), ("Digits", "****"))
    assert row.headers == {"Authorization": "***", "Cookie": "***", "X-Twilio-Signature": "s"}
    assert (row.status, row.milliseconds, row.body) == (200, 12, "<Response/>")
    assert row.answer_headers == {"set-cookie": "***", "content-type": "text/xml"}
    assert row.time == VirtualClock.EPOCH
    assert row.error is None


def test_digits_are_shown_when_allowed() -> None:
    row = whole(made(capture="full", shows_digits=True))
    assert row is not None
    assert dict(row.parameters)["Digits"] == "1234"


def test_metadata_keeps_no_contents() -> None:
    kept = made(capture="metadata")
    row = whole(kept)
    assert row is not None
    assert (row.parameters, row.headers, row.answer_headers, row.body) == ((), {}, {}, None)
    assert (row.status, row.milliseconds) == (200, 12)
    assert kept.webhook("RQ1") is None  # and so it cannot be sent again


def test_none_keeps_nothing_and_tells_nobody() -> None:
    kept_rows: list[RequestRow] = []
    kept = made(capture="none", keep=kept_rows.append)
    assert whole(kept) is None
    assert list(kept.rows()) == kept_rows == []


def test_verbs_are_added_as_they_happen_and_reported_flat() -> None:
    told: list[RequestRow] = []
    kept = made(keep=told.append)
    request_id = kept.begin(WEBHOOK, WEBHOOK.url)
    told.clear()
    prompt = VerbReport("/Response/Gather[1]/Say[1]", 3)
    gather = VerbReport("/Response/Gather[1]", 2, children=[prompt])
    kept.verbs(request_id, [gather])
    prompt.outcome, prompt.started = Outcome.RAN, "2026-01-01T00:00:01Z"
    kept.verbs(request_id, [gather])
    kept.failed(request_id, 11200, "no", 5, 404)
    assert [[verb["outcome"] for verb in row.verbs] for row in told[:2]] == [
        ["not_reached", "not_reached"],
        ["not_reached", "ran"],
    ]
    assert told[-1].verbs[1] == {
        "path": "/Response/Gather[1]/Say[1]",
        "line": 3,
        "outcome": "ran",
        "reason": "",
        "code": None,
        "started": "2026-01-01T00:00:01Z",
        "ended": None,
    }
    row = kept.get(request_id)
    assert row is not None
    assert (row.error, row.status) == ({"code": 11200, "message": "no"}, 404)


def test_the_verbs_of_a_long_document_are_told_once_a_second() -> None:
    clock = VirtualClock()
    kept_rows: list[RequestRow] = []
    kept = Journal(clock, lambda: "RQ1", keep=kept_rows.append)
    kept.begin(WEBHOOK, WEBHOOK.url)
    kept_rows.clear()
    reports = [VerbReport(f"/Response/Pause[{number}]", number) for number in range(1, 10_001)]
    for report in reports:
        report.outcome = Outcome.RAN
        kept.verbs("RQ1", reports)
    assert kept_rows == []
    clock.advance(1.0)
    assert [len(row.verbs) for row in kept_rows] == [10_000]
    kept.verbs("RQ1", reports)
    kept.flush()
    assert len(kept_rows) == 2
    assert {verb["outcome"] for verb in kept_rows[-1].verbs} == {"ran"}


def test_what_was_found_in_a_document_is_kept_with_its_request() -> None:
    told: list[RequestRow] = []
    kept = made(keep=told.append)
    request_id = kept.begin(WEBHOOK, WEBHOOK.url)
    finding = Finding(13230, "muted must be", line=3, path="/Response/Dial[1]/Conference[1]", attribute="muted")
    kept.found(request_id, [finding])
    kept.found(request_id, [Finding(16020, "full", "error")])
    assert told[1].findings == (
        {
            "code": 13230,
            "level": "warning",
            "message": "muted must be",
            "line": 3,
            "column": None,
            "path": "/Response/Dial[1]/Conference[1]",
            "attribute": "muted",
        },
    )
    assert [entry["code"] for entry in told[-1].findings] == [13230, 16020]


def test_the_findings_of_a_long_document_are_told_with_its_verbs() -> None:
    clock = VirtualClock()
    kept_rows: list[RequestRow] = []
    kept = Journal(clock, lambda: "RQ1", keep=kept_rows.append)
    kept.begin(WEBHOOK, WEBHOOK.url)
    kept.verbs("RQ1", [VerbReport(f"/Response/Pause[{number}]", number) for number in range(1, 200)])
    kept_rows.clear()
    for _ in range(100):
        kept.found("RQ1", [Finding(12200, "not built yet")])
    assert kept_rows == []
    clock.advance(1.0)
    assert [len(row.findings) for row in kept_rows] == [100]


def test_prompts_count_as_verbs() -> None:
    kept = made()
    kept.begin(WEBHOOK, WEBHOOK.url)
    prompts = [VerbReport("/Response/Gather[1]/Say[1]", 1) for _ in range(journal_module.VERBS_AT_ONCE_MAX)]
    kept.verbs("RQ1", [VerbReport("/Response/Gather[1]", 1, children=prompts)])
    row = kept.get("RQ1")
    assert row is not None
    assert row.verbs == ()


def test_a_refused_document_keeps_its_answer() -> None:
    kept = made()
    whole(kept)
    kept.refused("RQ1", 12100, "not well formed")
    row = kept.get("RQ1")
    assert row is not None
    assert (row.status, row.body, row.error) == (200, "<Response/>", {"code": 12100, "message": "not well formed"})


def test_memory_is_bounded_in_number_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "ENTRIES_MAX", 3)
    kept = made()
    for _ in range(5):
        kept.begin(WEBHOOK, WEBHOOK.url)
    assert [row.id for row in kept.rows()] == ["RQ5", "RQ4", "RQ3"]
    kept.answered("RQ1", 200, 1, {}, b"")  # gone: harmless
    monkeypatch.setattr(journal_module, "ENTRIES_BYTES_MAX", 10_000)
    kept.begin(replace(WEBHOOK, parameters=(("Body", "x" * 9000),)), WEBHOOK.url)
    assert [row.id for row in kept.rows()] == ["RQ6"]


def test_a_long_body_is_cut() -> None:
    kept = made()
    request_id = kept.begin(WEBHOOK, WEBHOOK.url)
    kept.answered(request_id, 200, 1, {}, b"\xff" * 200_000)
    row = kept.get(request_id)
    assert row is not None
    assert row.body is not None
    assert len(row.body) == journal_module.BODY_CHARACTERS_MAX
