"""Pause: silence. As the first verb of a call it delays the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roomtone.calls.document import Verb

__all__ = ["Pause"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Verb):
    """Waits `length_s`. Part of a playlist: see `calls.playlist`."""

    NAME: ClassVar[str] = "Pause"

    length_s: float = 1.0
