"""Commands beside a server with other people's phones on it: robots that are disappointed, what `watch` tells, and how a server takes leave of its callers."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from baresip import Baresip
from live import Live, free_port, until
from rtp_phone import RtpPhone
from shared import Shared
from sipp import ACK, BYE, Sipp, expect, invite, refused

Hold = Callable[[Any], Any]


def test_an_expectation_that_does_not_hold_is_named_and_leaves_with_1(server: Shared) -> None:
    arguments = ("--expect", "answered", "--expect", "hears:1234", "--seconds", "2")
    robot = server.run("call", "stay", "--from", "dora", *arguments, code=1)
    assert "hears:1234 was expected and did not happen" in robot.err.text
    assert "answered was expected" not in robot.err.text
    assert "Traceback" not in robot.said


def test_a_number_that_nobody_answers_leaves_with_4(server: Shared) -> None:
    robot = server.run("call", "reject", "--from", "rita", "--json", code=4)
    (told,) = [row for row in robot.objects if row["event"] == "not answered"]
    assert "603" in told["reason"]


def test_an_address_where_nobody_listens_leaves_with_4(server: Shared) -> None:
    robot = server.command("call", f"sip:x@127.0.0.1:{free_port()};transport=tcp")
    assert robot.ends() == 4, robot.said
    assert "Traceback" not in robot.said


def test_watch_tells_what_happens_and_watch_failed_only_what_went_wrong(
    server: Shared, hold: Hold, tmp_path: Path
) -> None:
    everything = hold(server.command("watch", "--json"))
    failures = hold(server.command("watch", "--failed"))
    server.web.documents["/broken"] = "<Response><Say>oops</Response>"

    def both_tell() -> bool:
        """A command that starts sees only what comes after; so another call is made until both have seen one."""
        told = bool(everything.out.seen and failures.out.seen)
        if not told:
            Sipp(tmp_path, server.address, "broken", "wanda", invite(), expect(500), refused()).succeeds()
        return told

    until(both_tell, "both have begun")
    line = everything.out.until('"call-ended"')
    assert '"type": "event"' in line.string
    everything.out.until('"type": "request"')
    everything.out.until('"type": "debug"')
    failures.out.until("error 12100")
    assert "call-ringing" not in failures.out.text


def test_at_the_end_everybody_is_hung_up(hold: Hold, tmp_path: Path) -> None:
    """SIGTERM: BYE to baresip and to sipp, exit 0, and nothing on standard error that looks like a fault."""
    server = hold(Live(tmp_path / "server"))
    phone = hold(Baresip(tmp_path / "baresip", "anna"))
    phone.dial(server.uri("demo"))
    ear = hold(RtpPhone())
    sipp = hold(Sipp(tmp_path, server.address, "demo", "ida", invite(), expect(200), ACK, BYE, media=ear.port))
    server.until_listening("ida")
    ear.press("2")
    server.until_in_room("moderated", 1)
    server.signal(signal.SIGTERM)
    assert server.ends() == 0
    sipp.succeeds()
    phone.until_event("CALL_CLOSED")
    assert "Traceback" not in server.err.text
    assert "[error]" not in server.err.text


DRAINING = """
[server]
drain_seconds = 600
[sip]
rtp_ports = [0, 0]
"""


def test_while_it_drains_the_room_goes_on_and_nobody_new_comes_in(hold: Hold, tmp_path: Path) -> None:
    """SIGINT once: 503 for the next caller and on `/readyz`, the room is left alone. Twice: at once, with 130."""
    server = hold(Live(tmp_path / "server", settings=DRAINING))
    ear = hold(RtpPhone())
    sipp = hold(Sipp(tmp_path, server.address, "demo", "ida", invite(), expect(200), ACK, BYE, media=ear.port))
    server.until_listening("ida")
    ear.press("2")
    server.until_in_room("moderated", 1)
    server.signal(signal.SIGINT)
    server.err.until("draining")
    until(lambda: _status(f"{server.url}/readyz") == 503, "it says that it is not ready")
    late = Sipp(tmp_path, server.address, "demo", "late", invite(), expect(503, has=["Retry-After"]), refused())
    late.succeeds()
    assert "reason=draining" in server.err.until(r".*sip\.rejected.*")[0]
    ear.until_sounds()
    assert server.room("moderated") is not None
    server.signal(signal.SIGINT)
    assert server.ends(10) == 130
    assert sipp.process.poll() is None, "there was no time for a BYE"


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
