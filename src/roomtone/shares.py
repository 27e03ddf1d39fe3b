"""So much of something, shared by accounts: who asks for more than is left waits, and no account can keep the others waiting for long.

Inside an account who asked first is served first. Between accounts it goes round: each gets one in its turn, so that the second account waits for one
of the first one's, not for all. What an account may hold at a time can be less than there is in all. An amount that is next in its turn and does not
fit is waited for, not overtaken: it would never come to pass otherwise.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

__all__ = ["Shares"]


class _Waiting(NamedTuple):
    amount: int
    granted: asyncio.Future[None]


class Shares:
    """`in_all` of it, of which one account holds at most `per_account` (None: all of it). How many may wait is for the caller to bound."""

    def __init__(self, in_all: int, per_account: int | None = None) -> None:
        self._in_all = in_all
        self._per_account = min(in_all, in_all if per_account is None else per_account)
        self._held: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[_Waiting]] = OrderedDict()  # accounts, the next in turn first

    @property
    def held(self) -> int:
        """How much of it is in use."""
        return self._held.total()

    @asynccontextmanager
    async def take(self, account_sid: str, amount: int = 1) -> AsyncIterator[None]:
        """Holds `amount` for the block; one that is larger than an account's share counts as the whole share."""
        amount = min(amount, self._per_account)
        await self.acquire(account_sid, amount)
        try:
            yield
        finally:
            self.release(account_sid, amount)

    async def acquire(self, account_sid: str, amount: int) -> None:
        """Returns when `amount` (at most an account's share) is held; `release` gives it back."""
        waiting = _Waiting(amount, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(account_sid, deque()).append(waiting)
        self._grant()
        try:
            await waiting.granted
        except BaseException:
            if waiting.granted.done() and not waiting.granted.cancelled():
                self.release(account_sid, amount)  # granted and cancelled in one moment
            else:
                self._forget(account_sid, waiting)
                self._grant()
            raise

    def release(self, account_sid: str, amount: int) -> None:
        """What was acquired is free again."""
        self._held[account_sid] -= amount
        if not self._held[account_sid]:
            del self._held[account_sid]
        self._grant()

    def _grant(self) -> None:
        while (account_sid := self._next()) is not None:
            queue = self._waiting.pop(account_sid)
            waiting = queue.popleft()
            if queue:
                self._waiting[account_sid] = queue  # the others come first now
            self._held[account_sid] += waiting.amount
            waiting.granted.set_result(None)

    def _next(self) -> str | None:
        """Whose turn it is; None while that one, or everybody, has to wait."""
        for account_sid in tuple(self._waiting):
            queue = self._waiting[account_sid]
            while queue and queue[0].granted.done():  # cancelled, which its own `acquire` hears of later
                queue.popleft()
            if not queue:
                del self._waiting[account_sid]
                continue
            amount = queue[0].amount
            if self._held[account_sid] + amount <= self._per_account:
                return account_sid if self.held + amount <= self._in_all else None
        return None

    def _forget(self, account_sid: str, waiting: _Waiting) -> None:
        """Harmless when `_next` came first."""
        queue = self._waiting.get(account_sid, deque())
        if waiting in queue:
            queue.remove(waiting)
            if not queue:
                del self._waiting[account_sid]
