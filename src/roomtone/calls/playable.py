"""A verb that sounds, and what it gives to the player: audio, silence, or keys."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roomtone.calls.document import Verb
from roomtone.calls.step import ADVANCE, Step

if TYPE_CHECKING:
    from roomtone.calls.interpreter import Run
    from roomtone.media.core import Clip

__all__ = ["ClipItem", "DigitsItem", "Item", "Playable", "PlayableError", "SilenceItem", "loops"]

LOOPS_FOR_EVER = 1000  # what the platforms make of loop="0"


@dataclass(frozen=True, slots=True)
class ClipItem:
    """Audio, `loops` times; 0: for ever."""

    clip: Clip
    loops: int = 1


@dataclass(frozen=True, slots=True)
class SilenceItem:
    milliseconds: int


@dataclass(frozen=True, slots=True)
class DigitsItem:
    """Keys for the far end, and the time they take."""

    digits: str
    milliseconds: int


Item = ClipItem | SilenceItem | DigitsItem


class PlayableError(Exception):
    """This item cannot be played; the next one can. `code` is the platform's number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Playable(Verb):
    """A verb that sounds."""

    @abstractmethod
    async def prepare(self, run: Run) -> Item | None:
        """What is to be played, None for nothing. PlayableError."""

    async def run(self, run: Run) -> Step:
        """Alone in a list of one; the interpreter takes consecutive ones together."""
        await run.play((self,))
        return ADVANCE


def loops(asked: int) -> int:
    """A `loop` attribute as the player counts it."""
    return LOOPS_FOR_EVER if asked <= 0 else min(asked, LOOPS_FOR_EVER)
