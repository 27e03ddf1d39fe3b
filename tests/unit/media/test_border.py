"""A native module that was built from other sources is refused with one sentence, by every command that needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import roomtone
from roomtone.media import border


def _package(folder: Path) -> Path:
    """A copy of ours, as links, whose page is a line longer."""
    ours = Path(roomtone.__file__).parent
    theirs = folder / "roomtone"
    theirs.mkdir()
    for entry in ours.iterdir():
        (theirs / entry.name).symlink_to(entry)
    page = theirs / "_native.pyi"
    page.unlink()
    page.write_text((ours / "_native.pyi").read_text() + "\n# one thing more\n")
    return theirs


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "roomtone", *command],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_ours_fits() -> None:
    border.check()


@pytest.mark.parametrize("command", [("dev",), ("call", "sip:1@127.0.0.1")])
def test_an_older_module_is_named_with_its_remedy(tmp_path: Path, command: tuple[str, ...]) -> None:
    _package(tmp_path)
    ended = _run(tmp_path, *command)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-2:] == [
        "roomtone: The media core (roomtone._native) was built from another version of the sources.",
        "Build it: make build",
    ]


def test_a_module_from_before_the_fingerprint_too(tmp_path: Path) -> None:
    package = _package(tmp_path)
    for module in package.glob("_native*.so"):
        module.unlink()
    (package / "_native.py").write_text("")
    assert "make build" in _run(tmp_path, "dev").stderr


def test_a_module_that_was_never_built(tmp_path: Path) -> None:
    package = _package(tmp_path)
    for module in package.glob("_native*.so"):
        module.unlink()
    ended = _run(tmp_path, "dev")
    assert ended.returncode == 1
    assert "cannot be loaded" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_commands_that_need_no_core_work(tmp_path: Path) -> None:
    _package(tmp_path)
    assert _run(tmp_path, "version").returncode == 0
