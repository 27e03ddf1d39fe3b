"""What one event of a room becomes outside of it: one media batch, one commit, and what is done when they are sent.

Media does not wait for the store. Who must answer for the change (an API) waits for both by `settled`; who only needs
the leg (a call that left) waits for the acknowledgement of the media batch. Events reach streams and callbacks through
the store, which tells its subscribers of each batch when it is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from roomtone.conferences.ports import Media, Store
from roomtone.store.rows import StoreBatch

if TYPE_CHECKING:
    from roomtone.media.core import Batch

__all__ = ["Moment"]

_log = structlog.get_logger("roomtone.conferences")


class Moment:
    """Filled while the room's outputs are carried out, then sent once. A moment that changes nothing sends nothing."""

    def __init__(self, media: Media, store: Store, time: datetime) -> None:
        self.time = time
        self.rows = StoreBatch()
        self.afterwards: list[Callable[[], None]] = []  # done as soon as the batch is on its way
        self.when_applied: list[Callable[[], None]] = []  # done when the core has applied it, or never will
        self._media = media
        self._store = store
        self._batch: Batch | None = None
        self._pending: set[asyncio.Future[Any]] = set()

    @property
    def batch(self) -> Batch:
        """The one batch of this moment."""
        if self._batch is None:
            self._batch = self._media.batch()
        return self._batch

    def send(self) -> None:
        """Media first. Does not raise: what cannot be sent is logged, and whoever waits for it goes on."""
        batch, rows = self._batch, self.rows
        if batch is None:
            _do(self.when_applied)
        else:
            self._follow("media", lambda: self._media.submit(batch), lambda: _do(self.when_applied))
        if rows:
            self._follow("store", lambda: self._store.commit(rows), lambda: None)
        _do(self.afterwards)

    async def settled(self) -> None:
        """Returns when the core has applied it and the store has written it, or one of them has failed and said so."""
        if self._pending:
            await asyncio.wait(self._pending)

    def _follow(self, part: str, send: Callable[[], Awaitable[object]], then: Callable[[], None]) -> None:
        def over(future: asyncio.Future[Any]) -> None:
            failure = None if future.cancelled() else future.exception()
            if failure is not None:
                _log.error("conference.not_carried_out", part=part, exc_info=failure)
            then()

        try:
            future = asyncio.ensure_future(send())
        except Exception:
            _log.exception("conference.not_carried_out", part=part)
            then()
            return
        self._pending.add(future)
        future.add_done_callback(over)


def _do(actions: list[Callable[[], None]]) -> None:
    for action in actions:
        try:
            action()
        except Exception:  # one call's fault must not keep the others from hearing of it
            _log.exception("conference.member_failed")
