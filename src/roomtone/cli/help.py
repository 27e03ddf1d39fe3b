"""The list of commands in a help text: whole first sentences, by what they are for, and what is not built yet at the end, by itself."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

__all__ = ["Group", "first_sentence"]

NOT_YET = "Not built yet: "


class Group(TyperGroup):
    """A command with commands."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The library would cut the sentences off at the width of the terminal; here they are wrapped."""
        rows = [(name, first_sentence(self.commands[name].help or "")) for name in self.list_commands(ctx)]
        built = [(name, text) for name, text in rows if not text.startswith(NOT_YET)]
        later = [(name, text.removeprefix(NOT_YET)) for name, text in rows if text.startswith(NOT_YET)]
        for panel in dict.fromkeys(self._panel(name) for name, _ in built):
            with formatter.section(panel):
                formatter.write_dl([row for row in built if self._panel(row[0]) == panel])
        if later:
            with formatter.section("Not built yet (they say so, and leave with 2)"):
                formatter.write_dl(later)

    def _panel(self, name: str) -> str:
        panel = getattr(self.commands[name], "rich_help_panel", None)
        return panel if isinstance(panel, str) else "Commands"


def first_sentence(text: str) -> str:
    """Without its full stop."""
    words = " ".join(text.split())
    return words.partition(". ")[0].removesuffix(".")
