"""An event loop whose clock is the core's virtual network.

asyncio asks its selector to wait when nothing is ready to run. That is the one moment in which time may pass, so the coordinator is that selector: if
the ledger is empty it runs the network to the next deadline or event and returns; if somebody is out of sight (HTTP, a thread, a child process) it
really waits, and time stands still. A world that cannot go on says who holds it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from roomtone.clock import VirtualClock
from roomtone.media.core import Network

__all__ = ["StuckError", "VirtualTime", "run"]

T = TypeVar("T")

WALL_WAIT_MAX_S = 20.0  # of real time, for one thing out of sight; past it the world is stuck
STEP_MAX_S = 1.0  # of virtual time in one go, when no timer is set


class StuckError(AssertionError):
    """Virtual time cannot go on: somebody holds the ledger and does not come back, or the horizon was reached."""


class VirtualTime:
    """A network, its clock, and the cores whose events must be handed out."""

    def __init__(self, seed: int, horizon_s: float = 24 * 3600.0) -> None:
        self.network = Network(seed)
        self.clock = VirtualClock()
        self.horizon_s = horizon_s
        self.pumps: list[Callable[[], None]] = []

    def step(self) -> None:
        """To the next timer or the next event, whichever comes first; then everybody is told."""
        due = self.clock.next_deadline()
        target = self.clock.now() + STEP_MAX_S if due is None else max(due, self.clock.now())
        if target > self.horizon_s:
            raise StuckError(f"nothing has ended this world by its horizon of {self.horizon_s:.0f} s")
        now_us = self.network.run_until(round(target * 1e6), True)
        for pump in list(self.pumps):
            pump()
        now = now_us / 1e6
        self.clock.advance(target if now_us >= round(target * 1e6) else now)


class _Coordinator(selectors.DefaultSelector):
    """See the module."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._time = time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        held = self._time.clock.ledger.held
        if not held:
            self._time.step()
            return super().select(0)
        ready = super().select(WALL_WAIT_MAX_S if timeout is None else min(timeout, WALL_WAIT_MAX_S))
        if not ready and (timeout is None or timeout >= WALL_WAIT_MAX_S):
            raise StuckError(f"out of sight for {WALL_WAIT_MAX_S:.0f} s of real time: {', '.join(held)}")
        return ready


def run(time: VirtualTime, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs `main` to its end in an event loop of its own, in the time of `time`."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Coordinator(time))) as runner:
        return runner.run(main())
