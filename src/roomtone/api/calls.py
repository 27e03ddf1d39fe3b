"""Calls, live and ended, newest first."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from roomtone.api.auth import Scope, scope_of
from roomtone.api.shapes import CallShape, call_shape
from roomtone.api.sources import Sources
from roomtone.errors import NotFoundError
from roomtone.store.query import PAGE_MAX
from roomtone.store.rows import CallRow

__all__ = ["router"]


def router(sources: Sources) -> APIRouter:
    """`/calls`."""
    routes = APIRouter(prefix="/calls", tags=["calls"])
    scope = Depends(scope_of(sources.directory))

    def shape(row: CallRow) -> CallShape:
        call = sources.calls.call(row.sid)
        return call_shape(row, listening=call is not None and call.listening)

    @routes.get("")
    async def list_calls(
        account: Annotated[Scope, scope],
        sip_call_id: Annotated[str | None, Query(description="Call-ID of its SIP dialog")] = None,
        live: Annotated[
            bool | None, Query(description="Only those that have not ended, or only those that have")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    ) -> dict[str, list[CallShape]]:
        rows = await sources.store.calls.list(account, live=live, sip_call_id=sip_call_id, limit=limit)
        return {"calls": [shape(row) for row in rows]}

    @routes.get("/{sid}")
    async def get_call(account: Annotated[Scope, scope], sid: str) -> CallShape:
        row = await sources.store.calls.get(account, sid)
        if row is None:
            raise NotFoundError("call_not_found", f"There is no call {sid}.", "`roomtone calls` lists them.")
        return shape(row)

    return routes
