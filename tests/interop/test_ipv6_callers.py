"""Callers over IPv6: the robot caller with sound, and sipp."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live import Live
from sipp import ACK, Sipp, audio, expect, invite, request

Hold = Callable[[Any], Any]


@pytest.fixture
def listening(hold: Hold, tmp_path: Path) -> Live:
    """A server with the demo application, on an IPv6 address."""
    return hold(Live(tmp_path / "server", host="[::1]"))


def test_robots_hear_each_other(listening: Live, hold: Hold) -> None:
    target = f"sip:demo@[::1]:{listening.port}"
    hold(listening.command("call", target, "--from", "mona", "--keys", "?3", "--tone", "700", "--seconds", "60"))
    listening.until_in_room("moderated", 1)
    listening.run("call", target, "--from", "lisa", "--keys", "?1", "--expect", "hears:700", "--seconds", "8")
    assert (listening.call_from("lisa") or {})["peer"].startswith("[::1]:")


def test_sipp_is_answered_with_an_address_that_it_reaches(listening: Live, tmp_path: Path) -> None:
    offer = audio(host="::1").replace("IP4", "IP6")
    answered = expect(200, has=["c=IN IP6 ::1", "Contact: *<sip:\\[::1\\]"])
    steps = (invite(offer), answered, ACK, request("BYE", cseq=2), expect(200))
    Sipp(tmp_path / "sipp", ("[::1]", listening.port), "demo", "sina", *steps).succeeds()
    assert listening.until_ended("sina")["end_reason"] == "the caller hung up"
