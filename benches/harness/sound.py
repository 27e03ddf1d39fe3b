"""What is heard: distortion, one's own voice, line noise, bad networks: the rows of the table about sound."""

from __future__ import annotations

import numpy as np

from harness.bench import Bench, Row, Run
from harness.heard import FRAME, RATE, Stream, dropouts, sinad_db, worst_level
from harness.telephones import TONES, Plan, peak

__all__ = ["bad_networks", "full_scale", "line_noise", "skewed_clocks", "ten_talkers"]

CONTROL_HZ = 333.3  # nobody says it
LOSS_DELAY_MOST_MS, JITTER_DELAY_MOST_MS = 500.0, 700.0
BURST_ON_MS, BURST_PERIOD_MS = 400, 2000
ENVELOPE = RATE // 400  # 2.5 ms


def _tones_of(run: Run, listener: int) -> list[float]:
    room = next(room for room in run.plan.rooms if listener in room)
    said = {leg: run.plan.said(leg) for leg in room if leg != listener}
    return [signal["hertz"] for signal in said.values() if "hertz" in signal]


def _worst_sinad(run: Run, listeners: list[int]) -> tuple[float, float]:
    """Of the worst second of the worst listener, and the median over all."""
    ratios = np.concatenate([sinad_db(run.stream(leg), _tones_of(run, leg)) for leg in listeners])
    return (float(ratios.min()), float(np.median(ratios))) if len(ratios) else (np.nan, np.nan)


def ten_talkers(bench: Bench) -> list[Row]:
    """Ten incommensurate tones of −12 dB peak each, two who only listen."""
    tones = [{"kind": "tone", "hertz": TONES[2 * n], "peak": peak(-12)} for n in range(10)]
    plan = Plan()
    plan.room(*tones, {"kind": "silence"}, {"kind": "silence"})
    run = bench.run(plan, measure_s=bench.seconds(20, 10))
    worst, usual = _worst_sinad(run, run.listeners())
    clipped = sum(run.stream(leg).clipped for leg in run.listeners())
    notes = f"median {usual:.1f} dB; {run.faults()}"
    return [
        Row("10 talkers at −12 dB peak: SINAD, worst second", "≥ 30 dB", f"{worst:.1f} dB", worst >= 30, notes),
        Row("the same: clipped samples", "none", str(clipped), clipped == 0),
    ]


def full_scale(bench: Bench) -> list[Row]:
    """Three at full scale: each one's own tone, in the others that come back."""
    plan = Plan()
    plan.room(*({"kind": "tone", "hertz": TONES[5 * n + 2], "peak": peak(-0.1)} for n in range(3)))
    run = bench.run(plan, measure_s=bench.seconds(20, 8))
    own, control = [], []
    for leg in run.listeners():
        stream, others = run.stream(leg), _tones_of(run, leg)
        loudest = max(worst_level(stream, others[1:], others[0]), 1.0)
        own.append(20 * np.log10(max(worst_level(stream, others, run.plan.said(leg)["hertz"]), 1e-3) / loudest))
        control.append(20 * np.log10(max(worst_level(stream, others, CONTROL_HZ), 1e-3) / loudest))
    measured = f"{max(own):.0f} dB"
    notes = f"strongest second, against the others' tones; a frequency that nobody says: {max(control):.0f} dB; {run.faults()}"
    return [
        Row(
            "own voice coming back, 3 at full scale", "never", measured, max(own) < max(-45.0, max(control) + 10), notes
        )
    ]


