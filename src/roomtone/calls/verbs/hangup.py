"""Hangup and Reject: the ways a document ends its call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from roomtone.calls.document import Verb

__all__ = ["Hangup", "Reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup(Verb):
    """Ends the call."""

    NAME: ClassVar[str] = "Hangup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Verb):
    """Refuses a call that was not answered yet; of an answered one it is a Hangup."""

    NAME: ClassVar[str] = "Reject"

    reason: Literal["rejected", "busy"] = "rejected"
