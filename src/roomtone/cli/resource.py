"""The one grammar of resources: `roomtone NOUN` lists, `ls`, `get ID`, `add`, `set`, `rm`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from roomtone.cli.help import Group

__all__ = ["print_fields", "resource"]


class _Group(Group):
    """`ls` is meant where no verb is given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["ls", *args]
        return super().parse_args(ctx, args)


def resource(text: str) -> typer.Typer:
    """A group of commands for one noun."""
    return typer.Typer(help=text, cls=_Group, rich_markup_mode=None, pretty_exceptions_enable=False)


def print_fields(answer: Mapping[str, Any]) -> None:
    """One resource, a field a line."""
    width = max((len(name) for name in answer), default=0)
    for name, value in answer.items():
        if value not in (None, "", [], {}):
            print(f"{name:<{width}}  {value}")
