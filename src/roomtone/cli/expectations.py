"""What `roomtone call --expect` can ask for. An expectation is met once, at some time after the keys were pressed; `ended` and `answered` speak of the call.

Talk and music sound alike to a simple ear, so `music` wants four seconds of it; a menu's prompt is shorter. `silence` wants two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roomtone.errors import UsageError

if TYPE_CHECKING:
    from roomtone.testing.ear import Ear

__all__ = ["Expectation", "parse"]

MUSIC_S = 4.0
SILENCE_S = 2.0
_PLAIN = ("answered", "silence", "music", "ended")


@dataclass(slots=True)
class Expectation:
    """`text` as it was given; `value` a frequency or digits."""

    text: str
    kind: str
    value: str = ""

    def is_met(self, ear: Ear, since_s: float, now_s: float) -> bool:
        """By what is heard now. `since_s`: when the keys had been pressed, on the ear's clock."""
        match self.kind:
            case "hears":
                return now_s - since_s >= 1.0 and ear.hears(float(self.value))
            case "silence":
                return now_s - since_s >= SILENCE_S and ear.silence(now_s - SILENCE_S)
            case "music":
                return now_s - since_s >= MUSIC_S and ear.music(now_s - MUSIC_S)
            case "digits":
                return self.value in ear.digits
            case _:
                return False


def parse(text: str) -> Expectation:
    """UsageError."""
    kind, _, value = text.partition(":")
    if kind in _PLAIN and not value:
        return Expectation(text, kind)
    if kind == "hears" and value.replace(".", "", 1).isdigit() and float(value) > 0:
        return Expectation(text, kind, value)
    if kind == "digits" and value and set(value) <= set("0123456789*#ABCD"):
        return Expectation(text, kind, value)
    raise UsageError(
        "bad_expectation", f"{text} cannot be expected.", f"One of {', '.join(_PLAIN)}, hears:700, digits:12."
    )
