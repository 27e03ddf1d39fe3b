"""Say: text becomes speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roomtone.calls.document import Verb

__all__ = ["Say"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Verb):
    """Speaks `text`. Part of a playlist: see `calls.playlist`."""

    NAME: ClassVar[str] = "Say"

    text: str
    voice: str = "man"
    language: str = "en-US"
    loop: int = 1  # 0: for ever, which the platforms cut at 1000
