"""A robot caller that is stopped, or fails, takes leave: what rings is cancelled, what talks is hung up."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from terminal import environment

SECONDS_MAX = 30.0
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"


class FarEnd:
    """A telephone by hand: one UDP socket."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(SECONDS_MAX)
        self.port = self._socket.getsockname()[1]
        self._peer = ("", 0)

    def until(self, method: str) -> str:
        """The next request of that method."""
        while True:
            data, self._peer = self._socket.recvfrom(65536)
            if data.startswith(f"{method} ".encode()):
                return data.decode()

    def answer(self, request: str, status: str, body: str = "") -> None:
        names = ("Via", "From", "To", "Call-ID", "CSeq")
        lines = [line for line in request.split("\r\n") if line.partition(":")[0] in names]
        lines = [f"{line};tag=far" if line.startswith("To:") and ";tag=" not in line else line for line in lines]
        kind = ["Content-Type: application/sdp"] if body else []
        head = [f"SIP/2.0 {status}", *lines, f"Contact: <sip:far@127.0.0.1:{self.port}>", *kind]
        self._socket.sendto("\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode(), self._peer)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    made = FarEnd()
    yield made
    made.close()


def robot(far_end: FarEnd, folder: Path, *more: str, url: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "roomtone", "call", f"sip:far@127.0.0.1:{far_end.port}", *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    variables = environment(**({"ROOMTONE_URL": url} if url else {}))
    return subprocess.Popen(command, cwd=folder, env=variables, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_call_that_rings_is_cancelled(far_end: FarEnd, tmp_path: Path, name: signal.Signals) -> None:
    with robot(far_end, tmp_path) as process:
        invite = far_end.until("INVITE")
        far_end.answer(invite, "180 Ringing")
        assert process.stdout is not None
        assert "calling" in process.stdout.readline()
        process.send_signal(name)
        cancel = far_end.until("CANCEL")
        far_end.answer(cancel, "200 OK")
        far_end.answer(invite, "487 Request Terminated")
        _, said = process.communicate(timeout=SECONDS_MAX)
    assert re.search(r"Call-ID: *(\S+)", cancel)[1] == re.search(r"Call-ID: *(\S+)", invite)[1]  # type: ignore[index]
    assert process.returncode == 130
    assert "Traceback" not in said


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_call_that_talks_is_hung_up(far_end: FarEnd, tmp_path: Path, name: signal.Signals) -> None:
    with robot(far_end, tmp_path) as process:
        far_end.answer(far_end.until("INVITE"), "200 OK", SDP)
        far_end.until("ACK")
        assert process.stdout is not None
        while "answered" not in process.stdout.readline():
            pass
        process.send_signal(name)
        far_end.answer(far_end.until("BYE"), "200 OK")
        summary, said = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 130
    assert "over interrupted" in summary
    assert "Traceback" not in said


class Stranger(BaseHTTPRequestHandler):
    """A server whose answers are not ours."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


def test_a_call_of_a_robot_that_fails_is_hung_up(far_end: FarEnd, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{stranger.server_port}"
        with robot(far_end, tmp_path, "--keys", "?1", "--seconds", "60", url=url) as process:
            far_end.answer(far_end.until("INVITE"), "200 OK", SDP)
            far_end.answer(far_end.until("BYE"), "200 OK")
            process.communicate(timeout=SECONDS_MAX)
        stranger.shutdown()
    assert process.returncode == 1


def test_a_robot_that_fails_takes_no_other_along(far_end: FarEnd, tmp_path: Path) -> None:
    (tmp_path / "heard-1.wav").mkdir()
    more = ("--from", "u", "--count", "2", "--seconds", "0.5", "--record", "heard.wav")
    with robot(far_end, tmp_path, *more) as process:
        invites: dict[str, str] = {}
        while len(invites) < 2:
            invite = far_end.until("INVITE")
            far_end.answer(invite, "180 Ringing")
            invites[re.search(r"From:.*sip:(u-\d)", invite)[1]] = invite  # type: ignore[index]
        far_end.answer(invites["u-1"], "200 OK", SDP)
        far_end.answer(far_end.until("BYE"), "200 OK")
        assert process.stdout is not None
        while "[u-1] over" not in process.stdout.readline():
            pass
        far_end.answer(invites["u-2"], "200 OK", SDP)
        far_end.answer(far_end.until("BYE"), "200 OK")
        told, said = process.communicate(timeout=SECONDS_MAX)
    assert "[u-2] over we hung up" in told
    assert process.returncode == 1
    assert "heard-1.wav cannot be written" in said
    assert (tmp_path / "heard-2.wav").read_bytes()[:4] == b"RIFF"


def test_a_call_that_nobody_takes_is_given_up_after_its_time(far_end: FarEnd, tmp_path: Path) -> None:
    with robot(far_end, tmp_path, "--ring", "0.5") as process:
        invite = far_end.until("INVITE")
        far_end.answer(invite, "180 Ringing")
        far_end.answer(far_end.until("CANCEL"), "200 OK")
        far_end.answer(invite, "487 Request Terminated")
        told, _ = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 4
    assert "not answered it rang for 0.5 s, and --ring says no longer" in told
