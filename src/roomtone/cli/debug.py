"""`roomtone debug`: the account's debug log, newest first as every list; with `--follow` the newest come last, as they happen."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from roomtone.cli.options import AccountOption, JsonOption, TokenOption, UrlOption, connect
from roomtone.cli.output import console, print_json, print_note, short_sid, short_time

__all__ = ["debug", "entry_line"]


def debug(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    code: Annotated[int | None, typer.Option("--code", help="Only entries with this number.")] = None,
    call: Annotated[str | None, typer.Option("--call", help="Only entries of this call.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="So many of the newest.")] = 50,
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """What the application did wrong, with the platform's error numbers: newest first, with --follow newest last."""
    client = connect(url, account, token)
    stream = client.stream("/events", types="debug", call_sid=call) if follow else iter(())
    answer = client.get("/debug", code=code, call_sid=call, limit=limit)
    if json_ and not follow:
        print_json(answer)
        return
    entries = answer["debug"]
    if not entries and not follow:
        print_note("The debug log is empty.")
    out = console()
    for entry in reversed(entries) if follow else entries:
        _show(out, entry, json_=json_)
    if len(entries) == limit and not follow:
        print_note(f"These are the newest {limit}; --limit shows more.")
    last = entries[0]["id"] if entries else 0
    for entry in stream:
        if entry.get("id", 0) > last and code in (None, entry.get("code")):
            _show(out, entry, json_=json_)


def _show(out: Any, entry: dict[str, Any], *, json_: bool) -> None:
    if json_:
        print_json(entry)
    else:
        out.print(entry_line(entry), style="red" if entry["level"] == "error" else "yellow")


def entry_line(entry: dict[str, Any]) -> str:
    """`12:00:01 warning 12200 … (line 3 of http://…, CA0123…)`."""
    place = " of ".join(text for text in (_line_of(entry), entry.get("url")) if text)
    where = ", ".join(text for text in (place, short_sid(entry["call_sid"]) if entry.get("call_sid") else "") if text)
    said = f"{short_time(entry['time'])} {entry['level']} {entry['code']} {entry['message']}"
    return f"{said} ({where})" if where else said


def _line_of(entry: dict[str, Any]) -> str:
    return f"line {entry['line']}" if entry.get("line") else ""
