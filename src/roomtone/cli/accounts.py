"""`roomtone accounts [ls|get|add|rm]`: for the operator."""

from __future__ import annotations

from typing import Annotated

import typer

from roomtone.cli.client import segment
from roomtone.cli.options import AccountOption, JsonOption, TokenOption, UrlOption, connect
from roomtone.cli.output import print_json, print_note, print_table
from roomtone.cli.resource import print_fields, resource

__all__ = ["app"]

app = resource("Accounts; asked as admin, with the admin token.")


@app.command("ls")
def list_accounts(
    url: UrlOption = "", account: AccountOption = "", token: TokenOption = "", json_: JsonOption = False
) -> None:
    """All accounts."""
    answer = connect(url, account, token, as_operator=True).get("/accounts")
    if json_:
        print_json(answer)
        return
    rows = [
        (
            entry["sid"],
            entry["name"],
            entry["project_id"],
            entry["auth_id"],
            entry["source"] if entry["enabled"] else "disabled",
        )
        for entry in answer["accounts"]
    ]
    print_table(("ACCOUNT", "NAME", "PROJECT", "AUTH ID", "FROM"), rows, empty="There is no account.")


@app.command("get")
def get_account(
    sid: str, url: UrlOption = "", account: AccountOption = "", token: TokenOption = "", json_: JsonOption = False
) -> None:
    """One account."""
    answer = connect(url, account, token, as_operator=True).get(f"/accounts/{segment(sid)}")
    if json_:
        print_json(answer)
    else:
        print_fields(answer)


@app.command("add")
def add_account(
    name: Annotated[str, typer.Option("--name", help="For people.")] = "",
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """A new account. Its token is shown now, and never again."""
    answer = connect(url, account, token, as_operator=True).post("/accounts", {"name": name})
    if json_:
        print_json(answer)
    else:
        print_fields(answer)


@app.command("rm")
def remove_account(
    sid: str, url: UrlOption = "", account: AccountOption = "", token: TokenOption = "", json_: JsonOption = False
) -> None:
    """Removes an account with its numbers."""
    connect(url, account, token, as_operator=True).delete(f"/accounts/{segment(sid)}")
    if json_:
        print_json({"removed": sid})
    else:
        print_note(f"{sid} is removed.")
