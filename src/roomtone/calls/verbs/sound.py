"""Audio that is at hand already: the answer of a waitUrl that was music, or a piece of our own hold music. No document
names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from roomtone.calls.playable import ClipItem, Item, Playable

if TYPE_CHECKING:
    from roomtone.calls.interpreter import Run

__all__ = ["Sound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound(Playable):
    """Plays `audio`, or the file at `path`."""

    NAME: ClassVar[str] = "Play"

    audio: bytes = b""
    file: Path | None = None
    loop: int = 1  # 0: for ever

    async def prepare(self, run: Run) -> Item:
        """The audio, decoded."""
        clip = await (run.sources.decoded(self.audio) if self.file is None else run.sources.filed(self.file))
        return ClipItem(clip, self.loop)
