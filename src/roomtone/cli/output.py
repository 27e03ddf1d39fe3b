"""What commands print. Colour and redrawing only on a terminal, and never with NO_COLOR."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "is_live", "print_json", "print_note", "print_table", "short_sid", "short_time"]

PLAIN_WIDTH = 1000
"""Columns where there is no terminal: lines are not wrapped, so that other programs can read them."""


def console(*, stderr: bool = False) -> Console:
    """For standard output, or standard error."""
    from rich.console import Console  # noqa: PLC0415

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(
        stderr=stderr,
        highlight=False,
        width=width,
        no_color=None if stream.isatty() else True,
        emoji=False,
        markup=False,
    )


def is_live(*, stderr: bool = False) -> bool:
    """Whether things may be redrawn there."""
    stream = sys.stderr if stderr else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_json(value: Any) -> None:
    """One object, one line, at once."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_note(text: str) -> None:
    """About the data, not of it."""
    print(text, file=sys.stderr, flush=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Columns with their heads; `empty` is said on standard error when there is no row."""
    if not rows:
        print_note(empty)
        return
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="ignore")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(table)


def short_time(text: str | None) -> str:
    """The time of day of an ISO time, in the reader's own zone."""
    return "" if not text else datetime.fromisoformat(text).astimezone().strftime("%H:%M:%S")


def short_sid(sid: str | None) -> str:
    """Enough of a sid to recognise it."""
    return "" if not sid else f"{sid[:8]}…" if len(sid) > 12 else sid
