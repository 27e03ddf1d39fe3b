"""What a robot caller prints: its lines in the order of their times.

A beep is recognised only a while after it sounded, and told at the time it sounded; so each line waits until nothing earlier can come. Before the answer
there are no beeps, and lines come at once. The times count from the answer, and before it from the dialling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roomtone.cli.output import print_json

__all__ = ["Report"]

_WORDS = {"music": "music or talk", "sound": "other sound"}
"""For eyes. The ear tells music from talk by nothing; what is no silence, no music and no steady tone is other sound."""

_FOR_PROGRAMS = ("sip_call_id", "caller")


class Report:
    """Of one call. `late_s`: how long after its time a line may come at most; `who` stands before the texts."""

    def __init__(self, now: Callable[[], float], *, late_s: float, call: int, who: str, json_: bool) -> None:
        self._now = now
        self._late_s = late_s
        self._call = call
        self._who = who
        self._json = json_
        self._zero_s = now()
        self._is_answered = False
        self._waiting: list[tuple[float, int, str, dict[str, Any]]] = []
        self._told = 0

    def answered(self, **details: Any) -> None:
        """Says so. Times count from now."""
        self.flush()
        self._zero_s = self._now()
        self._is_answered = True
        self._line(0.0, "answered", details)

    def tell(self, event: str, *, ago_s: float = 0.0, **details: Any) -> None:
        """Something that happened `ago_s` before now. It is printed as soon as nothing earlier can come."""
        self._told += 1
        self._waiting.append((max(self._now() - ago_s - self._zero_s, 0.0), self._told, event, details))
        self.release()

    def release(self) -> None:
        """Prints what is old enough."""
        if self._is_answered:
            self._print(max(self._now() - self._zero_s - self._late_s, 0.0))
        else:
            self.flush()

    def flush(self) -> None:
        """Prints all: nothing more can come."""
        self._print(float("inf"))

    def _print(self, until_s: float) -> None:
        self._waiting.sort(key=lambda line: line[:2])
        while self._waiting and self._waiting[0][0] <= until_s:
            after_s, _, event, details = self._waiting.pop(0)
            self._line(after_s, event, details)

    def _line(self, after_s: float, event: str, details: dict[str, Any]) -> None:
        if self._json:
            print_json({"call": self._call, "after": round(after_s, 2), "event": event, **details})
            return
        words = details.get("what") or [value for name, value in details.items() if name not in _FOR_PROGRAMS]
        text = ", ".join(f"{word} Hz" if event == "beep" else in_words(str(word)) for word in words)
        print(f"{after_s:6.1f} s  {self._who}{event}{' ' + text if text else ''}", flush=True)


def in_words(name: str) -> str:
    """What the ear calls a sound, for eyes."""
    return _WORDS.get(name, name)
