"""Live rooms, and who hears whom in them and why."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from roomtone.api.auth import Scope, scope_of
from roomtone.api.shapes import PairShape, RoomShape, pair_shape, room_shape
from roomtone.api.sources import Sources

__all__ = ["router"]


def router(sources: Sources) -> APIRouter:
    """`/rooms`. A room is named by its name or its conference SID; a name may hold slashes."""
    routes = APIRouter(prefix="/rooms", tags=["rooms"])
    scope = Depends(scope_of(sources.directory))

    @routes.get("")
    async def list_rooms(account: Annotated[Scope, scope]) -> dict[str, list[RoomShape]]:
        """Every live room, oldest first."""
        return {"rooms": [room_shape(view) for view in sources.rooms.list(account)]}

    @routes.get("/{name:path}/hearing")
    async def hearing(
        account: Annotated[Scope, scope],
        name: str,
        talker: Annotated[
            str | None, Query(alias="from", description="Who speaks: only what this participant says")
        ] = None,
        listener: Annotated[
            str | None, Query(alias="to", description="Who listens: only what this participant hears")
        ] = None,
    ) -> dict[str, str | list[PairShape]]:
        """Who hears whom, one entry a pair: `from` speaks and `to` listens. Participants are named by call SID or by caller."""
        room = sources.rooms.room(account, name)
        pairs = sources.rooms.hearing(account, room.conference_sid, talker, listener)
        return {
            "name": room.friendly_name,
            "conference_sid": room.conference_sid,
            "status": room.status,
            "pairs": [pair_shape(view) for view in pairs],
        }

    @routes.get("/{name:path}")
    async def get_room(account: Annotated[Scope, scope], name: str) -> RoomShape:
        """One live room."""
        return room_shape(sources.rooms.room(account, name))

    return routes
