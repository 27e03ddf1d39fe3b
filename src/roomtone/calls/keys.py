"""Keys of a caller, and who listens to them.

One verb listens at a time. A key that nobody listens to is dropped, except that a Gather sees those of the last 500 ms
before it began (A27). A key in the band (tones in the audio) is a key like another, but for a room: there it was heard.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from roomtone.clock import Clock

__all__ = ["Keys", "Listener", "Listening"]

LOOKBACK_S = 0.5
UNHEARD_KEYS_MAX = 32  # nobody presses more in LOOKBACK_S; older ones fall out


class Listener(Protocol):
    """Who is told of keys."""

    def __call__(self, key: str, *, in_band: bool) -> None:
        """`in_band`: the key came as tones, which everybody who hears the caller has heard."""


class Listening:
    """What a Gather hears: keys in their order."""

    def __init__(self) -> None:
        self._keys: deque[str] = deque()
        self._pressed = asyncio.Event()

    def press(self, key: str, *, in_band: bool = False) -> None:  # noqa: ARG002  # either kind counts
        """Puts the key behind those that were not taken yet."""
        self._keys.append(key)
        self._pressed.set()

    @property
    def is_empty(self) -> bool:
        """Whether every key so far was taken."""
        return not self._keys

    async def wait(self) -> None:
        """Returns when a key is there to be taken."""
        await self._pressed.wait()

    async def next(self) -> str:
        """The next key, as soon as it is pressed."""
        await self._pressed.wait()
        key = self._keys.popleft()
        if not self._keys:
            self._pressed.clear()
        return key


class Keys:
    """The keys of one call."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listener: Listener | None = None
        self._unheard: deque[tuple[float, str]] = deque(maxlen=UNHEARD_KEYS_MAX)
        self.gathering = False  # a Gather listens: what `roomtone call --keys "?"` waits for

    def press(self, key: str, *, in_band: bool = False) -> None:
        """A key of the caller began."""
        if self._listener is not None:
            self._listener(key, in_band=in_band)
        else:
            self._unheard.append((self._clock.now(), key))

    @contextlib.contextmanager
    def gather(self) -> Iterator[Listening]:
        """Keys from now on, and those of the last 500 ms."""
        listening = Listening()
        since = self._clock.now() - LOOKBACK_S
        for when, key in self._unheard:
            if when >= since:
                listening.press(key)
        self.gathering = True
        try:
            with self.heard_by(listening.press):
                yield listening
        finally:
            self.gathering = False

    @contextlib.contextmanager
    def heard_by(self, listener: Listener) -> Iterator[None]:
        """Keys go to `listener` until the block is left."""
        self._unheard.clear()
        self._listener = listener
        try:
            yield
        finally:
            self._listener = None
