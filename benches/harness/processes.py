"""The processes of a bench: the server, the application, the echo, the telephones; each on the core that the run gives it.

Logs and settings stay in the bench's folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Cores", "Running", "application", "echo", "resident_kb", "run_load", "server"]

FOLDER = Path(__file__).resolve().parent
ECHO_PORT = 11000
LOAD_PORT = 18000
RTP_PORTS = (14000, 17998)
READY_LINES_MAX = 5
TICKING = ("media-", "roomtone-load")

_SETTINGS = """
[server]
data = "{data}"
http = "127.0.0.1:0"
workers = {workers}
drain_seconds = 0
[sip]
udp = "127.0.0.1:0"
tcp = ""
public = true
rtp_ports = [{rtp_ports[0]}, {rtp_ports[1]}]
[webhooks]
allow_networks = ["127.0.0.0/8"]
[rooms]
max_participants = 5000
[limits]
calls = 5000
calls_per_second = 100000
[[accounts]]
sid = "AC00000000000000000000000000000001"
token = "bench"
[[numbers]]
number = "+15550100"
voice_url = "http://127.0.0.1:{application}/talk"
[[numbers]]
number = "+15550101"
voice_url = "http://127.0.0.1:{application}/wait"
"""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core serves and which one loads (None: the scheduler decides). `goes_first`: load, echo and media threads, before whatever else runs here."""

    server: int | None
    load: int | None
    goes_first: bool = False

    @classmethod
    def of_this_machine(cls, goes_first: bool) -> Cores:
        """The first for the server, the last for the load; with a single one, no choice."""
        cores = sorted(os.sched_getaffinity(0))
        first, last = (cores[0], cores[-1]) if len(cores) > 1 else (None, None)
        return cls(first, last, goes_first)

    def serving(self, command: Sequence[str]) -> list[str]:
        """A command on the server's core."""
        first = ["nice", "-n", "-19"] if self.goes_first else []
        pinned = ["taskset", "-c", str(self.server)] if self.server is not None else []
        return [*first, *pinned, *command]

    def loading(self, command: Sequence[str]) -> list[str]:
        """A command on the load's core."""
        first = ["chrt", "--fifo", "1"] if self.goes_first else []
        pinned = ["taskset", "-c", str(self.load)] if self.load is not None else []
        return [*first, *pinned, *command]

    def put_first(self, pid: int) -> None:
        """Threads that tick go before whatever else runs here: the media threads of the server, the echo. Not the server's others, which must share."""
        if not self.goes_first:
            return
        for task in Path(f"/proc/{pid}/task").iterdir():
            if (task / "comm").read_text().startswith(TICKING):
                os.sched_setscheduler(int(task.name), os.SCHED_FIFO, os.sched_param(1))


@dataclass(frozen=True, slots=True)
class Running:
    """A process that is ready. `address`: HOST:PORT of its SIP (server); "" otherwise."""

    pid: int
    address: str = ""
    port: int = 0


@contextlib.contextmanager
def _process(command: Sequence[str], ready: str, log: Path) -> Iterator[tuple[int, str]]:
    """Its pid and the ready line."""
    with log.open("ab") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        lines = (process.stdout.readline() for _ in range(READY_LINES_MAX))
        line = next((line for line in lines if ready in line), "")
        if not line:
            raise RuntimeError(f"{command[0]} did not get ready; see {log}")
        yield process.pid, line
    finally:
        process.stdin.close()
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextlib.contextmanager
def application(cores: Cores, folder: Path) -> Iterator[Running]:
    """The application that answers at once."""
    command = cores.loading([sys.executable, str(FOLDER / "application.py")])
    with _process(command, "ready", folder / "application.log") as (pid, line):
        yield Running(pid, port=int(line.split()[1]))


@contextlib.contextmanager
def server(
    roomtone: Sequence[str], application_port: int, workers: int, cores: Cores, folder: Path
) -> Iterator[Running]:
    """The real server on a fresh data folder."""
    number = len(list(folder.glob("server-*.toml")))
    settings = folder / f"server-{number}.toml"
    data = folder / f"data-{number}"
    settings.write_text(_SETTINGS.format(data=data, workers=workers, rtp_ports=RTP_PORTS, application=application_port))
    command = cores.serving([*roomtone, "serve", "--config", str(settings)])
    with _process(command, "roomtone ready", folder / "server.log") as (pid, line):
        found = re.search(r"sip=sip:(\S+)", line)
        assert found, line
        cores.put_first(pid)
        yield Running(pid, address=found[1])


@contextlib.contextmanager
def echo(load: Path, legs: int, cores: Cores, folder: Path) -> Iterator[Running]:
    """The bare echo."""
    command = cores.serving([str(load), "echo", str(ECHO_PORT), str(legs)])
    with _process(command, "ready", folder / "echo.log") as (pid, _line):
        cores.put_first(pid)
        yield Running(pid, port=ECHO_PORT)


def run_load(load: Path, plan: dict[str, Any], cores: Cores, folder: Path) -> dict[str, Any]:
    """The telephones do what the plan says; what they report."""
    path = folder / "plan.json"
    path.write_text(json.dumps(plan))
    command = cores.loading([str(load), "run", str(path)])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    if done.stderr:
        print(done.stderr.strip(), file=sys.stderr)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def resident_kb(pid: int) -> int:
    """Resident memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0
