"""What became of each verb, as its request shows it."""

from __future__ import annotations

from collections.abc import Sequence

from roomtone.calls.document import Document
from roomtone.calls.reports import Reports
from roomtone.calls.verbs.gather import Gather
from roomtone.calls.verbs.hangup import Hangup
from roomtone.calls.verbs.say import Say
from roomtone.clock import VirtualClock
from roomtone.webhooks.report import Outcome, VerbReport


def _outcomes(reports: Sequence[VerbReport]) -> list[tuple[str, str]]:
    return [(report.path, report.outcome.value) for report in reports]


def test_verbs_stand_in_the_order_of_the_text_the_ignored_among_them() -> None:
    document = Document(
        verbs=(Say(text="a", path="/Response/Say[1]", line=2), Hangup(path="/Response/Hangup[1]", line=4)),
        ignored=(VerbReport("/Response/Foo[1]", 3, Outcome.IGNORED, "unknown", 12200),),
    )
    reports = Reports(document, VirtualClock(), lambda _: None)
    assert _outcomes(reports.all) == [
        ("/Response/Say[1]", "not_reached"),
        ("/Response/Foo[1]", "ignored"),
        ("/Response/Hangup[1]", "not_reached"),
    ]


def test_each_change_is_told_with_its_time() -> None:
    clock = VirtualClock()
    say = Say(text="a", path="/Response/Say[1]", line=2)
    told: list[list[tuple[str, str]]] = []
    reports = Reports(Document(verbs=(say,)), clock, lambda all_: told.append(_outcomes(all_)))
    clock.advance(1.5)
    reports.started(say)
    clock.advance(2.0)
    reports.ended(say)
    assert told == [[("/Response/Say[1]", "not_reached")], [("/Response/Say[1]", "ran")], [("/Response/Say[1]", "ran")]]
    (report,) = reports.all
    assert (report.started, report.ended) == ("2026-01-01T00:00:01.500Z", "2026-01-01T00:00:02.000Z")


def test_two_equal_verbs_are_two() -> None:
    first, second = Hangup(), Hangup()
    reports = Reports(Document(verbs=(first, second)), VirtualClock(), lambda _: None)
    reports.started(second)
    assert [report.started is not None for report in reports.all] == [False, True]


def test_prompts_stand_inside_their_gather() -> None:
    prompt = Say(text="a", path="/Response/Gather[1]/Say[1]", line=3)
    gather = Gather(prompts=(prompt,), path="/Response/Gather[1]", line=2)
    reports = Reports(Document(verbs=(gather,)), VirtualClock(), lambda _: None)
    reports.started(prompt)
    (report,) = reports.all
    assert _outcomes(report.children) == [("/Response/Gather[1]/Say[1]", "ran")]


def test_close_ends_only_what_still_runs() -> None:
    running, waiting = Say(text="a"), Say(text="b")
    reports = Reports(Document(verbs=(running, waiting)), VirtualClock(), lambda _: None)
    reports.started(running)
    reports.close((running, waiting), "cut short")
    assert [(report.outcome.value, report.reason) for report in reports.all] == [
        ("ran", "cut short"),
        ("not_reached", ""),
    ]
