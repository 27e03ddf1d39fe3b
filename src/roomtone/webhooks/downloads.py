"""Sounds of applications on their way: how many are fetched at a time, and how much memory their bytes may take until they are decoded.

A Play takes its turn before it connects; every sound (a Play, or the audio that a document request was answered with) takes room for its bytes before
they are read, and keeps it until its answer is closed. Both are shared between accounts, and who waits does so inside the time-out of its request.
Nothing of it is written to a disk: what is kept of a sound is its clip, in a cache of its own limit.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from roomtone.limits import (
    DOWNLOAD_BYTES_MAX,
    DOWNLOAD_BYTES_PER_ACCOUNT_MAX,
    DOWNLOADS_MAX,
    DOWNLOADS_PER_ACCOUNT_MAX,
)
from roomtone.shares import Shares

__all__ = ["Downloads", "Room"]


class Room:
    """Memory of one sound, until it is given back."""

    def __init__(self, shares: Shares, account_sid: str, size_bytes: int) -> None:
        self._shares = shares
        self._account_sid = account_sid
        self._size_bytes = size_bytes

    def give_back(self) -> None:
        """Again is harmless."""
        size_bytes, self._size_bytes = self._size_bytes, 0
        if size_bytes:
            self._shares.release(self._account_sid, size_bytes)


class Downloads:
    """One for the server's life. A single sound always fits: `sound_bytes_max` is what one may have."""

    def __init__(self, sound_bytes_max: int) -> None:
        self._sound_bytes_max = sound_bytes_max
        self._turns = Shares(DOWNLOADS_MAX, DOWNLOADS_PER_ACCOUNT_MAX)
        self._bytes = Shares(
            max(DOWNLOAD_BYTES_MAX, sound_bytes_max), max(DOWNLOAD_BYTES_PER_ACCOUNT_MAX, sound_bytes_max)
        )

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
