"""Sounds of applications on their way: how many are fetched at a time, and how much memory their bytes may take until they are decoded.

A Play takes its turn before it connects, the audio that a document request was answered with before it is read. Every sound takes room for its
bytes before they are read, and keeps it until its answer is closed. One that does not tell its length is read into what a turn has room for by itself:
then it takes as much as it is, or, if there is more to come, as much as one sound may be, until it is all there. So who waits for room holds a turn
and no room, and two can never wait for each other. Both are shared between accounts, and who waits does so inside the time-out of its request.
Nothing of it is written to a disk: what is kept of a sound is its clip, in a cache of its own limit.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from roomtone.limits import DOWNLOAD_BYTES_PER_ACCOUNT_MAX, DOWNLOADS_PER_ACCOUNT_MAX, SHARES
from roomtone.shares import Shares

__all__ = ["UNTOLD_BYTES_MAX", "Downloads", "Room"]

UNTOLD_BYTES_MAX = 512 * 1024
"""Of a sound that does not tell its length: what its turn has room for. Speech of half a minute as PCM, of more as MP3."""


class Room:
    """Memory of one sound, until it is given back."""

    def __init__(self, shares: Shares, account_sid: str, size_bytes: int) -> None:
        self._shares = shares
        self._account_sid = account_sid
        self._size_bytes = size_bytes

    def shrink(self, size_bytes: int) -> None:
        """It is all there, and no larger than this."""
        spare, self._size_bytes = self._size_bytes - size_bytes, size_bytes
        if spare:
            self._shares.release(self._account_sid, spare)

    def give_back(self) -> None:
        """Again is harmless."""
        self.shrink(0)


class Downloads:
    """One for the server's life. A single sound always fits: `sound_bytes_max` is what one may have."""

    def __init__(self, sound_bytes_max: int) -> None:
        self._sound_bytes_max = sound_bytes_max
        account_bytes = max(DOWNLOAD_BYTES_PER_ACCOUNT_MAX, sound_bytes_max)
        self._turns = Shares(SHARES * DOWNLOADS_PER_ACCOUNT_MAX, DOWNLOADS_PER_ACCOUNT_MAX)
        self._bytes = Shares(SHARES * account_bytes, account_bytes)

    @property
    def held_bytes(self) -> int:
        """What sounds take now."""
        return self._bytes.held

    def turn(self, account_sid: str) -> AbstractAsyncContextManager[None]:
        """For the block; waits for it."""
        return self._turns.take(account_sid)

    async def room(self, account_sid: str, size_bytes: int) -> Room:
        """Room for so many bytes, not more than `sound_bytes_max`; waits for it."""
        size_bytes = min(max(size_bytes, 1), self._sound_bytes_max)
        await self._bytes.acquire(account_sid, size_bytes)
        return Room(self._bytes, account_sid, size_bytes)
