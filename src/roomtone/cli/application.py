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

from roomtone.cli.output import print_note
from roomtone.errors import ApplicationFailedError

__all__ = ["Application", "answers", "demo"]

END_S_MAX = 5.0
PROBE_S = 1.0
PROBES_BEFORE_WARNING = 3


class Application:
    """A process of its own group, so that an interrupt of ours is not also its own."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._ended_by_us = False
        try:
            self._process = subprocess.Popen(command, start_new_session=True)
        except OSError as error:
            raise ApplicationFailedError(
                "application_not_started",
                f"{command[0]} cannot be started ({error.strerror}).",
                "Look at what stands after --.",
            ) from None

    def when_failed(self, callback: Callable[[], None]) -> None:
        """Calls `callback`, in a thread, when the process ends by itself with an error. An application that ends well may have gone to the background."""

        def wait() -> None:
            code = self._process.wait()
            if code and not self._ended_by_us:
                print_note(f"roomtone: the application ({self._command[0]}) ended with {code}")
                callback()

        threading.Thread(target=wait, name="application", daemon=True).start()

    def end(self) -> None:
        """Asks it to end, and ends it when it does not. Again is harmless."""
        self._ended_by_us = True
        for wish in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, wish)
            except ProcessLookupError:
                return
            try:
                self._process.wait(END_S_MAX)
            except subprocess.TimeoutExpired:
                continue
            return

    def kill(self) -> None:
        """At once."""
        self._ended_by_us = True
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def demo() -> tuple[Application, str]:
    """The demo application on a free port of loopback, and the URL that answers calls."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "roomtone.demo.moderated", "--port", str(port)]
    return Application(command), f"http://127.0.0.1:{port}/voice"


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
