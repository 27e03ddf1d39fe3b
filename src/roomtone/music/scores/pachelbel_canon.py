"""Johann Pachelbel, Canon in D for three violins and ground bass (about 1690): bars 1 to 22, and a last chord.

It is a canon: the three violins play the same, each two bars after the one before, so the part is written once. Below them the bass repeats its eight
notes. The harpsichord, which Pachelbel left to the player, has the plain chords of the bass.
"""

from roomtone.music.score import Score, Voice

__all__ = ["SCORE"]

_VIOLIN = 48  # a string section: three solo violins of a sound font quarrel with each other
_CELLO = 42
_HARPSICHORD = 6

_PART = (
    # 1: the descent
    "F#5:1 E5 D5 C#5",
    "B4 A4 B4 C#5",
    # 2: a third below
    "D5:1 C#5 B4 A4",
    "G4 F#4 G4 E4",
    # 3: eighths
    "D4:1/2 F#4 A4 G4 F#4 D4 F#4 E4",
    "D4 B3 D4 A4 G4 B4 A4 G4",
    # 4
    "F#4:1/2 D4 E4 C#5 D5 F#5 A5 A4",
    "B4 G4 A4 F#4 D4 D5 D5:3/4 C#5:1/4",
    # 5: sixteenths
    "D5:1/4 C#5 D5 D4 C#4 A4 E4 F#4 D4 D5 C#5 B4 C#5 F#5 A5 B5",
    "G5 F#5 E5 G5 F#5 E5 D5 C#5 B4 A4 G4 F#4 E4 G4 F#4 E4",
    # 6
    "D4:1/4 E4 F#4 G4 A4 E4 A4 G4 F#4 B4 A4 G4 A4 G4 F#4 E4",
    "D4 B3 B4 C#5 D5 C#5 B4 A4 G4 F#4 E4 B4 A4 B4 A4 G4",
    # 7: calls
    "F#4:1/2 F#5 E5:1 -:1/2 D5 F#5:1",
    "B5:1 A5 B5 C#6",
    # 8
    "D6:1/2 D5 C#5:1 -:1/2 B4 D5:1",
    "D5:3/2 D5:1/2 D5 G5 E5 A5",
    # 9: the famous run
    "A5:1/4 F#5:1/8 G5 A5:1/4 F#5:1/8 G5 A5 A4 B4 C#5 D5 E5 F#5 G5"
    " F#5:1/4 D5:1/8 E5 F#5:1/4 F#4:1/8 G4 A4 B4 A4 G4 A4 F#4 G4 A4",
    "G4:1/4 B4:1/8 A4 G4:1/4 F#4:1/8 E4 F#4 E4 D4 E4 F#4 G4 A4 B4"
    " G4:1/4 B4:1/8 A4 B4:1/4 C#5:1/8 D5 A4 B4 C#5 D5 E5 F#5 G5 A5",
    # 10
    "F#5:1/4 D5:1/8 E5 F#5:1/4 E5:1/8 D5 E5 C#5 D5 E5 F#5 E5 D5 C#5"
    " D5:1/4 B4:1/8 C#5 D5:1/4 D4:1/8 E4 F#4 G4 F#4 E4 F#4 D5 C#5 D5",
    "B4:1/4 D5:1/8 C#5 B4:1/4 A4:1/8 G4 A4 G4 F#4 G4 A4 B4 C#5 D5"
    " B4:1/4 D5:1/8 C#5 D5:1/4 C#5:1/8 B4 C#5 D5 E5 D5 C#5 D5 B4 C#5",
)
_BARS = 2 + len(_PART)
_GROUND = ("D3:1 A2 B2 F#2", "G2 D2 G2 A2")
_CHORDS = ("A3+D4+F#4:1 A3+C#4+E4 B3+D4+F#4 A3+C#4+F#4", "B3+D4+G4 A3+D4+F#4 B3+D4+G4 C#4+E4+A4")


def _violin(name: str, entry_bar: int, last: str, velocity: int) -> Voice:
    """A violin that rests for `entry_bar` bars, and plays the part as far as the last bar lets it."""
    rests = ("-:4",) * entry_bar
    return Voice(name, _VIOLIN, velocity, (*rests, *_PART[: _BARS - entry_bar], last))


SCORE = Score(
    name="pachelbel-canon",
    title="Canon in D, bars 1–22",
    composer="Johann Pachelbel (1653–1706)",
    source="Canon per 3 Violini e Basso, about 1690; public domain",
    beats_per_minute=60,
    bar_beats=4,
    transpose=1,
    voices=(
        _violin("violin 1", 2, "D5:4", 92),
        _violin("violin 2", 4, "A4:4", 84),
        _violin("violin 3", 6, "F#4:4", 84),
        Voice("cello", _CELLO, 84, (*_GROUND * (_BARS // 2), "D2+D3:4")),
        Voice("harpsichord", _HARPSICHORD, 56, (*_CHORDS * (_BARS // 2), "A3+D4+F#4:4")),
    ),
)
