"""A score as text, and the notes it means.

A voice is written bar by bar in a small notation, so that a musician can check it against the page:

    C#5:1       a note and its length in beats; the length holds for the following tokens until another is given
    A3+D4+F#4   a chord
    -           a rest
    =           the previous note or chord sounds on (a tie, also over the bar line)

Lengths may be fractions (`3/4`). Every bar must fill up exactly, which catches most slips of the pen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

__all__ = ["Note", "Score", "ScoreError", "Voice", "pitch_number", "read_voice"]

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}


class ScoreError(ValueError):
    """A slip in a score; the message names voice, bar and token."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One line of a score. `program` counts General MIDI instruments from 0."""

    name: str
    program: int
    velocity: int  # 1..127: how hard
    bars: tuple[str, ...]
    pedal_beats: Fraction | None = None  # the sustain pedal is taken anew each so many beats


@dataclass(frozen=True, slots=True)
class Score:
    """A piece. `source` says what was written down, and why it is free."""

    name: str  # of the file, without ending
    title: str
    composer: str
    source: str
    beats_per_minute: int
    bar_beats: int
    voices: tuple[Voice, ...]
    transpose: int = 0  # semitones, up
    fade_s: float = 0.4  # the last chord's way out: short, for the music begins again at once


@dataclass(frozen=True, slots=True)
class Note:
    """`pitch` is the MIDI key number: 60 is C4, 69 is A4 (440 Hz)."""

    start_beats: Fraction
    length_beats: Fraction
    pitch: int


def pitch_number(name: str) -> int:
    """`C#4` → 61. ScoreError for what is no pitch."""
    step, accidental, octave = name[:1], name[1:-1], name[-1:]
    if step not in _STEPS or accidental not in _ACCIDENTALS or not octave.isdigit():
        raise ScoreError(f"{name!r} is no pitch; write for example C4, F#5 or Bb3")
    return 12 * (int(octave) + 1) + _STEPS[step] + _ACCIDENTALS[accidental]


def read_voice(voice: Voice, bar_beats: int, transpose: int = 0) -> list[Note]:
    """The notes of a voice in the order of their beginnings; a chord gives one note a pitch. ScoreError for a slip."""
    notes: list[Note] = []
    sounding: list[int] = []  # indexes of the notes that `=` lengthens
    for start, length, token in _tokens(voice, bar_beats):
        if token == "-":
            sounding = []
        elif token == "=":
            if not sounding:
                raise ScoreError(f"{voice.name}: '=' at beat {start} has no note before it")
            for index in sounding:
                notes[index] = replace(notes[index], length_beats=notes[index].length_beats + length)
        else:
            sounding = []
            for name in token.split("+"):
                sounding.append(len(notes))
                notes.append(Note(start, length, pitch_number(name) + transpose))
    return notes


def _tokens(voice: Voice, bar_beats: int) -> Iterator[tuple[Fraction, Fraction, str]]:
    """(start, length, token) of each token of a voice; checks that each bar is full."""
    length = Fraction(1)
    for number, bar in enumerate(voice.bars, start=1):
        bar_start = Fraction((number - 1) * bar_beats)
        start = bar_start
        for word in bar.split():
            token, colon, written = word.partition(":")
            length = Fraction(written) if colon else length
            yield start, length, token
            start += length
        if start - bar_start != bar_beats:
            raise ScoreError(f"{voice.name}, bar {number}: {start - bar_start} beats instead of {bar_beats} in {bar!r}")
