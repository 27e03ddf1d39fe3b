"""Chains of documents that do nothing are paced, and ended (A16)."""

from __future__ import annotations

import asyncio

import pytest

from roomtone.calls.pacing import DOCUMENTS_MAX, FREE_DOCUMENTS_MAX, CallRate, EndlessChainError, Pacing
from roomtone.clock import VirtualClock


async def _pass(pacing: Pacing, clock: VirtualClock) -> float:
    """Seconds that one document had to wait."""
    before = clock.now()
    waiting = asyncio.create_task(pacing.before_document())
    while not waiting.done():
        await asyncio.wait({waiting}, timeout=0)
        due = clock.next_deadline()
        if not waiting.done() and due is not None:
            clock.advance(due)
    await waiting
    return clock.now() - before


async def test_the_first_documents_are_free_and_the_next_wait_a_second() -> None:
    clock = VirtualClock()
    pacing = Pacing(clock)
    assert [await _pass(pacing, clock) for _ in range(FREE_DOCUMENTS_MAX)] == [0.0] * FREE_DOCUMENTS_MAX
    assert [await _pass(pacing, clock) for _ in range(3)] == [1.0, 1.0, 1.0]


async def test_a_verb_that_takes_its_time_begins_the_count_again() -> None:
    clock = VirtualClock()
    pacing = Pacing(clock)
    for _ in range(FREE_DOCUMENTS_MAX + 5):
        await _pass(pacing, clock)
    pacing.did_something()
    assert await _pass(pacing, clock) == 0.0


async def test_the_chain_ends_after_the_five_hundredth() -> None:
    clock = VirtualClock()
    pacing = Pacing(clock)
    for _ in range(DOCUMENTS_MAX):
        await _pass(pacing, clock)
    with pytest.raises(EndlessChainError) as caught:
        await _pass(pacing, clock)
    assert caught.value.code == 11215
    assert clock.now() == DOCUMENTS_MAX - FREE_DOCUMENTS_MAX


def test_new_calls_a_second_with_a_burst_of_one_second() -> None:
    clock = VirtualClock()
    rate = CallRate(clock, 5.0)
    assert [rate.take() for _ in range(7)] == [True] * 5 + [False] * 2
    clock.advance(0.2)
    assert [rate.take(), rate.take()] == [True, False]
    clock.advance(100.0)
    assert sum(rate.take() for _ in range(20)) == 5
