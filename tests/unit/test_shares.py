"""What accounts share: each in its turn, none beyond its own share, nothing lost when somebody gives up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from roomtone.clock import LiveClock
from roomtone.shares import Shares


async def settle() -> None:
    for _ in range(5):
        await LiveClock().sleep(0)


class Queue:
    """Askers by name; `served` has them in the order in which they were."""

    def __init__(self, shares: Shares) -> None:
        self.shares = shares
        self.served: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, name: str, account: str, amount: int = 1) -> None:
        self._leave[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._hold(name, account, amount))
        await settle()

    async def leave(self, name: str) -> None:
        self._leave[name].set()
        await settle()

    async def _hold(self, name: str, account: str, amount: int) -> None:
        async with self.shares.take(account, amount):
            self.served.append(name)
            await self._leave[name].wait()


async def test_accounts_take_turns_and_inside_one_it_is_the_order_of_asking() -> None:
    queue = Queue(Shares(1))
    for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
        await queue.ask(name, name[0])
    for number in range(6):
        await queue.leave(queue.served[number])
    assert queue.served == ["a1", "a2", "b1", "c1", "a3", "b2"]
    assert queue.shares.held == 0


async def test_an_account_at_its_own_share_does_not_stop_the_others() -> None:
    queue = Queue(Shares(4, 2))
    for name in ("a1", "a2", "a3", "b1", "c1"):
        await queue.ask(name, name[0])
    assert queue.served == ["a1", "a2", "b1", "c1"]
    await queue.leave("b1")
    assert "a3" not in queue.served
    await queue.leave("a1")
    assert queue.served[-1] == "a3"


async def test_a_large_amount_is_not_overtaken_by_small_ones() -> None:
    queue = Queue(Shares(10))
    await queue.ask("a1", "a", 8)
    await queue.ask("b1", "b", 5)
    await queue.ask("c1", "c", 1)
    assert queue.served == ["a1"]
    await queue.leave("a1")
    assert queue.served == ["a1", "b1", "c1"]


async def test_more_than_a_share_counts_as_the_share() -> None:
    async with AsyncExitStack() as stack:
        shares = Shares(10, 4)
        await stack.enter_async_context(shares.take("a", 1000))
        await stack.enter_async_context(shares.take("b", 1000))
        assert shares.held == 8
    assert shares.held == 0


async def test_who_gives_up_leaves_nothing_behind() -> None:
    queue = Queue(Shares(1))
    await queue.ask("a1", "a")
    await queue.ask("b1", "b")
    await queue.ask("c1", "c")
    queue.tasks["b1"].cancel()
    await settle()
    queue.tasks["a1"].cancel()  # and in the same moment the one who gets its place gives up too
    await LiveClock().sleep(0)
    queue.tasks["c1"].cancel()
    await settle()
    assert queue.shares.held == 0
    await queue.ask("d1", "d")
    assert queue.served[-1] == "d1"


async def test_who_gives_up_in_the_moment_of_a_release_takes_nothing_along() -> None:
    """No turn of the loop lies between: the one who waited has not seen yet that it was cancelled."""
    shares = Shares(1)
    await shares.acquire("a", 1)
    waiting = [asyncio.create_task(shares.acquire(account, 1)) for account in "bbc"]
    await settle()
    waiting[0].cancel()
    shares.release("a", 1)
    await settle()
    assert [task.done() for task in waiting] == [True, True, False]
    assert waiting[0].cancelled()
    waiting[2].cancel()
    shares.release("b", 1)
    await settle()
    assert shares.held == 0
    async with LiveClock().timeout(5):
        await shares.acquire("d", 1)
