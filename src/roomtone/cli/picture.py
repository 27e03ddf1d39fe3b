"""A room drawn as a matrix: a row for each who listens, a column for each who talks.

A room whose matrix would not fit is drawn by groups: participants whose fields are all alike (but for who they are) hear alike and are heard alike, so two of a
group stand for all of it. Exceptions are groups of one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roomtone.cli.output import console, short_time

__all__ = ["MEMBERS_MAX", "Group", "draw", "groups_of", "pairs_needed"]

COLUMNS = 80
"""Where there is no terminal that says another width."""

MEMBERS_MAX = 24
"""Of a matrix with a row for each: more never fit."""

NAMED_LINES_MAX = 4
"""Of the members of one group."""

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """Participants who hear alike and are heard alike."""

    letter: str
    members: tuple[Fields, ...]

    @property
    def traits(self) -> str:
        """What is so of each of them."""
        return _traits(self.members[0])


def groups_of(participants: Sequence[Fields], *, each_alone: bool) -> list[Group]:
    """In the order of the first of each."""
    alike: dict[object, list[Fields]] = {}
    for place, entry in enumerate(participants):
        key = place if each_alone else tuple(sorted((name, str(entry[name])) for name in entry.keys() - _OWN))
        alike.setdefault(key, []).append(entry)
    return [Group(_letter(place), tuple(members)) for place, members in enumerate(alike.values())]


_OWN = {"call_sid", "caller", "joined_at"}


def pairs_needed(groups: Sequence[Group]) -> list[tuple[str, str]]:
    """Listener and talker whose pair stands for those of two groups; of one group two different members, when it has them."""
    return [
        (listener.members[0]["call_sid"], talker.members[-1 if listener is talker else 0]["call_sid"])
        for listener in groups
        for talker in groups
    ]


def draw(
    room: Fields, groups: Sequence[Group], pairs: Mapping[tuple[str, str], Fields], *, must_fit: bool = False
) -> bool:
    """Prints it. False, and nothing is printed, when it must fit and does not."""
    out = console()
    width = out.width if out.is_terminal else COLUMNS
    are_alone = all(len(group.members) == 1 for group in groups)
    names = [_name(group) for group in groups]
    cells = [_cell(pairs.get(pair)) for pair in pairs_needed(groups)]
    widths = [
        max(len(group.letter), *(len(text) for text, _ in cells[column :: len(groups)]))
        for column, group in enumerate(groups)
    ]
    longest = max((len(name) for name in names), default=0) + len("A  ")
    if must_fit and longest + sum(column + 3 for column in widths) + 4 > width:
        return False
    started = f"started {short_time(room['started_at'])}" if room["started_at"] else "waiting for its start"
    out.print(f"{room['name']}  {room['status']}, {started}, {room['conference_sid']}", style="bold", soft_wrap=True)
    out.print(_matrix(groups, names, cells, is_terminal=out.is_terminal))
    for group in groups:
        if are_alone:
            out.print(f"{group.letter}  {group.members[0]['call_sid']}  {group.traits}", soft_wrap=True)
        else:
            out.print(_members(group, width), soft_wrap=True)
    return True


def _matrix(
    groups: Sequence[Group], names: Sequence[str], cells: Sequence[tuple[str, str]], *, is_terminal: bool
) -> Any:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SQUARE if is_terminal else box.ASCII, show_lines=False)
    table.add_column("hears →", no_wrap=True)
    for group in groups:
        table.add_column(Text(group.letter), justify="center", no_wrap=True)
    for row, (group, name) in enumerate(zip(groups, names, strict=True)):
        own = cells[row * len(groups) : (row + 1) * len(groups)]
        table.add_row(Text(f"{group.letter}  {name}"), *(Text(text, style=style) for text, style in own))
    return table


def _name(group: Group) -> str:
    if len(group.members) > 1:
        return f"{len(group.members)} participants"
    return str(group.members[0]["caller"] or group.members[0]["call_sid"])


def _members(group: Group, width: int) -> str:
    """Who is in it and what they are, in a few lines."""
    head = f"{group.letter}  {_name(group)}: {group.traits}"
    if len(group.members) == 1:
        return f"{head}, {group.members[0]['call_sid']}"
    named = [str(entry["caller"] or entry["call_sid"]) for entry in group.members]
    fits = len(named)
    while True:
        text = ", ".join(named[:fits]) + (f" and {len(named) - fits} more" if fits < len(named) else "")
        lines = textwrap.wrap(text, width, initial_indent="   ", subsequent_indent="   ", break_on_hyphens=False)
        if len(lines) <= NAMED_LINES_MAX or fits <= 1:
            return "\n".join([head, *lines])
        fits = max(fits * 9 // 10, 1)


def _cell(pair: Fields | None) -> tuple[str, str]:
    if pair is None:  # one of the two has left meanwhile
        return "?", "dim"
    if pair["reason"] == "self":
        return "·", "dim"
    if pair["heard"]:
        gain = f" {pair['gain_db']:+.0f} dB" if pair["gain_db"] else ""
        return f"yes{gain}", "green"
    return str(pair["reason"]), "yellow"


def _traits(participant: Fields) -> str:
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
