"""The user's application as a process beside `roomtone dev`: started with it, ended with it. Without one, the demo application."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from roomtone.cli.output import is_live, print_note
from roomtone.errors import ApplicationFailedError

__all__ = ["Application", "answers", "demo"]

END_S_MAX = 5.0
PROBE_S = 1.0
PROBES_BEFORE_WARNING = 3
STARTING_PROBE_S = 0.1
STARTING_PROBES_MAX = 50
OUTPUT_END_S_MAX = 1.0
LINE_BYTES_MAX = 65536
"""Of what the application prints; a longer line is shown in pieces."""


class Application:
    """A process of its own group, so that an interrupt of ours is not also its own. What it prints comes out line by line on our standard error."""

    def __init__(self, command: Sequence[str], name: str = "app") -> None:
        self._command = list(command)
        self._name = name
        self._ended_by_us = False
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def start(self, url: str, is_over: Callable[[], bool]) -> None:
        """Starts it, and returns when it answers at `url`, a while has passed, or `is_over`. ApplicationFailedError when it cannot be started, or ends with an
        error meanwhile.
        """
        self._reader = threading.Thread(target=self._relay, args=(self._spawn(),), name="output", daemon=True)
        self._reader.start()
        pause, was_there = threading.Event(), False
        for _ in range(STARTING_PROBES_MAX):
            pause.wait(STARTING_PROBE_S)
            assert self._process is not None
            if self._process.poll():
                raise self._failure(self._process.returncode)
            is_there = answers(url)
            if is_over() or (is_there and was_there):
                return
            was_there = is_there

    def _spawn(self) -> int:
        """The file to read its output from: on a terminal of ours a terminal of its own, so that it keeps its colours."""
        ours, its = os.openpty() if is_live(stderr=True) else os.pipe()
        try:
            self._process = subprocess.Popen(
                self._command,
                start_new_session=True,
                stdout=its,
                stderr=its,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        except OSError as error:
            os.close(ours)
            raise ApplicationFailedError(
                "application_not_started",
                f"{self._command[0]} cannot be started ({error.strerror}).",
                "Look at what stands after --.",
            ) from None
        finally:
            os.close(its)
        return ours

    def _relay(self, output: int) -> None:
        rest = b""
        while True:
            try:
                data = os.read(output, LINE_BYTES_MAX)
            except OSError:  # how a terminal says that nobody writes to it any more
                data = b""
            *lines, rest = (rest + data).split(b"\n")
            if rest and (not data or len(rest) >= LINE_BYTES_MAX):
                lines, rest = [*lines, rest], b""
            for line in lines:
                text = line.decode(errors="replace").rstrip("\r")
                sys.stderr.write(f"{self._name} │ {text}\n")
            sys.stderr.flush()
            if not data:
                os.close(output)
                return

    def _failure(self, code: int) -> ApplicationFailedError:
        self._ended_by_us = True
        self._finish_output()
        return ApplicationFailedError(
            "application_ended",
            f"The application ({self._command[0]}) ended with {code}.",
            "What it said stands above, where it said something.",
        )

    def _finish_output(self) -> None:
        if self._reader is not None:
            self._reader.join(OUTPUT_END_S_MAX)  # whom it left behind may hold its output open

    def when_failed(self, callback: Callable[[], None]) -> None:
        """Calls `callback`, in a thread, when the process ends by itself with an error. An application that ends well may have gone to the background."""

        def wait() -> None:
            assert self._process is not None
            code = self._process.wait()
            self._finish_output()
            if code and not self._ended_by_us:
                print_note(f"roomtone: the application ({self._command[0]}) ended with {code}")
                callback()

        threading.Thread(target=wait, name="application", daemon=True).start()

    def end(self) -> None:
        """Asks it to end, and ends it when it does not. Again is harmless."""
        self._ended_by_us = True
        if self._process is None:
            return
        for wish in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, wish)
            except ProcessLookupError:
                return
            try:
                self._process.wait(END_S_MAX)
            except subprocess.TimeoutExpired:
                continue
            break
        self._finish_output()

    def kill(self) -> None:
        """At once."""
        self._ended_by_us = True
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def demo() -> tuple[Application, str]:
    """The demo application, not started yet, on a free port of loopback, and the URL that answers calls."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "roomtone.demo.moderated", "--port", str(port)]
    return Application(command, "demo"), f"http://127.0.0.1:{port}/voice"


def answers(url: str) -> bool:
    """Whether something takes connections there. Asking the application itself could be a call to it."""
    parts = urlsplit(url)
    try:
        with socket.create_connection(
            (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)), PROBE_S
        ):
            return True
    except OSError:
        return False


def watch_over(url: str, ended: threading.Event) -> None:
    """Says, in a thread, when the application at `url` does not answer yet, and when it does."""

    def probe() -> None:
        failures = 0
        while not answers(url):
            failures += 1
            if failures == PROBES_BEFORE_WARNING:
                print_note(
                    f"roomtone: warning: nothing answers at {url} yet; start your application, calls will find it"
                )
            if ended.wait(PROBE_S):
                return
        if failures >= PROBES_BEFORE_WARNING:
            print_note(f"roomtone: {url} answers now")

    threading.Thread(target=probe, name="probe", daemon=True).start()
