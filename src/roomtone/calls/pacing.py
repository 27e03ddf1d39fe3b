"""What may not go faster than so much: documents that only name the next document (A16), and new calls.

A chain in which no document plays, waits, gathers or dials is paced to one a second after the 20th, and ended after the
500th.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roomtone.clock import Clock

__all__ = ["ENDLESS_CHAIN_CODE", "SLOWED_MESSAGE", "CallRate", "EndlessChainError", "Pacing"]

FREE_DOCUMENTS_MAX = 20
DOCUMENTS_MAX = 500
PACE_S = 1.0
ENDLESS_CHAIN_CODE = 11215
SLOWED_MESSAGE = f"{FREE_DOCUMENTS_MAX} documents in a row did nothing but name the next one: from now on one a second, and the {DOCUMENTS_MAX}th ends the run"


class EndlessChainError(Exception):
    """The 500th document in a row did nothing but name the next."""

    def __init__(self) -> None:
        self.code = ENDLESS_CHAIN_CODE
        self.message = f"{DOCUMENTS_MAX} documents in a row did nothing but name the next one"
        super().__init__(self.message)


class Pacing:
    """Counts the documents in a row that did nothing that takes time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._idle_documents = 0

    def did_something(self) -> None:
        """A verb played, waited, gathered or dialled."""
        self._idle_documents = 0

    @property
    def begins_to_slow(self) -> bool:
        """Whether the next document is the first that has to wait."""
        return self._idle_documents == FREE_DOCUMENTS_MAX

    async def before_document(self) -> None:
        """Returns when the next document may be asked for. EndlessChainError."""
        if self._idle_documents >= DOCUMENTS_MAX:
            raise EndlessChainError
        if self._idle_documents >= FREE_DOCUMENTS_MAX:
            await self._clock.sleep(PACE_S)
        self._idle_documents += 1


class CallRate:
    """New calls a second, with a burst of one second's worth (a token bucket)."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._per_second = per_second
        self._most = max(per_second, 1.0)
        self._left = self._most
        self._counted_s = clock.now()

    def take(self) -> bool:
        """Whether one more call fits now; it is counted if so."""
        now = self._clock.now()
        self._left = min(self._most, self._left + (now - self._counted_s) * self._per_second)
        self._counted_s = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
