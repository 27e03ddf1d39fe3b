"""Erik Satie, Gymnopédie No. 1 (1888): the first 39 bars.

The piece is these bars twice, the second time turned to D minor in its last eight. Played over and over, the first half leads into itself exactly
as Satie's repeat does. The chords that follow each bass note are tied to nothing: the pedal carries the bass through the bar.
"""

from fractions import Fraction

from roomtone.music.score import Score, Voice

__all__ = ["SCORE"]

_PIANO = 0

_PHRASE = ("-:1 F#5 A5", "G5 F#5 C#5", "B4 C#5 D5", "A4:3")

_MELODY = (
    *("-:3",) * 4,
    *_PHRASE,
    *("F#4:3", "=", "=", "="),
    *_PHRASE,
    *("C#5:3", "F#5", "E4", "=", "="),  # bars 17 to 21
    *("A4:1 B4 C5", "E5 D5 B4", "D5 C5 B4", "D5:3"),
    *("=:2 D5:1", "E5 F5 G5", "A5 C5 D5", "E5 D5 B4", "D5:3"),
    *("=:2 D5:1", "G5:3", "F#5", "B4:1 A4 B4", "C#5 D5 E5", "C#5 D5 E5", "F#4:3"),
    *("C4+E4+A4+C5:3", "D4+F#4+A4+D5"),
)

_SWAY = ("B3+D4+F#4", "A3+C#4+F#4")  # G major seventh, D major seventh: the piece rocks between them
_CHORDS = (
    *_SWAY * 8,  # bars 1 to 16
    *("A3+C#4+F#4", "B3+D4+F#4", "G3+B3", "B3+D4+G4", "F3+A3+D4"),
    *("A3+C4+E4", "G3+B3+E4", "D3+G3+B3+E4", "C3+E3+A3+D4"),
    *("C3+F#3+A3+D4", "A3+C4+F4", "A3+C4+E4", "D3+G3+B3+E4", "C3+E3+A3+D4"),
    *("C3+F#3+A3+D4", "B3+E4+G4", "A3+C#4+F#4", "B3+D4+F#4", "C#4+E4+A4", "A3+C#4+F#4+A4"),
)
_ACCOMPANIMENT = (
    *(f"-:1 {chord}:2" for chord in _CHORDS),
    "-:1 B2+A3+D4 E3+B3+D4+G4",
    *("-:3", "-:3"),
)

_BASS = (
    *("G2:3", "D2") * 8,
    *("F#2", "B1", "E2", "E2", "D2"),
    *("A1", "D2", "D2", "D2", "D2", "D2", "D2", "D2", "D2", "D2"),
    *("E2", "F#2", "B1", "E2", "E2", "E2", "A2+G3", "D2+A2+D3"),
)

SCORE = Score(
    name="satie-gymnopedie-1",
    title="Gymnopédie No. 1, first half",
    composer="Erik Satie (1866–1925)",
    source="first printed in Paris in 1888; public domain",
    beats_per_minute=78,
    bar_beats=3,
    transpose=1,
    voices=(
        Voice("melody", _PIANO, 92, _MELODY, pedal_beats=Fraction(3)),
        Voice("chords", _PIANO, 62, _ACCOMPANIMENT, pedal_beats=Fraction(3)),
        Voice("bass", _PIANO, 74, _BASS, pedal_beats=Fraction(3)),
    ),
)
