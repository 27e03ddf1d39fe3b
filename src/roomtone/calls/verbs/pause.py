"""Pause: silence. As the first verb of a call it delays the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from roomtone.calls.playable import Item, Playable, SilenceItem

if TYPE_CHECKING:
    from roomtone.calls.sources import Sources

__all__ = ["Pause"]

LENGTH_S_MAX = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Playable):
    """Waits `length_s`. Part of a playlist: see `calls.playlist`."""

    NAME: ClassVar[str] = "Pause"

    length_s: float = 1.0

    async def prepare(self, sources: Sources) -> Item | None:  # noqa: ARG002
        """Silence of that length; nothing for none."""
        if self.length_s <= 0:
            return None
        return SilenceItem(round(min(self.length_s, LENGTH_S_MAX) * 1000))
