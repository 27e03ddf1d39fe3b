"""`rooms`, `room NAME` and `why ROOM A B`: who is where, who hears whom, and why."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roomtone.cli.client import Client, segment
from roomtone.cli.options import AccountOption, JsonOption, TokenOption, UrlOption, connect
from roomtone.cli.output import console, print_json, print_table, short_time
from roomtone.errors import NotFoundError

if TYPE_CHECKING:
    from roomtone.cli.picture import Group

__all__ = ["list_rooms", "show_room", "why"]

PAIRED_MAX = 100
"""Participants of a room whose pairs one answer of the API holds."""

NameArgument = Annotated[str, typer.Argument(help="Name of the room, or its conference sid.")]


def list_rooms(
    url: UrlOption = "", account: AccountOption = "", token: TokenOption = "", json_: JsonOption = False
) -> None:
    """Live rooms."""
    answer = connect(url, account, token).get("/rooms")
    if json_:
        print_json(answer)
        return
    rows = [
        (
            room["name"],
            room["status"],
            len(room["participants"]),
            short_time(room["created_at"]),
            room["conference_sid"],
        )
        for room in answer["rooms"]
    ]
    print_table(("ROOM", "STATUS", "PARTICIPANTS", "SINCE", "CONFERENCE"), rows, empty="There is no live room.")


def show_room(
    name: NameArgument,
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """A picture of a room: who hears whom, and why not. Of a large one by groups; `pairs` is then null in JSON."""
    from roomtone.cli import picture  # noqa: PLC0415

    client = connect(url, account, token)
    room = client.get(f"/rooms/{segment(name)}")
    participants = room["participants"]
    groups = picture.groups_of(participants, each_alone=False)
    if json_:
        print_json(room | {"pairs": _all_pairs(client, name, participants), "groups": _as_json(groups)})
        return
    is_drawn = False
    if len(participants) <= picture.MEMBERS_MAX:
        pairs = {(pair["listener"], pair["talker"]): pair for pair in _all_pairs(client, name, participants) or ()}
        is_drawn = picture.draw(room, picture.groups_of(participants, each_alone=True), pairs, must_fit=True)
    if not is_drawn:
        picture.draw(room, groups, _pairs_there(client, name, picture.pairs_needed(groups)))
    if len(participants) > 1:
        callers = [entry["caller"] for entry in participants]
        talker, listener = (
            _quoted(entry["caller"] if entry["caller"] and callers.count(entry["caller"]) == 1 else entry["call_sid"])
            for entry in participants[:2]
        )
        console().print(f"Why, for instance: `roomtone why {_quoted(room['name'])} {listener} {talker}`", style="dim")


def _all_pairs(client: Client, name: str, participants: Sequence[Any]) -> list[dict[str, Any]] | None:
    """None: too many for one answer."""
    if len(participants) > PAIRED_MAX:
        return None
    pairs: list[dict[str, Any]] = client.get(f"/rooms/{segment(name)}/hearing")["pairs"]
    return pairs


def _pairs_there(client: Client, name: str, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Those of `wanted` of whom nobody has left since the room was asked for."""
    there = {}
    for pair in wanted:
        with contextlib.suppress(NotFoundError):
            there[pair] = _pair(client, name, *pair)
    return there


def _pair(client: Client, name: str, listener: str, talker: str) -> dict[str, Any]:
    query = {"from": talker, "to": listener}
    pair: dict[str, Any] = client.get(f"/rooms/{segment(name)}/hearing", **query)["pairs"][0]
    return pair


def _as_json(groups: Sequence[Group]) -> list[dict[str, Any]]:
    return [{"traits": group.traits, "call_sids": [entry["call_sid"] for entry in group.members]} for group in groups]


def why(
    name: NameArgument,
    listener: Annotated[str, typer.Argument(metavar="A", help="Who listens: a call sid, or a caller.")],
    talker: Annotated[str, typer.Argument(metavar="B", help="Who talks.")],
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """Why A hears B, or does not."""
    pair = _pair(connect(url, account, token), name, listener, talker)
    if json_:
        print_json(pair)
        return
    print(pair["sentence"])
    cause = pair["cause"]
    if cause.get("api_call"):
        print(f"Made so by {cause['api_call']}.")
    elif cause.get("request_id"):
        line = f", line {cause['line']}" if cause.get("line") else ""
        print(f"Made so by the document of {cause['request_id']}{line}: `roomtone requests get {cause['request_id']}`.")


def _quoted(name: str) -> str:
    import shlex  # noqa: PLC0415

    return shlex.quote(name)