def line_noise(bench: Bench) -> list[Row]:
    """400 members, 397 of them with line noise; then one of them speaks in bursts."""
    noise = {"kind": "noise", "peak": 30.0, "seed": 1}
    run = bench.run(Plan().hall(400, silence=noise), measure_s=bench.seconds(12, 8))
    worst, usual = _worst_sinad(run, run.listeners())
    notes = f"median {usual:.1f} dB; {run.faults()}"
    burst = {"kind": "bursts", "hertz": 700.3, "peak": peak(-15), "on_ms": BURST_ON_MS, "period_ms": BURST_PERIOD_MS}
    plan = Plan()
    plan.room(burst, *[noise] * 399)
    for leg in plan.legs[12:]:
        leg["listens"] = False
    spoken = bench.run(plan, measure_s=bench.seconds(16, 8))
    missing = [
        BURST_ON_MS - length for leg in spoken.listeners()[1:] for length in _burst_lengths_ms(spoken.stream(leg))
    ]
    most = max(missing) if missing else np.nan
    return [
        Row("400 members, 397 with line noise: SINAD", "≥ 33 dB", f"{worst:.1f} dB", worst >= 33, notes),
        Row(
            "the same: first syllables",
            "none lost",
            f"{most:.1f} ms missing at most",
            bool(most <= 5),
            f"{len(missing)} bursts of {BURST_ON_MS} ms; {spoken.faults()}",
        ),
    ]


def _burst_lengths_ms(stream: Stream) -> list[float]:
    """How long each burst was above half its level, those at the edges left out."""
    count = len(stream.pcm) // ENVELOPE
    envelope = np.sqrt(np.mean(stream.pcm[: count * ENVELOPE].reshape(count, ENVELOPE) ** 2, axis=1))
    loud = np.concatenate([[False], envelope > envelope.max() / 2, [False]])
    edges = np.flatnonzero(loud[1:] != loud[:-1])
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [float((end - begin) * ENVELOPE * 1000 / RATE) for begin, end in pairs if begin > 0 and end < count]


def _dropped(run: Run) -> tuple[float, int, int]:
    """Share in per cent, windows down, windows: of the listeners of steady tones."""
    down = total = 0
    for room in run.plan.rooms:
        if run.plan.said(room[0])["kind"] == "tone":
            here, windows = dropouts(run.stream(room[1]))
            down, total = down + here, total + windows
    return 100 * down / max(total, 1), down, total


def bad_networks(bench: Bench) -> list[Row]:
    """Loss, then jitter, on the way in: half of the talkers say steady tones, half marks."""
    rows = []
    ways: list[tuple[str, dict[str, float], float, float]] = [
        ("5 % random loss", {"loss": 0.05}, LOSS_DELAY_MOST_MS, 60.0),
        ("20 ms mean jitter", {"jitter_ms": 20.0}, JITTER_DELAY_MOST_MS, 90.0),
    ]
    for name, way_in, most_ms, target_ms in ways:
        plan = Plan().pairs(20, "tone", way_in).pairs(10, "marked", way_in)
        run = bench.run(plan, measure_s=bench.seconds(60, 15), settle_s=bench.seconds(10, 6))
        share, down, total = _dropped(run)
        delays = run.delays(nominal=True, most_ms=most_ms)
        p50, p99 = np.percentile(delays, [50, 99]) if delays else (np.nan, np.nan)
        notes = f"{down} of {total} windows; {len(delays)} marks, p99 {p99:.0f} ms; {run.faults()}"
        rows.append(Row(f"{name}: drop-outs", "0.1 %", f"{share:.3f} %", share <= 0.1, notes))
        rows.append(Row(f"{name}: delay p50", f"{target_ms:.0f} ms", f"{p50:.0f} ms", bool(p50 <= target_ms)))
    return rows


def skewed_clocks(bench: Bench) -> list[Row]:
    """Senders 200 ppm too fast and too slow."""
    window_s = bench.seconds(120, 25)
    plan = Plan().pairs(10, "tone", {"skew_ppm": 200.0}).pairs(10, "tone", {"skew_ppm": -200.0})
    run = bench.run(plan, measure_s=window_s)
    _, down, total = _dropped(run)
    minutes = total * FRAME / RATE / 60
    notes = f"{down} in {minutes:.0f} minutes of 20 talkers, {window_s:.0f} s each; {run.faults()}"
    return [Row("clock off by ±200 ppm: drop-outs a minute", "0", f"{down / max(minutes, 1e-9):.2f}", down == 0, notes)]
