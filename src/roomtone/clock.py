"""Time, and the ledger of work that is out of its sight.

All code is handed a `Clock`; `asyncio.sleep`, `asyncio.timeout`, `call_later` and `time.*` are lint errors elsewhere. In a live server the clock is the
loop's. In virtual time it is moved by `roomtone.testing.world` alone, and only when nothing is under way that it cannot see: whoever waits for the world
outside (HTTP, a thread, a child process) holds a token of the ledger meanwhile, so that time stands still for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "Ledger", "LiveClock", "Timer", "VirtualClock"]


class Timer(Protocol):
    """A callback that waits for its time."""

    def cancel(self) -> None:
        """Again, or too late, is harmless."""


class Ledger:
    """Who is out of sight of the clock, and for what. In a live server it only counts."""

    def __init__(self) -> None:
        self._held: dict[int, str] = {}
        self._tokens = itertools.count()

    @contextlib.contextmanager
    def hold(self, work: str) -> Iterator[None]:
        """Time may not pass (in virtual mode) until the block is left. `work` names it for the one who asks why nothing moves."""
        token = next(self._tokens)
        self._held[token] = work
        try:
            yield
        finally:
            del self._held[token]

    @property
    def held(self) -> tuple[str, ...]:
        """What is under way, oldest first."""
        return tuple(self._held.values())


class Clock(Protocol):
    """The only source of time in Python."""

    ledger: Ledger

    def now(self) -> float:
        """Seconds on a clock that never jumps; only differences mean something."""

    def wall(self) -> datetime:
        """The time of day, UTC, for timestamps that users see."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Runs `callback` at `now() == when`, or as soon as possible when that has passed. Equal times run in the order of asking."""

    async def sleep(self, seconds: float) -> None:
        """Returns after `seconds` of this clock."""

    def timeout(self, seconds: float | None) -> contextlib.AbstractAsyncContextManager[None]:
        """Raises TimeoutError out of the block when it has not been left after `seconds` of this clock; None waits for ever."""


class _Timeouts:
    """`sleep` and `timeout`, made of `call_at`."""

    def now(self) -> float:
        raise NotImplementedError

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not future.done():
                future.set_result(None)

        timer = self.call_at(self.now() + seconds, wake)
        try:
            await future
        finally:
            timer.cancel()

    @contextlib.asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[None]:
        if seconds is None:
            yield
            return
        # asyncio.timeout does the delicate part (telling our cancellation from a stranger's); its own deadline is never set, ours expires it.
        async with asyncio.timeout(None) as scope:
            loop = asyncio.get_running_loop()
            timer = self.call_at(self.now() + seconds, lambda: scope.reschedule(loop.time()))
            try:
                yield
            finally:
                timer.cancel()


class LiveClock(_Timeouts):
    """The loop's clock."""

    def __init__(self) -> None:
        self.ledger = Ledger()

    def now(self) -> float:
        """`time.monotonic`, by which asyncio's loops go too: `call_at` relies on it."""
        return time.monotonic()

    def wall(self) -> datetime:
        """The machine's; it jumps when that is set."""
        return datetime.now(UTC)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """On the running loop; RuntimeError without one."""
        return asyncio.get_running_loop().call_at(when, callback)


class _Scheduled:
    """An entry of the virtual clock's heap."""

    __slots__ = ("callback", "order", "when")

    def __init__(self, when: float, order: int, callback: Callable[[], None]) -> None:
        self.when = when
        self.order = order
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: _Scheduled) -> bool:
        return (self.when, self.order) < (other.when, other.order)

    def cancel(self) -> None:
        self.callback = None


class VirtualClock(_Timeouts):
    """A clock that stands until `advance` moves it. Starts at 0.0 s, on 2026-01-01."""

    EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._now = 0.0
        self._timers: list[_Scheduled] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Seconds since the start, as `advance` left them."""
        return self._now

    def wall(self) -> datetime:
        """`EPOCH`, and as many seconds as `now` says."""
        return self.EPOCH + timedelta(seconds=self._now)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """`callback` runs within `advance`, and never within this call."""
        timer = _Scheduled(max(when, self._now), next(self._order), callback)
        heapq.heappush(self._timers, timer)
        return timer

    def next_deadline(self) -> float | None:
        """When the earliest timer is due."""
        while self._timers and self._timers[0].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0].when if self._timers else None

    def advance(self, now: float) -> None:
        """Moves to `now` and runs what is due, in order."""
        self._now = max(self._now, now)
        while (when := self.next_deadline()) is not None and when <= self._now:
            callback = heapq.heappop(self._timers).callback
            assert callback is not None
            callback()
