"""`roomtone dev` and `serve` as processes: the ready line, what the view tells, robot callers and the commands that look at a live room, and how it ends."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import environment, roomtone

FREE = ("--http", "127.0.0.1:0", "--sip", "127.0.0.1:0")
READY = re.compile(
    r"roomtone ready http=(http://127\.0\.0\.1:\d+) sip=(sip:127\.0\.0\.1:\d+)(?: number=(\S+))? account=(AC[0-9a-f]{32})\n"
)
SECONDS_MAX = 60


class Running:
    """A server process. `url` and `account` are those of its ready line."""

    def __init__(self, *arguments: str, folder: Path, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "roomtone", *arguments],
            cwd=folder,
            env=environment(ROOMTONE_SIP__RTP_PORTS="[0, 0]", **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.said: list[str] = []
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()
        self.first = self.process.stdout.readline()
        ready = READY.fullmatch(self.first)
        assert ready is not None, self.first + "".join(self.said)
        self.url, self.sip, self.number, self.account = ready.groups()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.said.append(line)
                self._news.notify_all()

    def says(self, text: str) -> bool:
        """Waits until standard error has it."""
        with self._news:
            return self._news.wait_for(lambda: any(text in line for line in self.said), SECONDS_MAX)

    def end(self, *signals: signal.Signals) -> int:
        for number in signals:
            self.process.send_signal(number)
        code = self.process.wait(SECONDS_MAX)
        assert self.process.stdout is not None
        assert self.process.stdout.read() == ""
        return code


def robot(*arguments: str) -> list[str]:
    """A robot caller as a process beside the test."""
    return [sys.executable, "-m", "roomtone", "call", "demo", *arguments]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running("dev", *FREE, folder=tmp_path_factory.mktemp("dev"))
    yield running
    assert running.end(signal.SIGTERM) == 0


def test_ready_line_and_probes_of_dev(dev: Running) -> None:
    assert dev.number == "+15550100"
    assert dev.account == "AC00000000000000000000000000000001"
    with urllib.request.urlopen(f"{dev.url}/readyz") as answer:
        assert answer.status == 200
    assert dev.says('roomtone call demo --from carla --keys "?3" --tone 700')


def test_a_caller_in_the_menu_and_the_commands_that_look(dev: Running, tmp_path: Path) -> None:
    """A listener waits with music until the moderator comes; then each command tells who hears whom."""
    expected = ("--expect", "music", "--expect", "hears:700", "--expect", "ended")
    listener = subprocess.Popen(
        robot("--from", "listener", "--keys", "?1", "--seconds", "40", "--json", *expected),
        cwd=tmp_path,
        env=environment(ROOMTONE_URL=dev.url),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert dev.says("participant-join moderated")
    assert any("  Gather action=" in line and "ran" in line for line in dev.said)
    assert any("  Say “" in line for line in dev.said)
    moderator = roomtone(
        *("call", "demo", "--from", "moderator", "--keys", "?3", "--tone", "700", "--seconds", "10"),
        *("--expect", "answered", "--record", "heard.wav", "--json"),
        folder=tmp_path,
        ROOMTONE_URL=dev.url,
    )
    assert moderator.code == 0, moderator.err
    assert [row["event"] for row in moderator.rows[:2]] == ["calling", "answered"]
    assert moderator.rows[-1]["event"] == "over"
    assert (tmp_path / "heard.wav").read_bytes()[:4] == b"RIFF"
    out, _ = listener.communicate(timeout=SECONDS_MAX)
    assert listener.returncode == 0, out
    assert json.loads(out.splitlines()[-1])["missed"] == []
    assert dev.says("conference-end moderated participant-with-end-conference-on-exit-left")
    assert dev.says("Hangup                                    ran 0.0 s")
    order = [line.split()[1] for line in dev.said if re.match(r"\d\d:\d\d:\d\d (call-ringing|voice)", line)]
    assert order[:2] == ["call-ringing", "voice"], "as things happened"


@pytest.fixture(scope="module")
def caller(dev: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Somebody waits in the room, until the tests of this fixture are over."""
    folder = tmp_path_factory.mktemp("caller")
    waiting = subprocess.Popen(
        robot("--from", "+15551234", "--keys", "?2", "--seconds", "600"),
        cwd=folder,
        env=environment(ROOMTONE_URL=dev.url),
        stdout=subprocess.PIPE,
    )
    before = len(dev.said)
    with dev._news:
        dev._news.wait_for(lambda: any("participant-join" in line for line in dev.said[before:]), SECONDS_MAX)
    yield folder
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(SECONDS_MAX) == 130


def test_who_is_in_the_room(dev: Running, caller: Path) -> None:
    rooms = roomtone("rooms", "--json", folder=caller, ROOMTONE_URL=dev.url).json["rooms"]
    assert [(room["name"], room["status"]) for room in rooms] == [("moderated", "init")]
    picture = roomtone("room", "moderated", folder=caller, ROOMTONE_URL=dev.url)
    assert "+15551234" in picture.out
    assert "hears music" in picture.out
    why = roomtone("why", "moderated", "+15551234", "+15551234", folder=caller, ROOMTONE_URL=dev.url)
    assert why.code == 0
    assert "RQ" in why.out
    assert roomtone("why", "moderated", "+15551234", "nobody", folder=caller, ROOMTONE_URL=dev.url).code == 1
    assert roomtone("room", "elsewhere", folder=caller, ROOMTONE_URL=dev.url).code == 1


