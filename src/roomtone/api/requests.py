"""Document requests and callbacks, with what became of each verb; and sending one again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from roomtone.api.auth import Scope, scope_of
from roomtone.api.shapes import RequestShape, request_shape
from roomtone.api.sources import Sources
from roomtone.errors import ConflictError, NotFoundError
from roomtone.settings.values import HttpUrl
from roomtone.store.query import PAGE_MAX
from roomtone.store.rows import RequestRow

__all__ = ["router"]


class ReplayOrder(BaseModel):
    """`to`: another address than the request had."""

    model_config = ConfigDict(extra="forbid")

    to: HttpUrl | None = None


def router(sources: Sources) -> APIRouter:
    """`/requests`, newest first."""
    routes = APIRouter(prefix="/requests", tags=["requests"])
    scope = Depends(scope_of(sources.directory))

    async def find(account: Scope, request_id: str) -> RequestRow:
        row = sources.journal.get(request_id)
        if row is None or account not in (None, row.account_sid):
            row = await sources.store.requests.get(account, request_id)
        if row is None:
            raise NotFoundError(
                "request_not_found",
                f"There is no request {request_id}.",
                "`roomtone requests` lists what webhooks.capture and capture_hours keep.",
            )
        return row

    @routes.get("")
    async def list_requests(
        account: Annotated[Scope, scope],
        call_sid: str | None = None,
        kind: Annotated[str | None, Query(description="voice, action, redirect, fallback, wait, media ...")] = None,
        failed: Annotated[bool | None, Query(description="Only failed ones, or only the others")] = None,
        after: Annotated[str | None, Query(description="Only requests newer than this one")] = None,
        before: Annotated[str | None, Query(description="Only requests older than this one: the next page")] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> dict[str, list[RequestShape]]:
        rows = await sources.store.requests.list(
            account, call_sid=call_sid, kind=kind, failed=failed, after=after, before=before, limit=limit
        )
        return {"requests": [request_shape(row) for row in rows]}

    @routes.get("/{request_id}")
    async def get_request(account: Annotated[Scope, scope], request_id: str) -> RequestShape:
        return request_shape(await find(account, request_id))

    @routes.post("/{request_id}/replay")
    async def replay(
        account: Annotated[Scope, scope], request_id: str, order: ReplayOrder | None = None
    ) -> RequestShape:
        """Sends it again, freshly signed, without touching its call; the new request."""
        row = await find(account, request_id)
        again = await sources.replay(account, row.id, order.to if order else None)
        if again is None:
            raise ConflictError(
                "not_kept_whole",
                f"{request_id} is not kept whole, so it cannot be sent again.",
                'webhooks.capture = "full" keeps requests whole; only the newest, and only until the server ends.',
            )
        return request_shape(again)

    return routes
