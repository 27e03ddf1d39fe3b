"""A verb that sounds, and what it gives to the player: audio, silence, or keys."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roomtone.calls.document import Verb

if TYPE_CHECKING:
    from roomtone.calls.sources import Sources
    from roomtone.media.core import Clip

__all__ = ["ClipItem", "DigitsItem", "Item", "Playable", "SilenceItem", "loops"]

LOOPS_FOR_EVER = 1000  # what the platforms make of loop="0"


@dataclass(frozen=True, slots=True)
class ClipItem:
    """Audio, `loops` times; 0: for ever."""

    clip: Clip
    loops: int = 1


@dataclass(frozen=True, slots=True)
class SilenceItem:
    """Nothing to hear, for so long."""

    milliseconds: int


@dataclass(frozen=True, slots=True)
class DigitsItem:
    """Keys for the far end, and the time they take."""

    digits: str
    milliseconds: int


Item = ClipItem | SilenceItem | DigitsItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Playable(Verb):
    """A verb that sounds. Consecutive ones are one playlist (`calls.playlist`)."""

    @abstractmethod
    async def prepare(self, sources: Sources) -> Item | None:
        """What is to be played, None for nothing. PlayableError."""


def loops(asked: int) -> int:
    """A `loop` attribute as the player counts it."""
    return LOOPS_FOR_EVER if asked <= 0 else min(asked, LOOPS_FOR_EVER)
