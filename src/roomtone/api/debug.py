"""The debug log: what applications did wrong, newest first, with the platform's numbers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from roomtone.api.auth import Scope, scope_of
from roomtone.api.sources import Sources
from roomtone.store.query import PAGE_MAX
from roomtone.store.rows import DebugRow

__all__ = ["router"]


def router(sources: Sources) -> APIRouter:
    """`/debug`."""
    routes = APIRouter(prefix="/debug", tags=["debug"])
    scope = Depends(scope_of(sources.directory))

    @routes.get("")
    async def list_entries(
        account: Annotated[Scope, scope],
        code: int | None = None,
        call_sid: str | None = None,
        conference_sid: str | None = None,
        after: Annotated[int, Query(description="Only entries newer than this id")] = 0,
        before: Annotated[int | None, Query(description="Only entries older than this id: the next page")] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    ) -> dict[str, list[DebugRow]]:
        rows = await sources.store.debug.list(
            account,
            code=code,
            call_sid=call_sid,
            conference_sid=conference_sid,
            after=after,
            before=before,
            limit=limit,
        )
        return {"debug": list(rows)}

    return routes
