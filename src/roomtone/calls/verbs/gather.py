"""Gather: keys of the caller, sent to the application.

The prompts play while keys are taken already; the first key ends them (in the core, in the tick in which it begins).
The time-out counts from the end of the prompts, and again after each key. Nothing pressed: the next verb, unless
actionOnEmptyResult asks otherwise.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from roomtone.calls.directive import Directive
from roomtone.calls.document import Verb
from roomtone.calls.playlist import Playlist
from roomtone.calls.step import ADVANCE, Fetch, Step
from roomtone.calls.verbs.pause import Pause
from roomtone.calls.verbs.play import Play
from roomtone.calls.verbs.say import Say

if TYPE_CHECKING:
    from roomtone.calls.keys import Listening
    from roomtone.calls.run import Run

__all__ = ["Gather"]

DIGITS_MAX = 512  # of one Gather without numDigits; then it is complete


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather(Directive):
    """Plays its prompts and takes keys meanwhile; the first key ends the prompts."""

    NAME: ClassVar[str] = "Gather"

    action: str = ""  # absolute; empty: the document's own URL
    method: Literal["GET", "POST"] = "POST"
    timeout_s: float = 5.0  # from the end of the prompts, and again after each key
    finish_on_key: str = "#"  # any of these ends it and is not sent; "": none does
    num_digits: int | None = None
    action_on_empty: bool = False  # ask the action even when nothing was pressed
    prompts: tuple[Say | Play | Pause, ...] = ()

    def nested(self) -> tuple[Verb, ...]:
        """Its prompts."""
        return self.prompts

    async def run(self, run: Run) -> Step:
        """Prompts, keys, and the action with them."""
        await run.call.answer()
        with run.call.keys.gather() as listening:
            await self._prompt(run, listening)
            digits = await self._digits(run, listening)
        if digits or self.timeout_s > 0:
            run.did_something()
        if not digits and not self.action_on_empty:
            return ADVANCE
        return Fetch("gather", self.action, self.method, run.dialect.gather_parameters(digits))

    async def _prompt(self, run: Run, listening: Listening) -> None:
        """Plays the prompts, until a key is there."""
        if not self.prompts or not listening.is_empty:
            return
        playing = asyncio.create_task(Playlist(run, self.prompts, stop_on_digit=True).play())
        pressed = asyncio.create_task(listening.wait())
        try:
            await asyncio.wait({playing, pressed}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                playing.result()
        finally:
            pressed.cancel()
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    async def _digits(self, run: Run, listening: Listening) -> str:
        """The keys without the one that finished them."""
        most = min(self.num_digits or DIGITS_MAX, DIGITS_MAX)
        digits = ""
        while len(digits) < most:
            try:
                async with run.services.clock.timeout(self.timeout_s):
                    key = await listening.next()
            except TimeoutError:
                break
            if key in self.finish_on_key:
                break
            digits += key
        return digits
