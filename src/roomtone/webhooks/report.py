"""What became of the verbs of an answer: a part of the request that brought them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Outcome", "VerbReport"]


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
