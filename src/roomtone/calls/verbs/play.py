"""Play: audio from a URL of the application, or DTMF digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roomtone.calls.document import Verb

__all__ = ["Play"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Play(Verb):
    """Plays what `url` gives, or sends `digits` (0-9 A-D * #, `w` half a second, `W` a second). Part of a playlist: see `calls.playlist`."""

    NAME: ClassVar[str] = "Play"

    url: str = ""  # absolute; empty when there are digits
    loop: int = 1  # 0: for ever, which the platforms cut at 1000
    digits: str = ""
