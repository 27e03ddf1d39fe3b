"""Clips: what the core decodes, what makes them, and a bounded cache of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from roomtone.media.core import Clip, Codec

__all__ = ["CLIP_BYTES_PER_MILLISECOND", "SOUND_FORMATS", "ClipCache", "Loader"]

CLIP_BYTES_PER_MILLISECOND = 130
"""What a clip takes: samples at 8 and 48 kHz and two encodings of G.711, rounded up."""

SOUND_FORMATS = "WAV, MP3, Ogg Vorbis or FLAC"
"""What the core decodes, in the words of a user."""


class Loader(Protocol):
    """What makes clips: the core."""

    def load_clip(self, data: bytes, encode: Sequence[Codec] = ()) -> Clip:
        """MediaError, LimitReached. Blocks."""

    def load_pcm(self, pcm: bytes, rate_hz: int, encode: Sequence[Codec] = ()) -> Clip:
        """The same from samples."""


class ClipCache:
    """Clips by key, the longest unused goes first when their bytes exceed `bytes_max`. One that alone exceeds it is not kept."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._clips: OrderedDict[Hashable, Clip] = OrderedDict()

    @property
    def bytes(self) -> int:
        """What is kept now."""
        return self._bytes

    def get(self, key: Hashable) -> Clip | None:
        """The clip, now the latest used."""
        clip = self._clips.get(key)
        if clip is not None:
            self._clips.move_to_end(key)
        return clip

    def put(self, key: Hashable, clip: Clip) -> None:
        """Keeps `clip` in place of what had this key."""
        old = self._clips.pop(key, None)
        if old is not None:
            self._bytes -= _size(old)
        if _size(clip) > self._bytes_max:
            return
        self._clips[key] = clip
        self._bytes += _size(clip)
        while self._bytes > self._bytes_max:
            self._bytes -= _size(self._clips.popitem(last=False)[1])


def _size(clip: Clip) -> int:
    return clip.milliseconds * CLIP_BYTES_PER_MILLISECOND
