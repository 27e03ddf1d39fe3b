"""What serving costs, how evenly packets leave, how long sound takes: the rows of the table about time and memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness.bench import Bench, Row, Run, median
from harness.telephones import TONES, Plan, peak

__all__ = ["calls", "conversations", "hall", "opus"]

TALKING = 300
HALL = 400
TALKING_OPUS = 60
LISTENING_OPUS = 201


def _threads(run: Run) -> str:
    shares = sorted(run.threads_us.items(), key=lambda item: -item[1])[:4]
    return ", ".join(f"{name} {cost:.2f}" for name, cost in shares)


def _cost_row(name: str, factor: float, runs: list[Run], echo_us: float, faults: str) -> Row:
    cost = median([run.cost_us for run in runs])
    ratio = cost / echo_us
    notes = f"by thread in µs: {_threads(runs[-1])}" + (f"; {faults}" if faults else "")
    return Row(
        name, f"{factor} × echo", f"{cost:.1f} µs = {ratio:.2f} × echo ({echo_us:.1f} µs)", ratio <= factor, notes
    )


def conversations(bench: Bench) -> list[Row]:
    """Rooms of three, all talking, PCMU."""
    window_s = bench.seconds(12, 8)
    runs = []
    for _ in range(bench.repetitions):
        bench.echo(TALKING, measure_s=window_s)
        runs.append(bench.run(Plan().rooms_of_three(TALKING // 3), measure_s=window_s, warm=Plan().rooms_of_three(8)))
    bench.echo(TALKING, measure_s=window_s)
    wrong = [fault for run in runs for fault in run.wrong_hearing()]
    faults = "; ".join([run.faults() for run in runs if run.faults()] + wrong[:3])
    hearing = Row("hearing of 60 listeners", "exactly the two others", f"{len(wrong)} wrong", not wrong, faults)
    rows = [_cost_row(f"{TALKING // 3} rooms of 3 all talking, PCMU", 2.5, runs, bench.echo_us, ""), hearing]
    return [*rows, _delay_row(runs), *_gap_rows(bench, runs), *_resource_rows(bench, runs)]


def _delay_row(runs: list[Run]) -> Row:
    delays = [delay for run in runs for delay in run.delays()]
    p50, p99 = np.percentile(delays, [50, 99]) if delays else (np.nan, np.nan)
    measured = f"{p50:.1f} / {p99:.1f} ms"
    late = max(run.report["late_ms"]["p99"] for run in runs)
    notes = f"{len(delays)} marks; the telephones' own packets leave {late:.1f} ms late (p99)"
    return Row("mouth to ear p50 / p99, clean, PCMU", "20 / 35 ms", measured, bool(p50 <= 20 and p99 <= 35), notes)


def _gap_rows(bench: Bench, runs: list[Run]) -> list[Row]:
    def middle(key: str, of: list[Run]) -> float:
        return median([run.report["gaps_ms"][key] for run in of])

    p99, p999, longest = (middle(key, runs) for key in ("p99", "p999", "max"))
    echo = [middle(key, bench.echoes) for key in ("p99", "p999", "max")]
    notes = f"echo: {echo[0]:.2f} / {echo[1]:.2f}, longest {echo[2]:.1f} ms"
    return [
        Row(
            "gaps at 300 legs p99 / p99.9",
            "20.5 / 22 ms",
            f"{p99:.2f} / {p999:.2f} ms",
            p99 <= 20.5 and p999 <= 22,
            notes,
        ),
        Row("longest gap", "echo's + 5 ms", f"{longest:.1f} ms", longest <= echo[2] + 5, notes),
    ]


def _resource_rows(bench: Bench, runs: list[Run]) -> list[Row]:
    switches, memory = median([run.switches for run in runs]), median([run.memory_kb for run in runs])
    echo = median([run.switches for run in bench.echoes])
    idle = runs[-1].idle_kb / 1024
    return [
        Row("context switches a leg and second", "5", f"{switches:.2f}", switches <= 5, f"echo: {echo:.2f}"),
        Row("memory a leg, PCMU", "64 kB", f"{memory:.0f} kB", memory <= 64, f"idle server: {idle:.0f} MB"),
    ]


def hall(bench: Bench) -> list[Row]:
    """One room, three talk, the others are silent; and half of it."""
    window_s = bench.seconds(10, 6)
    runs, halves = [], []
    for _ in range(bench.repetitions):
        runs.append(bench.run(Plan().hall(HALL), measure_s=window_s))
        bench.echo(HALL - 1, measure_s=window_s)
        halves.append(bench.run(Plan().hall(HALL // 2), measure_s=window_s))
    wrong = [fault for run in runs for fault in run.wrong_hearing()]
    faults = "; ".join([run.faults() for run in runs if run.faults()] + wrong[:3])
    whole = median([run.cost_us * HALL for run in runs])
    half = median([run.cost_us * HALL // 2 for run in halves])
    growth = whole / half
    return [
        _cost_row(f"one room of {HALL}, 3 talk, PCMU", 1.7, runs, bench.echo_us, faults),
        Row(
            "cost of twice the silent listeners",
            "2 ×",
            f"{growth:.2f} ×",
            growth <= 2.0,
            f"{HALL // 2} to {HALL} members",
        ),
    ]


def opus(bench: Bench) -> list[Row]:
    """Talking, listening and waiting in Opus, against PCMU."""
    window_s = bench.seconds(10, 6)
    voices: list[dict[str, Any]] = [
        {"kind": "voice", "hertz": round(97.3 + 13.7 * n, 1), "peak": peak(-6)} for n in range(9)
    ]
    talking = Plan()
    for room in range(TALKING_OPUS // 3):
        talking.room(*(voices[(3 * room + place) % 9] for place in range(3)), codec="opus", listens=False)
    runs = [
        bench.run(talking, measure_s=window_s, warm=Plan().rooms_of_three(3, codec="opus"))
        for _ in range(bench.repetitions)
    ]
    cost, memory = (median([getattr(run, name) for run in runs]) for name in ("cost_us", "memory_kb"))
    faults = "; ".join(run.faults() for run in runs if run.faults())
    marked = bench.run(Plan().rooms_of_three(4, codec="opus"), measure_s=window_s)
    wrong, delays = marked.wrong_hearing(), marked.delays()
    p50, p99 = np.percentile(delays, [50, 99]) if delays else (np.nan, np.nan)
    rows = [
        Row(
            f"{TALKING_OPUS // 3} rooms of 3 all talking, Opus",
            "150 µs",
            f"{cost:.0f} µs",
            cost <= 150,
            _threads(runs[-1]) + faults,
        ),
        Row("hearing in Opus", "exactly the two others", f"{len(wrong)} wrong", not wrong, "; ".join(wrong[:3])),
        Row(
            "mouth to ear p50 / p99, Opus",
            "–",
            f"{p50:.1f} / {p99:.1f} ms",
            None,
            "with Opus's own 6.5 ms of look-ahead",
        ),
    ]
    return [
        *rows,
        Row("memory a talking leg, Opus", "128 kB", f"{memory:.0f} kB", memory <= 128),
        *_idle_opus(bench, "silent", Plan.hall, ("opus", "opus-wide"), window_s),
        *_idle_opus(bench, "waiting", Plan.waiting, ("opus",), window_s),
    ]


def _idle_opus(bench: Bench, name: str, make: Callable[..., Plan], codecs: Sequence[str], window_s: float) -> list[Row]:
    """A hall of listeners who send silence without DTX, in Opus of full and of wide band, against PCMU."""

    def run(codec: str) -> Run:
        return bench.run(
            make(Plan(), LISTENING_OPUS, codec=codec), measure_s=window_s, warm=make(Plan(), 6, codec=codec)
        )

    plain, rows = run("PCMU"), []
    for codec in codecs:
        dear = run(codec)
        ratio, memory = dear.cost_us / plain.cost_us, dear.memory_kb
        notes = f"{dear.cost_us:.1f} and {plain.cost_us:.1f} µs; {_threads(dear)}; {dear.faults()}"
        rows += [
            Row(f"{name} listeners, {codec}, against PCMU", "1.5 ×", f"{ratio:.2f} ×", ratio <= 1.5, notes),
            Row(f"memory a {name} leg, {codec}", "128 kB", f"{memory:.0f} kB", memory <= 128),
        ]
    return rows


def calls(bench: Bench) -> list[Row]:
    """A hundred calls a second, each hung up after two seconds."""
    count = 900 if not bench.quick else 500
    plan = Plan()
    for _ in range(count // 3):
        plan.room(*[{"kind": "tone", "hertz": TONES[place], "peak": peak(-15)} for place in range(3)], listens=False)
    run = bench.run(plan, measure_s=0.1, settle_s=0.1, hold_s=2.0)
    answers = [answer for answer in run.report["answers_ms"] if answer is not None]
    p50, p99 = np.percentile(answers, [50, 99]) if answers else (np.nan, np.nan)
    count = len(plan.legs)
    setup = run.report["setup"]
    share = setup["cpu_s"] / setup["seconds"] * 100
    main = ", ".join(
        f"{name} {cpu_s / count * 1000:.2f}"
        for name, cpu_s in sorted(setup["threads"].items(), key=lambda item: -item[1])[:4]
    )
    notes = f"{len(answers)} of {count} answered, server at {share:.0f} % of a core; ms of CPU a call: {main}; {run.faults()}"
    return [
        Row(
            "100 calls a second, INVITE to 200 p50 / p99",
            "10 ms / –",
            f"{p50:.1f} / {p99:.1f} ms",
            bool(p50 <= 10 and len(answers) == count),
            notes,
        )
    ]
