"""What a user gets for what cannot be done: the right exit code, one sentence of at most four lines with the remedy, and no traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import Left, roomtone

FREE = ("--http", "127.0.0.1:0", "--sip", "127.0.0.1:0")


def refused(left: Left, code: int, *says: str) -> None:
    assert left.code == code, left.err
    assert left.out == ""
    assert "Traceback" not in left.err
    lines = [
        line for line in left.err.splitlines() if not line.startswith("{") and not line.startswith("The application")
    ]
    assert 1 <= len(lines) <= 4, left.err
    for text in says:
        assert text in left.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["users", "ls"], 2, "not built yet"),
        (["recordings"], 2, "not built yet"),
        (["lint", "--dialect", "twilio", "file.xml"], 2, "not built yet"),
        (["call", "demo", "--expect", "joy"], 2, "hears:700"),
        (["call", "demo", "--tone", "500", "--say", "x"], 2, "one of --say"),
        (["call", "demo", "--keys", "x"], 2, "no key x"),
        (["call", "demo", "--play", "none.wav"], 2, "none.wav"),
        (["call", "demo", "--record", "no/such/x.wav"], 2, "there is no folder no/such"),
        (["call", "demo", "--record", "."], 2, "it is a folder"),
        (["call", ""], 2, "sip:USER@HOST:PORT"),
        (["call", "de mo"], 2, "sip:USER@HOST:PORT"),
        (["call", "sip:anna@no-such-host.invalid"], 3, "no-such-host.invalid cannot be resolved"),
        (["rooms", "--url", "ftp://x"], 2, "--url"),
        (["rooms", "--url", "http://127.0.0.1:1"], 3, "roomtone dev"),
        (["call", "demo", "--url", "http://127.0.0.1:1"], 3, "http://127.0.0.1:1"),
        (["dev", "--map", "x", "http://localhost:1"], 2, "PUBLIC=LOCAL"),
        (["dev", "rooms"], 2, "roomtone dev http://localhost:5000/voice"),
        (["dev", "--", "true"], 2, "roomtone dev http"),
        (["dev", "http://localhost:1", "--", "no-such-command"], 5, "no-such-command"),
        (["dev", "http://localhost:1", "--http", "0.0.0.0:0"], 2, "--token"),
        (["dev", "ftp://localhost:1"], 2, "http://"),
        (["dev", "http://localhost:1", "--number", "1 2"], 2, "numbers.number"),
        (["serve", "--config", "none.toml"], 2, "none.toml"),
        (["serve", "--http", "8080"], 2, "HOST:PORT"),
        (["serve", "--data", "/dev/null/data", *FREE], 2, "server.data"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    refused(roomtone(*arguments, folder=tmp_path), code, says)


@pytest.mark.parametrize(
    ("setting", "kind", "arguments"),
    [
        ("server.http", socket.SOCK_STREAM, ("--http", "{}", "--sip", "127.0.0.1:0")),
        ("sip.udp", socket.SOCK_DGRAM, ("--sip", "{}", "--http", "127.0.0.1:0")),
    ],
)
def test_a_port_in_use_is_named_with_its_setting(
    tmp_path: Path, setting: str, kind: socket.SocketKind, arguments: tuple[str, ...]
) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        left = roomtone("dev", "http://localhost:1", *(text.format(address) for text in arguments), folder=tmp_path)
    refused(left, 2, setting, "in use")


def test_an_unknown_command_or_option_is_usage(tmp_path: Path) -> None:
    assert roomtone("nonsense", folder=tmp_path).code == 2
    assert roomtone("rooms", "--nonsense", folder=tmp_path).code == 2


def test_an_error_is_an_object_with_json(tmp_path: Path) -> None:
    left = roomtone("rooms", "--json", "--url", "http://127.0.0.1:1", folder=tmp_path)
    assert left.code == 3
    assert set(left.json["error"]) == {"code", "message", "remedy"}


@pytest.mark.parametrize(
    ("arguments", "message", "remedy"),
    [
        (["call", "--json"], "target", "roomtone call --help"),
        (["rooms", "--json", "--nonsense"], "--nonsense", "roomtone rooms --help"),
        (["debug", "--json", "--limit", "0"], "--limit", "roomtone debug --help"),
        (["nonsense", "--json"], "nonsense", "roomtone --help"),
    ],
)
def test_a_mistake_on_the_command_line_is_an_object_too(
    tmp_path: Path, arguments: list[str], message: str, remedy: str
) -> None:
    left = roomtone(*arguments, folder=tmp_path)
    assert left.code == 2
    assert left.err == ""
    error = left.json["error"]
    assert error["code"] == "usage"
    assert message in error["message"]
    assert remedy in error["remedy"]


@pytest.mark.parametrize("command", ["--help", "dev --help", "numbers --help", "numbers add --help"])
def test_help(tmp_path: Path, command: str) -> None:
    left = roomtone(*command.split(), folder=tmp_path)
    assert left.code == 0
    assert "Usage:" in left.out


def test_a_mistyped_command_gets_the_nearest(tmp_path: Path) -> None:
    assert "Did you mean 'doctor'" in roomtone("docter", folder=tmp_path).err


def test_help_has_whole_sentences_and_what_is_not_built_at_its_end(tmp_path: Path) -> None:
    shown = roomtone("--help", folder=tmp_path, COLUMNS="80").out
    built, heading, later = shown.partition("\nNot built yet")
    assert heading
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "..." not in shown.partition("Options:")[2]
    assert built.index("\nStart a server:\n  dev ") < built.index(":\n  call ") < built.index("\nSet it up:\n")
    assert "\n  config " in built
    assert "\n  trunks " in later


def test_every_command_of_the_reference_is_known(tmp_path: Path) -> None:
    known = roomtone("--help", folder=tmp_path).out
    names = """dev serve call rooms room why watch calls numbers users trunks accounts recordings requests callbacks debug lint
    doctor config reload migrate backup version completion bench test exec listen trace"""
    for name in names.split():
        assert f"\n  {name} " in known


def test_version(tmp_path: Path) -> None:
    assert roomtone("version", folder=tmp_path).out.startswith("roomtone ")
    assert roomtone("version", "--json", folder=tmp_path).json["version"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(tmp_path: Path, shell: str) -> None:
    assert "roomtone" in roomtone("completion", shell, folder=tmp_path).out


def test_light_commands_do_not_load_the_server() -> None:
    code = "import sys, roomtone.cli.main; print([name for name in sys.modules if name in %r])"
    heavy = (
        "sqlalchemy",
        "fastapi",
        "numpy",
        "aiohttp",
        "roomtone._native",
        "roomtone.server",
        "pydantic",
        "rich.console",
    )
    done = subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
