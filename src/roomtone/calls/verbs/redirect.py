"""Redirect: another document takes over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from roomtone.calls.document import Verb

__all__ = ["Redirect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Verb):
    """Fetches `url` and runs it; the rest of this document is not reached."""

    NAME: ClassVar[str] = "Redirect"

    url: str = ""  # absolute; empty: the document's own URL
    method: Literal["GET", "POST"] = "POST"
