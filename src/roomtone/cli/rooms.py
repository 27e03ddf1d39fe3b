"""`rooms`, `room NAME` and `why ROOM A B`: who is where, who hears whom, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from roomtone.cli.client import segment
from roomtone.cli.options import AccountOption, JsonOption, TokenOption, UrlOption, connect
from roomtone.cli.output import console, print_json, print_table, short_time

__all__ = ["list_rooms", "show_room", "why"]

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
    """A picture of a room: who hears whom, and why not."""
    client = connect(url, account, token)
    room = client.get(f"/rooms/{segment(name)}")
    hearing = client.get(f"/rooms/{segment(name)}/hearing")
    if json_:
        print_json(room | {"pairs": hearing["pairs"]})
        return
    _draw(room, hearing["pairs"])


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
    query = {"from": talker, "to": listener}
    (pair,) = connect(url, account, token).get(f"/rooms/{segment(name)}/hearing", **query)["pairs"]
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


def _draw(room: dict[str, Any], pairs: list[dict[str, Any]]) -> None:
    """A matrix: a row for each who listens, a column for each who talks."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    participants = room["participants"]
    letters = {entry["call_sid"]: _letter(place) for place, entry in enumerate(participants)}
    cells = {(pair["listener"], pair["talker"]): pair for pair in pairs}
    out = console()
    started = f"started {short_time(room['started_at'])}" if room["started_at"] else "waiting for its start"
    out.print(f"{room['name']}  {room['status']}, {started}, {room['conference_sid']}", style="bold")
    table = Table(box=box.SQUARE if out.is_terminal else box.ASCII, show_lines=False)
    table.add_column("hears →", no_wrap=True)
    for entry in participants:
        table.add_column(Text(letters[entry["call_sid"]]), justify="center", no_wrap=True)
    for entry in participants:
        listener = entry["call_sid"]
        row = [Text(f"{letters[listener]}  {entry['caller'] or listener}")]
        row += [_cell(cells.get((listener, other["call_sid"]))) for other in participants]
        table.add_row(*row)
    out.print(table)
    for entry in participants:
        out.print(f"{letters[entry['call_sid']]}  {entry['call_sid']}  {_traits(entry)}")
    out.print(f"Why: `roomtone why {_quoted(room['name'])} A B` with callers or call sids.", style="dim")


def _cell(pair: dict[str, Any] | None) -> Any:
    from rich.text import Text  # noqa: PLC0415

    if pair is None or pair["reason"] == "self":
        return Text("·", style="dim")
    if pair["heard"]:
        gain = f" {pair['gain_db']:+.0f} dB" if pair["gain_db"] else ""
        return Text(f"yes{gain}", style="green")
    return Text(pair["reason"], style="yellow")


def _traits(participant: dict[str, Any]) -> str:
    traits = [
        (participant["muted"], "muted"),
        (participant["waiting"], "waiting"),
        (participant["music"], "hears music"),
        (not participant["start_on_enter"], "does not start the room"),
        (participant["end_on_exit"], "ends it on leaving"),
    ]
    return ", ".join(text for holds, text in traits if holds) or "talks"


def _letter(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _quoted(name: str) -> str:
    import shlex  # noqa: PLC0415

    return shlex.quote(name)
