"""What this server is and where it listens, so that commands can find its phones' door."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends

from roomtone.api.auth import Scope, scope_of
from roomtone.api.sources import Sources
from roomtone.errors import NotFoundError

__all__ = ["Description", "ServerShape", "router"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerShape:
    """`sip`: the URI of the server; a call to a number goes to that number at its host and port."""

    version: str
    http: str
    sip: str


class Description:
    """Filled in by the composition root, when the addresses are known."""

    def __init__(self) -> None:
        self.shape: ServerShape | None = None


def router(sources: Sources, description: Description) -> APIRouter:
    """`/server`."""
    routes = APIRouter(prefix="/server", tags=["server"])
    scope = Depends(scope_of(sources.directory))

    @routes.get("")
    async def describe_server(_account: Annotated[Scope, scope]) -> ServerShape:
        if description.shape is None:
            raise NotFoundError("starting", "The server is starting.", "Ask again in a second.")
        return description.shape

    return routes
