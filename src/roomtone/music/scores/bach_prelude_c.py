"""Johann Sebastian Bach, Prelude in C major, BWV 846 (The Well-Tempered Clavier, book 1, 1722): all 35 bars.

Bars 1 to 32 are one figure over five notes: the two lowest are held while the three upper ones run twice up in sixteenths; each half bar twice. So
they are written as the table of their chords. The text is that of the autograph, without the bar that a later print put in after bar 22.
"""

from fractions import Fraction

from roomtone.music.score import Score, Voice

__all__ = ["SCORE"]

_HARPSICHORD = 6

_CHORDS = (
    "C4 E4 G4 C5 E5",
    "C4 D4 A4 D5 F5",
    "B3 D4 G4 D5 F5",
    "C4 E4 G4 C5 E5",
    "C4 E4 A4 E5 A5",
    "C4 D4 F#4 A4 D5",
    "B3 D4 G4 D5 G5",
    "B3 C4 E4 G4 C5",
    "A3 C4 E4 G4 C5",
    "D3 A3 D4 F#4 C5",
    "G3 B3 D4 G4 B4",
    "G3 Bb3 E4 G4 C#5",
    "F3 A3 D4 A4 D5",
    "F3 Ab3 D4 F4 B4",
    "E3 G3 C4 G4 C5",
    "E3 F3 A3 C4 F4",
    "D3 F3 A3 C4 F4",
    "G2 D3 G3 B3 F4",
    "C3 E3 G3 C4 E4",
    "C3 G3 Bb3 C4 E4",
    "F2 F3 A3 C4 E4",
    "F#2 C3 A3 C4 Eb4",
    "Ab2 F3 B3 C4 D4",
    "G2 F3 G3 B3 D4",
    "G2 E3 G3 C4 E4",
    "G2 D3 G3 C4 F4",
    "G2 D3 G3 B3 F4",
    "G2 Eb3 A3 C4 F#4",
    "G2 E3 G3 C4 G4",
    "G2 D3 G3 C4 F4",
    "G2 D3 G3 B3 F4",
    "C2 C3 G3 Bb3 E4",
)


def _figure(chord: str) -> tuple[str, str, str]:
    """One bar of treble, tenor and bass."""
    bass, tenor, first, second, third = chord.split()
    run = f"-:1/2 {first}:1/4 {second} {third} {first} {second} {third}"
    held = f"-:1/4 {tenor}:7/4"
    return f"{run} {run}", f"{held} {held}", f"{bass}:2 {bass}"


_FIGURES = tuple(_figure(chord) for chord in _CHORDS)

_TREBLE_END = (
    "-:1/2 F3:1/4 A3 C4 F4 C4 A3 C4 A3 F3 A3 F3 D3 F3 D3",
    "-:1/2 G4:1/4 B4 D5 F5 D5 B4 D5 B4 G4 B4 D4 F4 E4 D4",
    "E4+G4+C5:4",
)
_TENOR_END = ("-:1/4 C3:15/4", "-:1/4 B2:15/4", "C3:4")
_BASS_END = ("C2:4", "C2:4", "C2:4")


def _voice(name: str, figures: tuple[str, ...], end: tuple[str, ...]) -> Voice:
    return Voice(name, _HARPSICHORD, 84, figures + end, pedal_beats=Fraction(2))


SCORE = Score(
    name="bach-prelude-c",
    title="Prelude in C major, BWV 846",
    composer="Johann Sebastian Bach (1685–1750)",
    source="The Well-Tempered Clavier, book 1 (1722), complete; public domain",
    beats_per_minute=76,
    bar_beats=4,
    transpose=1,
    voices=(
        _voice("treble", tuple(figure[0] for figure in _FIGURES), _TREBLE_END),
        _voice("tenor", tuple(figure[1] for figure in _FIGURES), _TENOR_END),
        _voice("bass", tuple(figure[2] for figure in _FIGURES), _BASS_END),
    ),
)
