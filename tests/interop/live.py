"""Programs in child processes, and the server among them: what they print, when they end, and what the server's API says meanwhile.

Real time, but no sleeps: whoever waits names what for and how long at most, and is told what was there instead. The deadlines are for a loaded machine.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

from roomtone.cli.client import Client
from roomtone.clock import LiveClock
from roomtone.settings.identity import ACCOUNT_SID, TOKEN

__all__ = ["ROOMTONE", "WAIT_S", "Live", "Program", "free_port", "until"]

ROOMTONE = str(Path(sys.executable).with_name("roomtone"))
WAIT_S = 30.0
POLL_S = 0.05

Value = TypeVar("Value")
Json = dict[str, Any]

_clock = LiveClock()


def until(ask: Callable[[], Value | None], what: str, seconds: float = WAIT_S) -> Value:
    """Asks until the answer is true, and returns it. AssertionError with `what` and the last answer."""
    pause = threading.Event()
    deadline_s = _clock.now() + seconds
    while not (answer := ask()):
        assert _clock.now() < deadline_s, f"not in {seconds:g} s: {what}; last: {answer!r}"
        pause.wait(POLL_S)
    return answer


def free_port() -> int:
    """One that is free for UDP and TCP alike: the server's two take the same, so that both are known."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return int(tcp.getsockname()[1])


class Lines:
    """What a program prints on one stream, as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self.seen: list[str] = []
        self._changed = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            with self._changed:
                self.seen.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def until(self, pattern: str, seconds: float = WAIT_S, after: int = 0) -> re.Match[str]:
        """The first line, from line `after` on, in which `pattern` is found."""

        def found() -> re.Match[str] | None:
            return next((match for line in self.seen[after:] if (match := re.search(pattern, line))), None)

        with self._changed:
            self._changed.wait_for(lambda: self._is_over or found(), seconds)
            match = found()
        assert match, f"no line with {pattern!r} in {seconds:g} s:\n{self.text}"
        return match

    def join(self) -> None:
        """Returns when the stream is closed."""
        self._thread.join(WAIT_S)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.seen)


class Program:
    """A child process. `stop` it at the end, whatever has become of it."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ROOMTONE_")}
        self.name = " ".join(command)
        self.process = subprocess.Popen(
            command,
            env=clean | {"PYTHONUNBUFFERED": "1"} | dict(environment or {}),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def ends(self, seconds: float = WAIT_S) -> int:
        """Its exit code. AssertionError with all that it said when it does not end."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} has not ended in {seconds:g} s\n{self.said}") from None
        self.out.join()
        self.err.join()
        return code

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """Ends it. Again is harmless."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                return
            self.process.send_signal(number)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                continue

    @property
    def said(self) -> str:
        """For whoever looks at a failure."""
        return f"--- out\n{self.out.text}\n--- err\n{self.err.text}"

    @property
    def objects(self) -> list[Json]:
        """Standard output of a `--json` command."""
        return [json.loads(line) for line in self.out.seen if line]


class Live(Program):
    """A server that is ready. `settings`: a roomtone.toml that it finds in its folder."""

    def __init__(
        self, folder: Path, *arguments: str, settings: str = "[sip]\nrtp_ports = [0, 0]\n", host: str = "127.0.0.1"
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "roomtone.toml").write_text(settings)
        where = ["--http", "127.0.0.1:0", "--sip", f"{host}:{free_port()}"]
        super().__init__([ROOMTONE, "dev", *where, *arguments], folder=folder)
        try:
            ready = self.out.until(r"^roomtone ready http=(\S+) sip=sip:([\d.]+|\[[\da-f:]+\]):(\d+)", 60)
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.said}") from None
        self.url = ready[1]
        self.host = ready[2]
        self.port = int(ready[3])
        self.client = Client(self.url, ACCOUNT_SID, TOKEN)

    @property
    def address(self) -> tuple[str, int]:
        """Of SIP, over UDP and TCP."""
        return self.host, self.port

    def uri(self, number: str) -> str:
        """Of a number of this server."""
        return f"sip:{number}@{self.host}:{self.port}"

    def command(self, *arguments: str) -> Program:
        """A client command that looks at this server."""
        return Program([ROOMTONE, *arguments], environment={"ROOMTONE_URL": self.url})

    def run(self, *arguments: str, code: int = 0) -> Program:
        """The same, ended with that exit code."""
        program = self.command(*arguments)
        assert program.ends() == code, program.said
        return program

    # --- what the API says --------------------------------------------------------------------------------------------

    def calls(self, limit: int = 1000, **query: Any) -> list[Json]:
        """Newest first."""
        return list(self.client.get("/calls", limit=limit, **query)["calls"])

    def call_from(self, caller: str) -> Json | None:
        """The newest call of that caller (user part of its From)."""
        return next(
            (call for call in self.calls() if f":{caller}@" in call["from_uri"] or call["from_uri"] == caller),
            None,
        )

    def until_call(self, caller: str, holds: Callable[[Json], object], what: str, seconds: float = WAIT_S) -> Json:
        """The newest call of that caller, as soon as that holds of it."""

        def ask() -> Json | None:
            call = self.call_from(caller)
            return call if call is not None and holds(call) else None

        try:
            return until(ask, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\nnewest calls: {self.calls(limit=3)}") from None

    def until_listening(self, caller: str) -> Json:
        """Its call, when a Gather takes its keys."""
        return self.until_call(caller, lambda call: call["listening"], f"{caller} is listened to")

    def until_ended(self, caller: str, seconds: float = WAIT_S) -> Json:
        """Its call, when it has ended."""
        return self.until_call(caller, lambda call: call["ended_at"], f"the call of {caller} ends", seconds)

    def room(self, name: str) -> Json | None:
        """None when there is none of that name."""
        return next((room for room in self.client.get("/rooms")["rooms"] if room["name"] == name), None)

    def until_in_room(self, name: str, participants: int) -> Json:
        """The room, when it has so many participants."""

        def ask() -> Json | None:
            room = self.room(name)
            return room if room and len(room["participants"]) == participants else None

        return until(ask, f"{participants} are in {name}")

    def until_no_room(self, name: str) -> None:
        """Returns when it is gone."""
        until(lambda: self.room(name) is None, f"{name} is gone")

    def debug_codes(self, call_sid: str) -> list[int]:
        """Numbers of the debug log's entries of one call, oldest first."""
        return [entry["code"] for entry in reversed(self.client.get("/debug", call_sid=call_sid)["debug"])]

    def metrics(self) -> dict[str, float]:
        """`/metrics`: each line's name with its labels, and its value."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=WAIT_S) as answer:
            text = answer.read().decode()
        rows = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in rows}
