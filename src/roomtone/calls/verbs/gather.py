"""Gather: keys of the caller, sent to the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from roomtone.calls.document import Verb
from roomtone.calls.verbs.pause import Pause
from roomtone.calls.verbs.play import Play
from roomtone.calls.verbs.say import Say

__all__ = ["Gather"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather(Verb):
    """Plays its prompts and takes keys meanwhile; the first key ends the prompts."""

    NAME: ClassVar[str] = "Gather"

    action: str = ""  # absolute; empty: the document's own URL
    method: Literal["GET", "POST"] = "POST"
    timeout_s: float = 5.0  # from the end of the prompts, and again after each key
    finish_on_key: str = "#"  # any of these ends it and is not sent; "": none does
    num_digits: int | None = None
    action_on_empty: bool = False  # ask the action even when nothing was pressed
    prompts: tuple[Say | Play | Pause, ...] = ()
