"""Audio that is at hand already: the answer of a waitUrl that was music, or a piece of our own hold music. No document
names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from roomtone.calls.playable import ClipItem, Item, Playable
from roomtone.calls.sources import PlayableError

if TYPE_CHECKING:
    from roomtone.calls.sources import Sources
    from roomtone.media.core import Clip

__all__ = ["Sound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound(Playable):
    """Plays `clip`, or `file`. A clip that could not be made of what came is the error that says why."""

    NAME: ClassVar[str] = "Play"

    clip: Clip | PlayableError | None = None
    file: Path | None = None
    loop: int = 1  # 0: for ever

    async def prepare(self, sources: Sources) -> Item:
        """The audio, decoded. PlayableError."""
        if isinstance(self.clip, PlayableError):
            raise self.clip
        if self.clip is not None:
            return ClipItem(self.clip, self.loop)
        assert self.file is not None
        return ClipItem(await sources.filed(self.file), self.loop)
