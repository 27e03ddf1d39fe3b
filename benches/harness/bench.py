"""One bench: how a plan is run against the server or the echo, and what it cost."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness import processes
from harness.heard import Capture, Stream, delays_ms, levels, marks
from harness.processes import Cores, Running
from harness.telephones import TONES, Plan

__all__ = ["Bench", "Row", "Run", "median"]

CALLS_PER_SECOND = 100.0
TICKS_PER_SECOND = 50
HEARD_DB = -20.0  # against the loudest tone that is expected
SIDE_BY_SIDE_MS = 200.0
REST_SECONDS_MAX, RESTS, REST_CPU_S = 30, 2, 0.03
LATE_MS = 1.0  # the telephones themselves; more is worth a remark


def median(values: Sequence[float]) -> float:
    """nan when there are none."""
    return statistics.median(values) if values else float("nan")


@dataclass(slots=True)
class Row:
    """One line of the issue's table. `reached`: None where nothing was asked for."""

    name: str
    target: str
    measured: str
    reached: bool | None
    notes: str = ""

    def __post_init__(self) -> None:
        self.reached = None if self.reached is None else bool(self.reached)  # numpy has bools of its own


@dataclass(slots=True)
class Run:
    """A plan that has been run. `idle_kb`: resident memory of the server before, with no calls, after some."""

    plan: Plan
    report: dict[str, Any]
    capture: Capture
    idle_kb: int = 0
    _streams: dict[int, Stream] = field(default_factory=dict)

    @property
    def cost_us(self) -> float:
        """CPU time of all threads a leg and 20 ms."""
        window = self.report["window"]
        return float(window["cpu_s"] * 1e6 / (len(self.plan.legs) * window["seconds"] * TICKS_PER_SECOND))

    @property
    def threads_us(self) -> dict[str, float]:
        """The same by name of thread, those that matter."""
        window = self.report["window"]
        share = 1e6 / (len(self.plan.legs) * window["seconds"] * TICKS_PER_SECOND)
        return {name: cpu_s * share for name, cpu_s in window["threads"].items() if cpu_s * share >= 0.01}

    @property
    def switches(self) -> float:
        """Context switches of both kinds a leg and second."""
        window = self.report["window"]
        return float((window["switches"] + window["preemptions"]) / len(self.plan.legs) / window["seconds"])

    @property
    def memory_kb(self) -> float:
        """Resident memory a leg over the idle server."""
        return float((self.report["window"]["resident_kb"] - self.idle_kb) / len(self.plan.legs))

    def stream(self, leg: int) -> Stream:
        """What a leg heard."""
        if leg not in self._streams:
            self._streams[leg] = self.capture.stream(leg)
        return self._streams[leg]

    def listeners(self) -> list[int]:
        """Legs whose sound was recorded."""
        return [leg for leg, plan in enumerate(self.plan.legs) if plan["listens"]]

    def faults(self) -> str:
        """What should not have happened; "" when nothing did."""
        report = self.report
        counts = {
            "calls failed": len(report["failed"]),
            "legs without a packet": report["silent_legs"] if report["window"]["seconds"] > 1 else 0,
            "ended by the server": report["hung_up_by_server"],
            "packets missing": report["missing"],
            "strange packets": report["strange"],
            "INVITEs repeated": report["repeated_invites"],
        }
        texts = [f"{count} {name}" for name, count in counts.items() if count]
        if report["late_ms"]["p99"] > LATE_MS:
            texts.append(
                f"telephones late by {report['late_ms']['p99']:.1f} ms (p99), {report['late_ms']['max']:.0f} at most"
            )
        return ", ".join(texts)

    def delays(self, *, nominal: bool = False, most_ms: float = SIDE_BY_SIDE_MS) -> list[float]:
        """Of every mark of every talker at every recorded listener of its room."""
        found: list[float] = []
        for room in self.plan.rooms:
            for listener in (leg for leg in room if self.plan.legs[leg]["listens"]):
                likeness = marks(self.stream(listener))
                for talker in room:
                    if talker == listener or self.plan.said(talker)["kind"] != "marked":
                        continue
                    stream = self.stream(listener)
                    found += delays_ms(
                        self.capture, self.plan, talker, stream, likeness, nominal=nominal, most_ms=most_ms
                    )
        return found

    def wrong_hearing(self) -> list[str]:
        """Every recorded listener that does not hear exactly the tones of the others in its room."""
        wrong = []
        for room in self.plan.rooms:
            tones = {leg: self.plan.said(leg)["hertz"] for leg in room if "hertz" in self.plan.said(leg)}
            for listener in (leg for leg in room if self.plan.legs[leg]["listens"]):
                expected = {hertz for leg, hertz in tones.items() if leg != listener}
                amplitudes = (
                    levels(self.stream(listener), TONES) if len(self.stream(listener).pcm) else np.zeros(len(TONES))
                )
                threshold = max(float(amplitudes.max()) * 10 ** (HEARD_DB / 20), 30.0)
                heard = {hertz for hertz, level in zip(TONES, amplitudes, strict=True) if level > threshold}
                if heard != expected:
                    wrong.append(f"leg {listener}: heard {sorted(heard)}, expected {sorted(expected)}")
        return wrong


