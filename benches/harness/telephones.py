"""What the telephones of a plan do: who is in which room, what they say, and in which codec.

Tones are whole tenths of a hertz, 30 of them with no small ratios between them; a room takes the next ones, so that a neighbour's voice would be noticed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["TONES", "Plan", "peak"]

TONES = [round(401.3 + 73.7 * n + 0.1 * (n * n % 7), 1) for n in range(30)]
TALK, WAIT = "15550100", "15550101"
MARK_SPACING_MS = 310
CLEAN: Mapping[str, float] = {}


def peak(db: float) -> float:
    """Samples for a peak in dB below full scale."""
    return float(32767 * 10 ** (db / 20))


@dataclass(slots=True)
class Plan:
    """Telephones and signals. `said`: by leg, the signal that it says; `rooms`: the legs of each room."""

    signals: list[dict[str, Any]] = field(default_factory=list)
    legs: list[dict[str, Any]] = field(default_factory=list)
    rooms: list[list[int]] = field(default_factory=list)

    def said(self, leg: int) -> dict[str, Any]:
        """The signal that a leg says."""
        signal: dict[str, Any] = self.signals[self.legs[leg]["signal"]]
        return signal

    def room(
        self,
        *signals: dict[str, Any],
        codec: str = "PCMU",
        listens: bool = True,
        waits: bool = False,
        way_in: Mapping[str, float] = CLEAN,
    ) -> list[int]:
        """One more room with a telephone for each signal. `way_in`: loss, jitter_ms, skew_ppm of those that are not silent."""
        number = len(self.rooms)
        members = []
        for place, signal in enumerate(signals):
            if signal not in self.signals:
                self.signals.append(signal)
            leg = {
                "number": WAIT if waits else TALK,
                "caller": f"1555{number:04}{place:04}",
                "codec": codec,
                "signal": self.signals.index(signal),
                "listens": listens,
            }
            if signal["kind"] != "silence":
                leg |= dict(way_in)
            members.append(len(self.legs))
            self.legs.append(leg)
        self.rooms.append(members)
        return members

    def rooms_of_three(self, count: int, *, codec: str = "PCMU", listening_rooms: int = 20) -> Plan:
        """All talk, each in a tone of its own with a mark a second."""
        tones = itertools.cycle(TONES)
        for room in range(count):
            marked = [
                {"kind": "marked", "hertz": next(tones), "peak": peak(-15), "offset_ms": MARK_SPACING_MS * place + 20}
                for place in range(3)
            ]
            self.room(*marked, codec=codec, listens=room < listening_rooms)
        return self

    def hall(
        self,
        members: int,
        talkers: int = 3,
        *,
        silence: dict[str, Any] | None = None,
        codec: str = "PCMU",
        listening: int = 12,
    ) -> Plan:
        """One room: some talk in tones, the others are silent (or what `silence` says)."""
        tones = [{"kind": "tone", "hertz": TONES[3 * n], "peak": peak(-15)} for n in range(talkers)]
        others = [silence or {"kind": "silence"}] * (members - talkers)
        self.room(*tones, *others, codec=codec)
        for leg in self.legs[listening:]:
            leg["listens"] = False
        return self

    def waiting(self, members: int, *, codec: str = "PCMU") -> Plan:
        """One room that nobody starts: all hear the music."""
        self.room(*[{"kind": "silence"}] * members, codec=codec, listens=False, waits=True)
        for leg in self.legs[:3]:
            leg["listens"] = True
        return self

    def pairs(self, count: int, signal: str = "tone", way_in: Mapping[str, float] = CLEAN) -> Plan:
        """Rooms of a talker and a silent listener."""
        for room in range(count):
            said: dict[str, Any] = {"kind": signal, "hertz": TONES[room % len(TONES)], "peak": peak(-15)}
            if signal == "marked":
                said["offset_ms"] = 100
            self.room(said, {"kind": "silence"}, way_in=way_in)
        return self
