"""Play: audio from a URL of the application, or DTMF digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from roomtone.calls.playable import ClipItem, DigitsItem, Item, Playable, loops

if TYPE_CHECKING:
    from roomtone.calls.sources import Sources

__all__ = ["Play", "digits_milliseconds"]

PAUSE_MS = {"w": 500, "W": 1000}
KEY_MS = 200  # tone and gap, as the core sends them
NO_AUDIO_CODE = 13420
DIGITS_MAX = 1000  # keys that one Play may send, its loops included


@dataclass(frozen=True, slots=True, kw_only=True)
class Play(Playable):
    """Plays what `url` gives, or sends `digits` (0-9 A-D * #, `w` half a second, `W` a second). Part of a playlist: see
    `calls.playlist`.
    """

    NAME: ClassVar[str] = "Play"

    url: str = ""  # absolute; empty when there are digits
    loop: int = 1  # 0: for ever, which the platforms cut at 1000
    digits: str = ""
    no_audio_code: int = NO_AUDIO_CODE  # when `url` gives no sound

    async def prepare(self, sources: Sources) -> Item | None:
        """The clip at `url`, or the keys; nothing for neither."""
        if self.digits:
            digits = (self.digits * loops(self.loop))[:DIGITS_MAX]
            return DigitsItem(digits, digits_milliseconds(digits))
        if not self.url:
            return None
        return ClipItem(await sources.fetched(self.url, self.no_audio_code), loops(self.loop))


def digits_milliseconds(digits: str) -> int:
    """How long the core takes to send them."""
    return sum(PAUSE_MS.get(key, KEY_MS) for key in digits)
