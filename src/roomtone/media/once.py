"""Work for a clip, done once for all who ask for it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from roomtone.media.core import Clip

__all__ = ["Once"]


Key = TypeVar("Key", bound=Hashable)


class Once(Generic[Key]):
    """What is under way, by key. That somebody who asked gives up does not end it."""

    def __init__(self) -> None:
        self._tasks: dict[Key, asyncio.Task[Clip]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Key]:
        """The keys of what is under way."""
        return iter(self._tasks)

    async def do(
        self, key: Key, work: Callable[[], Coroutine[None, None, Clip]], over: Callable[[], None] | None = None
    ) -> Clip:
        """The outcome of `work`, or of what was begun for the same key. `over` is called at its end, also when who asked has given up."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._finished(key, done))
        if over is not None:
            task.add_done_callback(lambda _done: over())
        return await asyncio.shield(task)

    def cancel(self) -> None:
        """Ends all of it."""
        for task in tuple(self._tasks.values()):
            task.cancel()

    def _finished(self, key: Key, task: asyncio.Task[Clip]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            task.exception()  # looked at, also when nobody waits any more