def test_requests_are_listed_shown_and_sent_again(dev: Running, caller: Path) -> None:
    requests = roomtone("requests", "--json", "--kind", "gather", folder=caller, ROOMTONE_URL=dev.url).json["requests"]
    shown = roomtone("requests", "get", requests[0]["id"], folder=caller, ROOMTONE_URL=dev.url)
    assert "Digits = 2" in shown.out
    assert "line 3   Dial" in shown.out
    again = roomtone("requests", "replay", requests[0]["id"], "--json", folder=caller, ROOMTONE_URL=dev.url)
    assert again.json["replay_of"] == requests[0]["id"]
    told = roomtone("requests", "get", again.json["id"], folder=caller, ROOMTONE_URL=dev.url)
    assert f"{again.json['id']}, a replay of {requests[0]['id']}" in told.out
    assert "gather (replay)" in roomtone("requests", folder=caller, ROOMTONE_URL=dev.url).out
    elsewhere = ("--to", "http://127.0.0.1:9/")
    assert roomtone("requests", "replay", requests[0]["id"], *elsewhere, folder=caller, ROOMTONE_URL=dev.url).code == 5


def test_resources_by_command(dev: Running, caller: Path) -> None:
    def run(*arguments: str) -> int:
        return roomtone(*arguments, folder=caller, ROOMTONE_URL=dev.url).code

    assert run("numbers", "add", "700", "http://127.0.0.1:5000/x") == 0
    assert run("numbers", "set", "700", "--voice-url", "http://127.0.0.1:5000/y") == 0
    assert run("numbers", "get", "700") == 0
    assert run("numbers", "rm", "700") == 0
    assert run("numbers", "rm", "demo") == 1
    assert run("accounts", "ls") == 0
    assert run("calls") == 0
    assert run("debug") == 0
    assert run("rooms", "--token", "wrong") == 2


def test_doctor_knows_a_server_of_ours_on_the_ports(dev: Running, tmp_path: Path) -> None:
    addresses = ("--http", dev.url.removeprefix("http://"), "--sip", dev.sip.removeprefix("sip:"))
    left = roomtone("doctor", *addresses, folder=tmp_path)
    assert left.code == 0, left.out
    assert "is in use, by a Roomtone server" in left.out
    assert list(tmp_path.iterdir()) == [], "to look is not to make"


def test_a_second_server_is_told_how_to_take_free_ports(dev: Running, tmp_path: Path) -> None:
    taken = dev.url.removeprefix("http://")
    left = roomtone("dev", "--http", taken, "--sip", "127.0.0.1:0", folder=tmp_path)
    assert left.code == 2
    assert f"{taken} is in use" in left.err
    assert "ROOMTONE_SERVER__HTTP=127.0.0.1:0" in left.err


def test_migrate_makes_no_folder_that_nobody_asked_for(tmp_path: Path) -> None:
    left = roomtone("migrate", folder=tmp_path)
    assert (left.code, list(tmp_path.iterdir())) == (0, [])
    assert "there is no database" in left.err
    assert roomtone("migrate", "--data", "kept", folder=tmp_path).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_call_that_nobody_takes(dev: Running, tmp_path: Path) -> None:
    assert roomtone("call", "nowhere", folder=tmp_path, ROOMTONE_URL=dev.url).code == 4
    assert roomtone("call", dev.sip.replace("sip:", "sip:nowhere@"), folder=tmp_path).code == 4


