"""The command line as a user has it: `python -m roomtone` in a process of its own, in an empty folder, without the user's own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS_MAX = 60


@dataclass(frozen=True)
class Left:
    """How a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOMTONE_")}
    return kept | {"NO_COLOR": "1"} | more


def roomtone(*arguments: str, folder: Path, **variables: str) -> Left:
    done = subprocess.run(
        [sys.executable, "-m", "roomtone", *arguments],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return Left(done.returncode, done.stdout, done.stderr)
