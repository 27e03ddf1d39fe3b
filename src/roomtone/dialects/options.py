"""What an operator's settings mean to every dialect; handed to the factories of `DIALECTS`."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DialectOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectOptions:
    """Limits that a dialect puts on documents."""

    participants_max: int = 40  # `rooms.max_participants`: default and cap alike (T3)
