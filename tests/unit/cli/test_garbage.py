"""A server that is ready keeps its own start out of garbage collections: each full one would hold every call up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from terminal import environment

SCRIPT = """
import gc
from roomtone.cli.running import Run
from roomtone.errors import ExitCode
from roomtone.settings.load import Layer, load_layers

values = {
    "server": {"data": None, "http": "127.0.0.1:0", "admin_token": "test"},
    "sip": {"udp": "127.0.0.1:0", "tcp": "", "rtp_ports": [0, 0]},
    "accounts": [{"sid": "AC" + "1" * 32, "token": "test"}],
}
run = Run(lambda: load_layers([Layer(values)], None).settings, identities="file")

def ready(_info):
    print("looked at", len(gc.get_objects()), "passed over", gc.get_freeze_count())
    run.stop(ExitCode.DONE)

run.run(ready)
"""


def test_a_collection_passes_over_what_the_start_has_made(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    words = ended.stdout.split()
    looked_at, passed_over = int(words[-4]), int(words[-1])
    assert looked_at < 1_000
    assert passed_over > 50_000
