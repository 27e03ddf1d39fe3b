"""`roomtone watch`: what happens on a server, as it happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from roomtone.cli.client import Client, segment
from roomtone.cli.options import AccountOption, JsonOption, TokenOption, UrlOption, connect
from roomtone.errors import NotFoundError

__all__ = ["watch"]

Line = dict[str, Any]


def watch(
    call: Annotated[str | None, typer.Option("--call", help="Only this call.")] = None,
    room: Annotated[str | None, typer.Option("--room", help="Only this room and the calls in it.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only requests that failed, and errors.")] = False,
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """Requests, documents and calls as they happen."""
    from roomtone.cli.view import show_stream  # noqa: PLC0415

    client = connect(url, account, token)
    lines: Iterable[Line] = client.stream("/events", types="event,request,debug", call_sid=call)
    if room is not None:
        lines = of_room(lines, room, _calls_in(client, room))
    if failed:
        lines = failures(lines)
    show_stream(lines, json_=json_)


def _calls_in(client: Client, room: str) -> set[str]:
    try:
        view = client.get(f"/rooms/{segment(room)}")
    except NotFoundError:
        return set()  # it may come to be
    return {participant["call_sid"] for participant in view["participants"]}


def of_room(lines: Iterable[Line], room: str, calls: set[str]) -> Iterator[Line]:
    """What concerns the room, by name or conference sid, and the calls from their joining on."""
    for line in lines:
        is_its = room in (line.get("conference_sid"), line.get("data", {}).get("friendly_name"))
        if is_its and line.get("call_sid"):
            calls.add(line["call_sid"])
        if is_its or line.get("call_sid") in calls or ("error" in line and "type" not in line):
            yield line


def failures(lines: Iterable[Line]) -> Iterator[Line]:
    """Requests that failed, verbs that did, and errors of the debug log."""
    for line in lines:
        match line.get("type"):
            case "request":
                if line["error"] or any(verb["outcome"] == "failed" for verb in line["verbs"]):
                    yield line
            case "debug":
                if line["level"] == "error":
                    yield line
            case "event":
                if line["data"].get("status") == "failed":
                    yield line
            case _:
                yield line
