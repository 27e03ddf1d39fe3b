"""Every decision has a test: the page that lists them is whole, and the tests it names are collected."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "decisions.md"

ROWS = [
    f"{part}{number}" for part, last in {"A": 29, "M": 6, "T": 17, "P": 18}.items() for number in range(1, last + 1)
]
WAITED_FOR = {
    "2008-08-01",
    "Plivo",
    "SignalWire",
    "browsers",
    "callbacks",
    "coach and labels",
    "gain and suppression",
    "hold",
    "hold and announcements",
    "recording",
    "users and trunks",
}

_ROW = re.compile(r"^\| ([AMTP]\d+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
_TEST = re.compile(r"`((?:sim|unit|wire)/[\w/]+\.py)::(test_\w+)`")
_LATER = re.compile(r"later, with ([\w\- ]+)")


def rows() -> dict[str, str]:
    """The last cell of each row, by its number."""
    return {number: proof for number, _, _, proof in _ROW.findall(PAGE.read_text())}


def test_every_row_is_there_once_and_in_order() -> None:
    assert [number for number, *_ in _ROW.findall(PAGE.read_text())] == ROWS


def test_every_row_names_a_test_or_what_it_waits_for() -> None:
    assert not [number for number, proof in rows().items() if not _TEST.search(proof) and not _LATER.search(proof)]
    unknown = {number: what for number, proof in rows().items() for what in _LATER.findall(proof)}
    assert not {number: what for number, what in unknown.items() if what not in WAITED_FOR}


def test_the_tests_that_are_named_are_collected() -> None:
    named = {match for proof in rows().values() for match in _TEST.findall(proof)}
    files = sorted({f"tests/{file}" for file, _ in named})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    listed = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True).stdout
    collected = {line.partition("[")[0] for line in listed.splitlines()}
    assert not [f"{file}::{test}" for file, test in sorted(named) if f"tests/{file}::{test}" not in collected]
