"""Say: text becomes speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from roomtone.calls.playable import ClipItem, Item, Playable, loops

if TYPE_CHECKING:
    from roomtone.calls.sources import Sources

__all__ = ["Say"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Playable):
    """Speaks `text`. Part of a playlist: see `calls.playlist`."""

    NAME: ClassVar[str] = "Say"

    text: str
    voice: str = "man"
    language: str = "en-US"
    loop: int = 1  # 0: for ever, which the platforms cut at 1000

    async def prepare(self, sources: Sources) -> Item | None:
        """The text as a clip; nothing for no text."""
        if not self.text.strip():
            return None
        return ClipItem(await sources.spoken(self.text, self.voice, self.language), loops(self.loop))
