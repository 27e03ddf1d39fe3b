"""What became of a verb, in a line."""

from __future__ import annotations

from typing import Any

__all__ = ["verb_line", "verb_style"]

_WORDS = {
    "ran": "ran",
    "ignored": "ignored",
    "not_reached": "not reached",
    "failed": "failed",
    "not_yet": "not built yet",
}
_STYLES = {"ran": "green", "ignored": "yellow", "not_reached": "dim", "failed": "red", "not_yet": "yellow"}


def verb_line(verb: dict[str, Any]) -> str:
    """`line 3  Gather  ran`, with code and reason where there are any. A verb that has begun and not ended is running."""
    name = str(verb["path"]).removeprefix("/Response/") or "Response"
    running = verb["outcome"] == "ran" and verb.get("started") and not verb.get("ended")
    words = "running" if running else _WORDS.get(verb["outcome"], verb["outcome"])
    line = f"line {verb['line']}" if verb.get("line") else "      "
    details = " ".join(str(part) for part in (verb.get("code"), verb.get("reason")) if part)
    return f"{line:<8} {name:<24} {words}{': ' + details if details else ''}"


def verb_style(verb: dict[str, Any]) -> str:
    """Of its line on a terminal."""
    return _STYLES.get(verb["outcome"], "")
