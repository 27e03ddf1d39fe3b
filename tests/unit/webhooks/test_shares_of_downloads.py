"""What accounts at their own limit leave to the others."""

from __future__ import annotations

from contextlib import AsyncExitStack

from roomtone.clock import LiveClock
from roomtone.limits import DOWNLOADS_PER_ACCOUNT_MAX
from roomtone.webhooks.client import ClientLimits
from roomtone.webhooks.downloads import Downloads

SOUND_BYTES_MAX = ClientLimits().media_bytes_max


async def test_seven_accounts_that_hang_leave_an_eighth_its_whole_share() -> None:
    downloads = Downloads(SOUND_BYTES_MAX)
    async with AsyncExitStack() as stack, LiveClock().timeout(5):
        for account in range(8):
            for _ in range(DOWNLOADS_PER_ACCOUNT_MAX):
                await stack.enter_async_context(downloads.turn(f"AC{account}"))
            await downloads.room(f"AC{account}", SOUND_BYTES_MAX)
    assert downloads.held_bytes == 8 * SOUND_BYTES_MAX


async def test_so_they_do_where_one_sound_may_be_larger_than_a_share() -> None:
    downloads = Downloads(2**30)
    async with LiveClock().timeout(5):
        for account in range(8):
            await downloads.room(f"AC{account}", 2**30)
    assert downloads.held_bytes == 8 * 2**30