def test_sighup_reads_the_settings_again(tmp_path: Path) -> None:
    file = tmp_path / "roomtone.toml"
    file.write_text(FILE)
    running = Running("serve", *FREE, folder=tmp_path)
    client = {"ROOMTONE_URL": running.url, "ROOMTONE_ACCOUNT": running.account}
    client["ROOMTONE_TOKEN"] = (tmp_path / "data" / "account_token").read_text().strip()

    def numbers() -> dict[str, tuple[str, bool]]:
        rows = roomtone("numbers", "--json", folder=tmp_path, **client).json["numbers"]
        return {row["number"]: (row["voice_url"], row["enabled"]) for row in rows}

    file.write_text(FILE.replace("+15550100", "+15550101") + "[rooms]\nmax_participants = 9\n")
    running.process.send_signal(signal.SIGHUP)
    assert running.says('"settings.reloaded"')
    assert running.says("rooms.max_participants")
    after = {"+15550100": ("http://127.0.0.1:9/voice", False), "+15550101": ("http://127.0.0.1:9/voice", True)}
    assert numbers() == after
    file.write_text("[[numbers]]\n")
    running.process.send_signal(signal.SIGHUP)
    assert running.says('"settings.not_reloaded"')
    assert running.says("numbers.number: is missing")
    assert numbers() == after
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "roomtone.sqlite")) as database:
        database.execute("CREATE TRIGGER f BEFORE INSERT ON numbers BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    file.write_text(FILE.replace("+15550100", "+15550102"))
    running.process.send_signal(signal.SIGHUP)
    assert running.says("disk full")
    assert numbers() == after
    assert running.end(signal.SIGTERM) == 0


FILE = '[[numbers]]\nnumber = "+15550100"\nvoice_url = "http://127.0.0.1:9/voice"\n'


def test_a_file_with_one_number_serves_and_keeps_its_account(tmp_path: Path) -> None:
    (tmp_path / "roomtone.toml").write_text(FILE)
    running = Running("serve", *FREE, folder=tmp_path)
    assert running.number is None
    for name in ("admin_token", "account_token"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600
    token = (tmp_path / "data" / "account_token").read_text().strip()
    left = roomtone(
        "numbers",
        "--json",
        folder=tmp_path,
        ROOMTONE_URL=running.url,
        ROOMTONE_ACCOUNT=running.account,
        ROOMTONE_TOKEN=token,
    )
    assert left.json["numbers"][0]["source"] == "file"
    assert running.end(signal.SIGTERM) == 0
    assert all(json.loads(line)["event"] for line in running.said)
    again = Running("serve", *FREE, folder=tmp_path)
    assert again.account == running.account
    assert again.end(signal.SIGINT) == 0
    assert again.says("server.draining")
    assert all(json.loads(line)["event"] for line in again.said)


def test_an_application_that_does_not_answer_is_a_warning(tmp_path: Path) -> None:
    running = Running("dev", "http://127.0.0.1:9/voice", *FREE, folder=tmp_path)
    assert running.says("nothing answers at http://127.0.0.1:9/voice")
    assert running.end(signal.SIGTERM) == 0


def test_the_application_is_looked_for_where_the_map_leads(tmp_path: Path) -> None:
    """By the same rule as the requests: the longest public side that ends where a part of the URL does."""
    maps = ("http://app.example=http://127.0.0.1:1", "http://app.example/voice=http://127.0.0.1:9/v")
    options = [word for pair in maps for word in ("--map", pair)]
    running = Running("dev", "http://app.example/voice", *options, *FREE, folder=tmp_path)
    assert running.says("nothing answers at http://127.0.0.1:9/v yet")
    assert running.end(signal.SIGTERM) == 0


def test_output_without_an_end_of_line_is_shown_in_pieces(tmp_path: Path) -> None:
    program = "import sys, time; sys.stdout.write('x' * 100_000); sys.stdout.flush(); time.sleep(600)"
    running = Running("dev", "http://127.0.0.1:9/", *FREE, "--", sys.executable, "-c", program, folder=tmp_path)
    assert running.says("app │ xxxxx")
    assert running.end(signal.SIGTERM) == 0


def test_an_application_that_fails_ends_dev(tmp_path: Path) -> None:
    """After the server was ready: the third to knock at its door, after two while it starts, is what waits for it to answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    program = (
        f"import socket, sys; door = socket.create_server({address})\n"
        "for _ in range(3): door.accept()[0].close()\n"
        "sys.stdout.write('last words'); sys.exit(3)"
    )
    url = f"http://127.0.0.1:{address[1]}/"
    running = Running("dev", url, *FREE, "--", sys.executable, "-c", program, folder=tmp_path)
    assert running.process.wait(SECONDS_MAX) == 5
    assert running.says("ended with 3")
    assert "app │ last words\n" in running.said, "nothing that it said is lost"


def test_an_application_that_fails_at_once_is_no_ready_server(tmp_path: Path) -> None:
    left = roomtone("dev", "http://127.0.0.1:9/", *FREE, "--", "false", folder=tmp_path)
    assert (left.code, left.out) == (5, "")
    assert "The application (false) ended with 1." in left.err


def test_an_address_that_is_not_ours_is_said_before_anything_starts(tmp_path: Path) -> None:
    options = ("--http", "127.0.0.1:0", "--sip", "192.0.2.10:5060", "--token", "x" * 32)
    left = roomtone("dev", *options, folder=tmp_path)
    assert (left.code, left.out) == (2, "")
    assert "sip.udp" in left.err
    assert "demo │" not in left.err


def test_two_interrupts_leave_at_once(tmp_path: Path) -> None:
    """A room would get its half hour; the second interrupt does not wait for it."""
    (tmp_path / "roomtone.toml").write_text("[server]\ndrain_seconds = 1800\n")
    running = Running("dev", *FREE, folder=tmp_path)
    waiting = subprocess.Popen(
        robot("--seconds", "600"),
        cwd=tmp_path,
        env=environment(ROOMTONE_URL=running.url),
        stdout=subprocess.DEVNULL,
    )
    assert running.says("call-answered")
    running.process.send_signal(signal.SIGINT)
    assert running.says("interrupt again")
    assert running.end(signal.SIGINT) == 130
    waiting.kill()
    waiting.wait()
