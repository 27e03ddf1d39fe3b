"""The sounds of one room, one after the other and never over each other (A3).

At most five wait behind the one that plays; what comes on top is dropped and counted: when fifty people hang up at
once, nobody wants fifty beeps.
"""

from __future__ import annotations

from collections import deque

from roomtone.rooms.join import Sound

__all__ = ["SOUNDS_WAITING_MAX", "SoundQueue"]

SOUNDS_WAITING_MAX = 5


class SoundQueue:
    """Says which sound is to begin now; whoever plays it says when it is done."""

    def __init__(self) -> None:
        self._playing: Sound | None = None
        self._waiting: deque[Sound] = deque()
        self.dropped = 0

    def add(self, sound: Sound) -> Sound | None:
        """The sound, when it may begin now."""
        if self._playing is None:
            self._playing = sound
            return sound
        if len(self._waiting) < SOUNDS_WAITING_MAX:
            self._waiting.append(sound)
        else:
            self.dropped += 1
        return None

    def done(self) -> Sound | None:
        """The one that played is over: the next, to begin now."""
        self._playing = self._waiting.popleft() if self._waiting else None
        return self._playing
