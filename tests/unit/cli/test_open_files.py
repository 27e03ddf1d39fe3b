"""A server asks for the files that its calls need, and for no more."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import resource
from roomtone.cli.open_files import raise_limit
from roomtone.settings.model import Settings
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
raise_limit(Settings.model_validate({{"limits": {{"calls": {calls}}}}}))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def _limit(soft: int, hard: int, calls: int) -> int:
    program = _PROGRAM.format(soft=soft, hard=hard, calls=calls)
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout)


def test_the_limit_is_raised_to_what_the_calls_need() -> None:
    assert _limit(256, 900, calls=100) == 500


def test_the_ceiling_is_respected() -> None:
    assert _limit(256, 900, calls=2000) == 900


def test_it_is_never_lowered() -> None:
    assert _limit(800, 900, calls=10) == 800
