"""The server's log: what is on a line, and what never is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from roomtone import log


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)


def test_lines_are_json_with_time_level_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(text=False)
    structlog.get_logger("roomtone").info("sip.rejected", peer="192.0.2.1", reason="unknown number")
    logging.getLogger("uvicorn.error").error("of others %s", "too")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first["time"].endswith("Z")
    assert {name: first[name] for name in ("level", "event", "peer", "reason")} == {
        "level": "info",
        "event": "sip.rejected",
        "peer": "192.0.2.1",
        "reason": "unknown number",
    }
    assert (second["level"], second["event"]) == ("error", "of others too")


@pytest.mark.parametrize("text", [True, False])
def test_no_secrets_and_no_digits_not_even_in_a_traceback(capsys: pytest.CaptureFixture[str], text: bool) -> None:
    log.configure(text=text)
    password = "hush-" * 2
    try:
        raise ValueError(len(password))
    except ValueError:
        structlog.get_logger("roomtone").exception("failed", token=password, digits="4711")
    said = capsys.readouterr().err
    assert "failed" in said
    assert "ValueError" in said
    assert password not in said
    assert "4711" not in said
