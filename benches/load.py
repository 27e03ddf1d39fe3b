"""The load bench: a real server, telephones that call and talk to it, and a bare echo beside it; prints the issue's table.

    python benches/load.py [--quick] [--only NAME ...] [--json FILE]

Needs `cargo build --release -p roomtone-load` (done here when cargo is there). Method and results: benches/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from harness import sound, speed  # noqa: E402
from harness.bench import Bench, Row  # noqa: E402
from harness.processes import Cores  # noqa: E402

SCENARIOS: dict[str, Callable[[Bench], list[Row]]] = {
    "conversations": speed.conversations,
    "hall": speed.hall,
    "opus": speed.opus,
    "ten-talkers": sound.ten_talkers,
    "full-scale": sound.full_scale,
    "line-noise": sound.line_noise,
    "bad-networks": sound.bad_networks,
    "skewed-clocks": sound.skewed_clocks,
    "calls": speed.calls,
}
QUICK = ("conversations", "hall", "ten-talkers", "full-scale", "calls")


def main() -> int:
    """1 when a target is not reached."""
    arguments = _arguments()
    load = arguments.load or _built()
    folder = Path(tempfile.mkdtemp(prefix="roomtone-bench-"))
    bench = Bench(
        load=load,
        roomtone=[sys.executable, "-m", "roomtone"],
        folder=folder,
        cores=Cores.of_this_machine(arguments.first),
        workers=arguments.workers,
        quick=arguments.quick,
    )
    print(
        f"{_machine()}\nserver on core {bench.cores.server}, load on core {bench.cores.load}; logs in {folder}",
        flush=True,
    )
    rows: list[Row] = []
    for name in arguments.only or (QUICK if arguments.quick else SCENARIOS):
        print(f"\n## {name}", flush=True)
        if name != "conversations" and not bench.echoes:
            bench.echo(300, measure_s=bench.seconds(10, 5))
        for row in SCENARIOS[name](bench):
            rows.append(row)
            print(_line(row), flush=True)
    bench.close()
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": _machine(), "rows": [asdict(row) for row in rows]}, indent=1))
    log = folder / "server.log"
    complaints = [line for line in log.read_text().splitlines() if '"error"' in line or "Traceback" in line]
    print(f"\n{len(complaints)} errors in the server's log" + "".join(f"\n  {line[:300]}" for line in complaints[:5]))
    missed = [row.name for row in rows if row.reached is False]
    print(f"{len(missed)} targets not reached" + "".join(f"\n  {name}" for name in missed))
    return 1 if missed or complaints else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="five of the scenarios, short windows, no repetition: two to three minutes"
    )
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, help="some of the scenarios")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--load", type=Path, help="a roomtone-load that is built already")
    parser.add_argument("--workers", type=int, default=1, help="media threads of the server (1: it has one core)")
    parser.add_argument(
        "--first",
        action="store_true",
        help="media threads, echo and load run in real time (root): on a machine that others use",
    )
    return parser.parse_args()


def _built() -> Path:
    cargo = shutil.which("cargo")
    if cargo is None:
        raise SystemExit("benches/load.py: cargo is not there; build roomtone-load elsewhere and name it with --load")
    subprocess.run([cargo, "build", "-q", "--release", "-p", "roomtone-load"], cwd=FOLDER.parent, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", FOLDER.parent / "target"))
    return target / "release" / "roomtone-load"


def _machine() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}, load average {os.getloadavg()[0]:.1f}"


def _line(row: Row) -> str:
    verdict = {True: "reached", False: "NOT REACHED", None: ""}[row.reached]
    text = f"{row.name:<48} at most {row.target:<16}" if row.target[0].isdigit() else f"{row.name:<48} {row.target:<24}"
    return f"{text} {row.measured:<38} {verdict}" + (f"\n    {row.notes}" if row.notes.strip("; ") else "")


if __name__ == "__main__":
    raise SystemExit(main())