@dataclass(slots=True)
class Bench:
    """Where and how. `quick`: short windows, one repetition."""

    load: Path
    roomtone: Sequence[str]
    folder: Path
    cores: Cores
    workers: int
    quick: bool
    seed: int = 1
    echoes: list[Run] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _shared: Running | None = None

    @property
    def repetitions(self) -> int:
        """Of runs whose cost is compared."""
        return 1 if self.quick else 3

    def seconds(self, full: float, quick: float) -> float:
        """A window's length."""
        return quick if self.quick else full

    @contextmanager
    def _server(self) -> Iterator[Running]:
        """The application and a fresh server that has come to rest: what it prepares in the background is done."""
        with (
            processes.application(self.cores, self.folder) as application,
            processes.server(self.roomtone, application.port, self.workers, self.cores, self.folder) as server,
        ):
            rests = 0
            for _ in range(REST_SECONDS_MAX):
                rested = self._go(Plan(), server, measure_s=1.0, settle_s=0.0).report["window"]["cpu_s"] < REST_CPU_S
                rests = rests + 1 if rested else 0
                if rests == RESTS:
                    break
            yield server

    def run(self, plan: Plan, *, measure_s: float, settle_s: float = 4.0, warm: Plan | None = None, **more: Any) -> Run:
        """A plan against the server that is up. `warm`: against a fresh one, after these calls have come and gone, and the idle memory is noted."""
        if warm is not None:
            self.close()
        if self._shared is None:
            self._shared = self._stack.enter_context(self._server())
        idle_kb = 0
        if warm is not None:
            self._go(warm, self._shared, measure_s=0.5, settle_s=0.5)
            idle_kb = processes.resident_kb(self._shared.pid)
        run = self._go(plan, self._shared, measure_s=measure_s, settle_s=settle_s, **more)
        run.idle_kb = idle_kb
        return run

    def close(self) -> None:
        """Ends the server that is up."""
        self._shared = None
        self._stack.close()

    def echo(self, legs: int, *, measure_s: float) -> Run:
        """The same telephones against the bare echo."""
        plan = Plan().rooms_of_three(legs // 3, listening_rooms=0)
        self.close()
        with processes.echo(self.load, legs, self.cores, self.folder) as echo:
            run = self._go(plan, echo, measure_s=measure_s, settle_s=1.0)
        self.echoes.append(run)
        return run

    @property
    def echo_us(self) -> float:
        """What the echo cost, a leg and 20 ms: the median of the runs so far."""
        return median([run.cost_us for run in self.echoes])

    def _go(self, plan: Plan, to: Running, *, measure_s: float, settle_s: float, **more: Any) -> Run:
        self.seed += 1
        capture = self.folder / "capture.bin"
        asked = {
            "sip": to.address,
            "echo_port": to.port,
            "pid": to.pid,
            "seed": self.seed,
            "base_port": processes.LOAD_PORT,
            "calls_per_second": CALLS_PER_SECOND,
            "settle_s": settle_s,
            "measure_s": measure_s,
            "capture": str(capture),
            "signals": plan.signals,
            "legs": plan.legs,
            **more,
        }
        report = processes.run_load(self.load, asked, self.cores, self.folder)
        return Run(plan, report, Capture(capture, report))
