"""A call's hold on its place in a room: what the call is given when it joins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from roomtone.rooms.join import LeaveReason

__all__ = ["Participation"]


class Participation:
    """One stay of one call in one conference. Also the caller who was refused gets one; its `left` says why."""

    def __init__(
        self, call_sid: str, conference_sid: str, friendly_name: str, leave: Callable[[LeaveReason], None]
    ) -> None:
        self.call_sid = call_sid
        self.conference_sid = conference_sid
        self.friendly_name = friendly_name
        self.left: asyncio.Future[LeaveReason] = asyncio.get_running_loop().create_future()
        """Resolved when the leg is back on its private bus: after the acknowledgement of the batch that moved it.
        Whoever may be cancelled while waiting for it waits for a `asyncio.shield` of it, or for `leaving`.
        """
        self._leave = leave

    def leave(self, reason: LeaveReason) -> None:
        """Leaves the room now. `left` follows. Again, or when the room let it go already, is harmless."""
        self._leave(reason)

    async def leaving(self) -> LeaveReason:
        """Waits for `left`. Who is cancelled in here leaves the future to others, and stays in the room."""
        return await asyncio.shield(self.left)
