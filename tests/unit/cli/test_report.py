"""What a robot caller prints, and in which order; how several robots are called."""

from __future__ import annotations

import itertools
import json

import pytest

from roomtone.cli.report import Report
from roomtone.cli.robot import name_of


class Hand:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def told(capsys: pytest.CaptureFixture[str]) -> list[tuple[float, str]]:
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(row["after"], row["event"]) for row in rows]


def test_a_beep_that_is_recognised_late_stands_before_what_came_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Hand()
    report = Report(clock, late_s=2.5, call=1, who="", json_=True)
    report.tell("calling")
    clock.now_s += 3.0
    report.answered()
    assert told(capsys) == [(0.0, "calling"), (0.0, "answered")], "nothing earlier can come"
    clock.now_s += 4.0
    report.tell("hears")
    clock.now_s += 0.5
    report.tell("beep", ago_s=1.4)
    assert told(capsys) == []
    clock.now_s += 1.2
    report.release()
    assert told(capsys) == [(3.1, "beep")]
    report.tell("over")
    report.flush()
    assert told(capsys) == [(4.0, "hears"), (5.7, "over")]


def test_before_the_answer_lines_come_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    clock = itertools.count(100.0, 0.001)
    report = Report(lambda: next(clock), late_s=2.5, call=1, who="", json_=True)
    report.tell("calling")
    assert [event for _, event in told(capsys)] == ["calling"]
    report.answered()
    assert told(capsys) == [(0.0, "answered")]


@pytest.mark.parametrize(
    ("caller", "names"),
    [
        ("u", ["u-1", "u-2", "u-3"]),
        ("+15550199", ["+15550199", "+15550200", "+15550201"]),
        ("00099", ["00099", "00100", "00101"]),
        ("sip:ann@far.example", ["sip:ann-1@far.example", "sip:ann-2@far.example", "sip:ann-3@far.example"]),
    ],
)
def test_several_robots_have_names_of_their_own(caller: str, names: list[str]) -> None:
    assert [name_of(caller, number, 3) for number in (1, 2, 3)] == names
    assert name_of(caller, 1, 1) == caller
