"""Dial with a Conference: the call becomes a participant of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from roomtone.calls.document import Verb
from roomtone.rooms.join import JoinRequest

__all__ = ["DialConference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DialConference(Verb):
    """Joins the room `name` by the rules of `join`, whose `call_sid` is filled in when it runs (leave it "")."""

    NAME: ClassVar[str] = "Dial"

    name: str
    join: JoinRequest
    wait_url: str | None = None  # None: the default hold music; "": silence
    wait_method: Literal["GET", "POST"] = "POST"
    action: str | None = None  # absolute; "": the document's own URL; None: the next verb
    method: Literal["GET", "POST"] = "POST"
    hangup_on_star: bool = False
    time_limit_s: float = 14400.0
    not_yet: tuple[str, ...] = ()  # attributes that were asked for and are not built: named in the verb's report
    conference_line: int | None = None  # where the noun stands: the cause that the hearing names
