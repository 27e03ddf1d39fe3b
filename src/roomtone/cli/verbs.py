"""What became of a verb, in a line, and what the verb says: its attributes and first words, from the text of its document."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from xml.etree import ElementTree

__all__ = ["DocumentText", "depth_of", "verb_line", "verb_style"]

CHARACTERS_MAX = 70
"""Of what a verb says."""

_WORDS = {
    "ran": "ran",
    "ignored": "ignored",
    "not_reached": "not reached",
    "failed": "failed",
    "not_yet": "not built yet",
}
_STYLES = {"ran": "green", "ignored": "yellow", "not_reached": "dim", "failed": "red", "not_yet": "yellow"}


class DocumentText:
    """The text of a document, to look verbs up in. One that cannot be read (not kept, cut off) says nothing."""

    def __init__(self, body: str | None) -> None:
        self._root: ElementTree.Element | None = None
        if body and "<!DOCTYPE" not in body:
            try:
                self._root = ElementTree.fromstring(body)
            except (ElementTree.ParseError, ValueError):
                self._root = None

    def says(self, path: str) -> str:
        """Attributes and first words of the verb with that path, and of the nouns in it."""
        try:
            element = None if self._root is None else self._root.find(path.removeprefix("/Response/"))
        except (SyntaxError, KeyError):  # a name that is no name of an element here
            element = None
        if element is None:
            return ""
        said = _said(element)
        if element.tag == "Dial":
            said += "".join(f"  {noun.tag}{_said(noun)}" for noun in element)
        said = said.strip()
        return said if len(said) <= CHARACTERS_MAX else f"{said[: CHARACTERS_MAX - 1].rstrip()}…"


def _said(element: ElementTree.Element) -> str:
    words = " ".join((element.text or "").split())
    attributes = "".join(f' {name}="{value}"' for name, value in element.attrib.items())
    return f"{attributes} “{words}”" if words else attributes


def depth_of(verb: dict[str, Any]) -> int:
    """0 for a verb of the document itself, 1 for one within it."""
    return max(str(verb["path"]).count("/") - 2, 0)


def verb_line(verb: dict[str, Any], says: str = "") -> str:
    """`line 3    Say “Hello”  ran 2.1 s`, with code and reason where there are any. A verb that has begun and not ended is running."""
    name = str(verb["path"]).rpartition("/")[2].partition("[")[0] or "Response"
    running = verb["outcome"] == "ran" and verb.get("started") and not verb.get("ended")
    words = "running" if running else _WORDS.get(verb["outcome"], verb["outcome"])
    if verb["outcome"] == "ran" and verb.get("started") and verb.get("ended"):
        words += f" {_seconds(verb):.1f} s"
    line = f"line {verb['line']}" if verb.get("line") else ""
    details = " ".join(str(part) for part in (verb.get("code"), verb.get("reason")) if part)
    what = f"{'  ' * depth_of(verb)}{name} {says}".rstrip()
    return f"{line:<8} {what:<40}  {words}{': ' + details if details else ''}"


def verb_style(verb: dict[str, Any]) -> str:
    """Of its line on a terminal."""
    return _STYLES.get(verb["outcome"], "")


def _seconds(verb: dict[str, Any]) -> float:
    return (datetime.fromisoformat(verb["ended"]) - datetime.fromisoformat(verb["started"])).total_seconds()
