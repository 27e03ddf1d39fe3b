"""A verb of the platform that Roomtone knows and has not built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roomtone.calls.document import Verb

__all__ = ["NotYet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet(Verb):
    """Is reported as not yet, with `what` in the words of the page ("Record", "Dial with Number"), and skipped."""

    NAME: ClassVar[str] = "NotYet"

    what: str
