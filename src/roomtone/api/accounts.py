"""Accounts: for the operator alone."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from roomtone.api.auth import Credentials, principal_of
from roomtone.api.shapes import AccountShape, account_shape
from roomtone.api.sources import Sources
from roomtone.errors import ForbiddenError, NotFoundError, UsageError
from roomtone.settings.model import Account

__all__ = ["router"]


class NewAccount(BaseModel):
    """What is left out is made: a sid, a token."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    sid: str = ""
    token: str = ""


def router(sources: Sources) -> APIRouter:
    """`/accounts`."""
    directory = sources.directory

    def operator(credentials: Credentials) -> None:
        if not principal_of(directory, credentials).is_admin:
            raise ForbiddenError("forbidden", "Accounts are the operator's.", "Ask as admin with the admin token.")

    routes = APIRouter(prefix="/accounts", tags=["accounts"], dependencies=[Depends(operator)])

    @routes.get("")
    async def list_accounts() -> dict[str, list[AccountShape]]:
        return {"accounts": [account_shape(row) for row in directory.accounts()]}

    @routes.post("", status_code=201)
    async def add_account(order: Annotated[NewAccount, Depends(_order)]) -> AccountShape:
        """The token is in this answer, and in no other."""
        try:
            account = Account(
                sid=order.sid or sources.ids.account(), token=order.token or sources.ids.token(), name=order.name
            )
        except ValidationError as error:
            raise UsageError("invalid", str(error.errors()[0]["msg"])) from None
        row = await directory.add_account(account)
        return account_shape(row, token=row.token)

    @routes.get("/{sid}")
    async def get_account(sid: str) -> AccountShape:
        row = directory.account(sid)
        if row is None:
            raise NotFoundError("account_not_found", f"There is no account {sid}.", "`roomtone accounts` lists them.")
        return account_shape(row)

    @routes.delete("/{sid}", status_code=204)
    async def remove_account(sid: str) -> Response:
        """With its numbers. An account of the settings' file: 409."""
        await directory.remove_account(sid)
        return Response(status_code=204)

    return routes


def _order(order: NewAccount | None = None) -> NewAccount:
    return order or NewAccount()
