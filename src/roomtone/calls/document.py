"""A document as the interpreter runs it: verbs, in no dialect's XML any more, each with its place in the text.

One file a verb lives in `calls/verbs/`: the dataclass and how it runs. Each is either a `Playable`, which sounds, or a `Directive`, which acts and leads on.
This file holds what all share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from roomtone.webhooks.report import Finding, VerbReport

__all__ = ["Document", "DocumentError", "Verb"]


class DocumentError(Exception):
    """The answer is no document that could be run (A14): asks the fallback, else ends the call."""

    def __init__(self, code: int, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Base of all verbs. `path` is its place: `/Response/Gather[1]/Say[2]`, counted from 1 among those of its name."""

    NAME: ClassVar[str] = ""

    path: str = ""
    line: int | None = None

    def nested(self) -> tuple[Verb, ...]:
        """The verbs inside it, in their order (the prompts of a Gather)."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What one answer asks for. Verbs the dialect does not know are not in `verbs`, but in `reports` as ignored."""

    verbs: tuple[Verb, ...]
    findings: tuple[Finding, ...] = ()
    ignored: tuple[VerbReport, ...] = ()
