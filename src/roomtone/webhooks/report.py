"""What was found in an answer, and what became of its verbs: parts of the request that brought it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

__all__ = ["Finding", "Outcome", "VerbReport"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the application should know about its document: an entry of its debug log. The call goes on."""

    code: int  # the platform's number (12200, 13230 ...)
    message: str
    level: Literal["warning", "error"] = "warning"
    line: int | None = None
    column: int | None = None
    path: str = ""  # of the verb, as in Verb.path
    attribute: str = ""  # of that element, when the finding is about one


class Outcome(StrEnum):
    """What became of a verb."""

    RAN = "ran"
    IGNORED = "ignored"
    NOT_REACHED = "not_reached"
    FAILED = "failed"
    NOT_YET = "not_yet"  # the verb or attribute is known, but not built


@dataclass(slots=True)
class VerbReport:
    """What became of one verb of a document, kept with its request."""

    path: str
    line: int | None
    outcome: Outcome = Outcome.NOT_REACHED
    reason: str = ""
    code: int | None = None
    started: str | None = None  # ISO 8601, UTC
    ended: str | None = None
    children: list[VerbReport] = field(default_factory=list)  # nested verbs of a Gather, reported flat by the API
