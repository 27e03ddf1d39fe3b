"""`roomtone calls [ls|get]`."""

from __future__ import annotations

from typing import Annotated

import typer

from roomtone.cli.client import segment
from roomtone.cli.options import AccountOption, JsonOption, TokenOption, UrlOption, connect
from roomtone.cli.output import print_json, print_table, short_time
from roomtone.cli.resource import print_fields, resource

__all__ = ["app"]

app = resource("Calls, live and ended.")


@app.command("ls")
def list_calls(
    live: Annotated[bool, typer.Option("--live", help="Only those that have not ended.")] = False,
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """Newest first."""
    answer = connect(url, account, token).get("/calls", live=True if live else None)
    if json_:
        print_json(answer)
        return
    rows = [
        (
            entry["sid"],
            entry["status"],
            entry["from_uri"],
            entry["number"],
            short_time(entry["created_at"]),
            entry["end_reason"],
        )
        for entry in answer["calls"]
    ]
    print_table(("CALL", "STATUS", "FROM", "NUMBER", "SINCE", "ENDED BECAUSE"), rows, empty="There is no call.")


@app.command("get")
def get_call(
    sid: str, url: UrlOption = "", account: AccountOption = "", token: TokenOption = "", json_: JsonOption = False
) -> None:
    """One call."""
    answer = connect(url, account, token).get(f"/calls/{segment(sid)}")
    if json_:
        print_json(answer)
    else:
        print_fields(answer)
