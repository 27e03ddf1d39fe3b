"""`roomtone requests [ls|get|replay]`: what the application was asked, what it answered, and what became of each verb."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from roomtone.cli.client import segment
from roomtone.cli.options import AccountOption, JsonOption, TokenOption, UrlOption, connect
from roomtone.cli.output import console, print_json, print_table, short_sid, short_time
from roomtone.cli.resource import resource
from roomtone.cli.verbs import verb_line, verb_style

__all__ = ["app", "print_request"]

app = resource("Document requests and callbacks.")


@app.command("ls")
def list_requests(
    call: Annotated[str | None, typer.Option("--call", help="Only those of this call.")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="voice, action, redirect, fallback, wait, media ...")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """Newest first."""
    client = connect(url, account, token)
    answer = client.get("/requests", call_sid=call, kind=kind, failed=True if failed else None, limit=limit)
    if json_:
        print_json(answer)
        return
    rows = [
        (
            entry["id"],
            short_time(entry["time"]),
            f"{entry['kind']} (replay)" if entry["replay_of"] else entry["kind"],
            short_sid(entry["call_sid"]),
            f"{entry['method']} {entry['url']}",
            _outcome(entry),
        )
        for entry in answer["requests"]
    ]
    print_table(("REQUEST", "TIME", "KIND", "CALL", "URL", "ANSWER"), rows, empty="There is no request.")


@app.command("get")
def get_request(
    request_id: Annotated[str, typer.Argument(metavar="ID")],
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """One request: what was asked, the answer, and what became of its verbs."""
    answer = connect(url, account, token).get(f"/requests/{segment(request_id)}")
    if json_:
        print_json(answer)
    else:
        print_request(answer)


@app.command("replay")
def replay(
    request_id: Annotated[str, typer.Argument(metavar="ID")],
    to: Annotated[str | None, typer.Option("--to", help="To another URL.")] = None,
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """Sends it again, freshly signed, without touching its call. Leaves with 5 when the application fails."""
    client = connect(url, account, token)
    answer = client.post(f"/requests/{segment(request_id)}/replay", {"to": to} if to else {})
    if json_:
        print_json(answer)
    else:
        print_request(answer)
    if answer["error"] is not None:
        raise typer.Exit(5)


def print_request(request: dict[str, Any]) -> None:
    """For eyes."""
    out = console()
    out.print(f"{request['method']} {request['url']}  {request['kind']}  {short_time(request['time'])}", style="bold")
    if request["replay_of"]:
        out.print(f"{request['id']}, a replay of {request['replay_of']}")
    if request["sent_to"] not in ("", request["url"]):
        out.print(f"sent to {request['sent_to']}")
    for name, value in request["parameters"].items():
        out.print(f"  {name} = {value}")
    out.print(_outcome(request), style="bold red" if request["error"] else "bold")
    for number, line in enumerate((request["body"] or "").splitlines(), 1):
        out.print(f"{number:4}  {line}")
    for verb in request["verbs"]:
        out.print(f"  {verb_line(verb)}", style=verb_style(verb), soft_wrap=True)


def _outcome(request: dict[str, Any]) -> str:
    took = f" in {request['milliseconds']} ms" if request["milliseconds"] is not None else ""
    if request["error"]:
        return f"failed{took}: {request['error'].get('code')} {request['error'].get('message')}"
    if request["status"] is None:
        return f"not needed any more{took}" if took else "no answer yet"
    return f"{request['status']}{took}"
