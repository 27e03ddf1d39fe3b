"""Numbers and the applications that answer them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from roomtone.api.auth import Scope, scope_of
from roomtone.api.errors import remedy_of
from roomtone.api.shapes import NumberShape, number_shape
from roomtone.api.sources import Sources
from roomtone.errors import UsageError
from roomtone.settings.model import NumberEntry

__all__ = ["router"]


class NumberChange(BaseModel):
    """What is left out stays as it is. The fields are those of `[[numbers]]`."""

    model_config = ConfigDict(extra="forbid")

    dialect: str | None = None
    api_version: str | None = None
    voice_url: str | None = None
    voice_method: str | None = None
    fallback_url: str | None = None
    fallback_method: str | None = None
    status_callback: str | None = None
    status_callback_method: str | None = None


def router(sources: Sources) -> APIRouter:
    """`/numbers`. A number of the settings' file is read-only here: 409."""
    routes = APIRouter(prefix="/numbers", tags=["numbers"])
    scope = Depends(scope_of(sources.directory))
    directory = sources.directory

    @routes.get("")
    async def list_numbers(account: Annotated[Scope, scope]) -> dict[str, list[NumberShape]]:
        return {"numbers": [number_shape(*pair) for pair in directory.numbers(account)]}

    @routes.post("", status_code=201)
    async def add_number(account: Annotated[Scope, scope], entry: NumberEntry) -> NumberShape:
        owner = account or entry.account
        if not owner:
            enabled = [row.sid for row in directory.accounts() if row.enabled]
            if len(enabled) != 1:
                raise UsageError("account_missing", "Whose number is it?", "Name its account.")
            owner = enabled[0]
        return number_shape(*await directory.add_number(owner, entry))

    @routes.get("/{number}")
    async def get_number(account: Annotated[Scope, scope], number: str) -> NumberShape:
        return number_shape(*directory.number(account, number))

    @routes.patch("/{number}")
    async def change_number(account: Annotated[Scope, scope], number: str, change: NumberChange) -> NumberShape:
        row, application = directory.number(account, number)
        fields: dict[str, Any] = {"number": row.number} | {
            name: getattr(application, name) for name in NumberChange.model_fields
        }
        changed = {name: value for name, value in change.model_dump().items() if value is not None}
        if "dialect" in changed:
            fields.pop("api_version")
        try:
            entry = NumberEntry.model_validate(fields | changed)
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0]) if first["loc"] else "number"
            message = str(first["msg"]).removeprefix("Value error, ")
            raise UsageError("invalid", f"{field}: {message}", remedy_of(field)) from None
        return number_shape(*await directory.change_number(account, entry))

    @routes.delete("/{number}", status_code=204)
    async def remove_number(account: Annotated[Scope, scope], number: str) -> Response:
        await directory.remove_number(account, number)
        return Response(status_code=204)

    return routes
