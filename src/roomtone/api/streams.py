"""What happens, as it happens: events, requests with their verbs, and debug entries, in one stream of lines for each who follows.

Every line has a `type`. All come from the store after their commit, in the order in which they happened; events have ids, so a follower that lost its
connection asks again with the last id it saw and misses none. A request comes whenever something is added to one: the whole request again. A follower who
reads too slowly is told so and let go; nothing waits for it.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from pydantic import TypeAdapter

from roomtone.api.auth import Scope
from roomtone.api.shapes import EventShape, RequestShape, event_shape, request_shape
from roomtone.api.sources import Sources
from roomtone.store.query import PAGE_MAX
from roomtone.store.rows import DebugRow, EventRow, RequestRow, StoreBatch

__all__ = ["LINES_MAX", "TYPES", "Follower", "Streams"]

TYPES = ("event", "request", "debug")
LINES_MAX = 2000
QUIET_S = 15.0
"""After so long without a line an empty one is sent, so that both ends notice a dead connection."""

Line = dict[str, Any]


class Follower:
    """One reader. `wants`: the account, the types and the call it follows."""

    def __init__(self, account: Scope, types: frozenset[str], call_sid: str | None) -> None:
        self.account = account
        self.types = types
        self.call_sid = call_sid
        self.last_event_id = 0
        self._lines: deque[Line | None] = deque()
        self._ready = asyncio.Event()

    def wants(self, kind: str, account_sid: str, call_sid: str | None) -> bool:
        """`kind`: one of `TYPES`. Who follows one call gets no line that is about no call."""
        return (
            kind in self.types
            and self.account in (None, account_sid)
            and (self.call_sid is None or self.call_sid == call_sid)
        )

    def put(self, line: Line) -> None:
        """Never waits. Past `LINES_MAX` the reader is told `too_slow`, and its stream ends; the rest is dropped."""
        if len(self._lines) < LINES_MAX:
            self._lines.append(line)
        elif self._lines[-1] is not None:
            remedy = "Read faster, or ask again with after=ID of the last event."
            error = {"code": "too_slow", "message": f"More than {LINES_MAX} lines wait.", "remedy": remedy}
            self._lines.append({"error": error})
            self._lines.append(None)
        self._ready.set()

    def end(self) -> None:
        """The last line was the last."""
        self._lines.append(None)
        self._ready.set()

    async def take(self) -> Line | None:
        """The next line; None: it is over."""
        while not self._lines:
            self._ready.clear()
            await self._ready.wait()
        return self._lines.popleft()


class Streams:
    """Everybody who follows."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._followers: set[Follower] = set()
        self._closed = False
        self._unsubscribe: Callable[[], None] = sources.store.subscribe(self._committed)

    def close(self) -> None:
        """Ends every stream, and those that are still being asked for; for the end of the server."""
        self._closed = True
        self._unsubscribe()
        for follower in tuple(self._followers):
            follower.end()

    async def lines(self, follower: Follower, after: int | None, *, follow: bool) -> AsyncIterator[Line | None]:
        """Events since `after` (None: only new ones), then what comes, if `follow`. None: nothing came for a while."""
        self._followers.add(follower)
        try:
            if after is not None:
                async for row in self._kept(follower, after):
                    yield row
            if not follow or self._closed:
                return
            while True:
                try:
                    async with self._sources.clock.timeout(QUIET_S):
                        line = await follower.take()
                except TimeoutError:
                    yield None
                    continue
                if line is None:
                    return
                if line.get("type") != "event" or line["id"] > follower.last_event_id:
                    yield line
        finally:
            self._followers.discard(follower)

    async def _kept(self, follower: Follower, after: int) -> AsyncIterator[Line]:
        follower.last_event_id = after
        while rows := await self._sources.store.events.after(follower.account, follower.last_event_id):
            for row in rows:
                follower.last_event_id = row.id
                if follower.wants("event", row.account_sid, row.call_sid):
                    yield _event_line(row)
            if len(rows) < PAGE_MAX:
                return

    def _committed(self, batch: StoreBatch) -> None:
        for event in batch.events:
            self._tell("event", event.account_sid, event.call_sid, lambda row=event: _event_line(row))  # type: ignore[misc]
        for request in batch.requests:
            self._tell("request", request.account_sid, request.call_sid, lambda row=request: _request_line(row))  # type: ignore[misc]
        for entry in batch.debug:
            self._tell("debug", entry.account_sid, entry.call_sid, lambda row=entry: _debug_line(row))  # type: ignore[misc]

    def _tell(self, kind: str, account_sid: str, call_sid: str | None, make: Callable[[], Line]) -> None:
        line = None
        for follower in self._followers:
            if follower.wants(kind, account_sid, call_sid):
                line = make() if line is None else line
                follower.put(line)


def _event_line(row: EventRow) -> Line:
    return {"type": "event", **_EVENT.dump_python(event_shape(row), mode="json")}


def _debug_line(row: DebugRow) -> Line:
    return {"type": "debug", **_DEBUG.dump_python(row, mode="json")}


def _request_line(row: RequestRow) -> Line:
    return {"type": "request", **_REQUEST.dump_python(request_shape(row), mode="json")}


# What the other paths answer with, so that a time looks the same everywhere.
_EVENT, _DEBUG, _REQUEST = TypeAdapter(EventShape), TypeAdapter(DebugRow), TypeAdapter(RequestShape)


def as_json_line(line: Line | None) -> str:
    """`application/x-ndjson`."""
    return "\n" if line is None else f"{json.dumps(line, ensure_ascii=False)}\n"


def as_server_sent(line: Line | None) -> str:
    """`text/event-stream`; the id of an event is what a browser sends as Last-Event-ID."""
    if line is None:
        return ": quiet\n\n"
    place = f"id: {line['id']}\n" if line.get("type") == "event" else ""
    return f"{place}event: {line.get('type', 'error')}\ndata: {json.dumps(line, ensure_ascii=False)}\n\n"
