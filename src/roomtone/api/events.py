"""`/events`: the stream of what happens."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse

from roomtone.api.auth import Scope, scope_of
from roomtone.api.sources import Sources
from roomtone.api.streams import TYPES, Follower, Streams, as_json_line, as_server_sent
from roomtone.errors import UsageError

__all__ = ["router"]

_LINES: dict[str, dict[str, Any]] = {"application/x-ndjson": {}, "text/event-stream": {}}


def router(sources: Sources, streams: Streams) -> APIRouter:
    """JSON lines, or server-sent events for who accepts `text/event-stream`."""
    routes = APIRouter(prefix="/events", tags=["events"])
    scope = Depends(scope_of(sources.directory))

    @routes.get("", response_class=StreamingResponse, responses={200: {"content": _LINES}})
    async def follow_events(
        account: Annotated[Scope, scope],
        after: Annotated[int | None, Query(description="First the events with a greater id")] = None,
        types: Annotated[str, Query(description="Which of event, request, debug; separated by commas")] = "event",
        call_sid: str | None = None,
        follow: Annotated[bool, Query(description="false: only what is kept, then the end")] = True,
        accept: Annotated[str, Header()] = "",
        last_event_id: Annotated[int | None, Header()] = None,
    ) -> StreamingResponse:
        wanted = frozenset(filter(None, (word.strip() for word in types.split(","))))
        if unknown := wanted - set(TYPES):
            raise UsageError("unknown_type", f"There is no type {', '.join(sorted(unknown))}.", ", ".join(TYPES))
        follower = Follower(account, wanted, call_sid)
        start = after if after is not None else last_event_id
        lines = streams.lines(follower, start if follow or start is not None else 0, follow=follow)
        server_sent = "text/event-stream" in accept
        render = as_server_sent if server_sent else as_json_line

        async def content() -> AsyncIterator[str]:
            if follow:
                yield render(None)  # at once, so that the follower knows that from here on it misses nothing
            async for line in lines:
                yield render(line)

        return StreamingResponse(
            content(),
            media_type="text/event-stream" if server_sent else "application/x-ndjson",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return routes
