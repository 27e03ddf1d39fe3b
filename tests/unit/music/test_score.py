"""The notation of the scores, and that the scores are the pieces they claim to be."""

from __future__ import annotations

from fractions import Fraction

import pytest

from roomtone.music.score import Note, Score, ScoreError, Voice, pitch_number, read_voice
from roomtone.music.scores import SCORES

ALL = [score for scores in SCORES.values() for score in scores]
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def voice(*bars: str) -> Voice:
    return Voice("voice", program=0, velocity=80, bars=bars)


def melody(score: Score, name: str, count: int) -> str:
    """The first notes of a voice as they are written, sharps only."""
    part = next(part for part in score.voices if part.name == name)
    notes = read_voice(part, score.bar_beats)[:count]
    return " ".join(f"{NAMES[note.pitch % 12]}{note.pitch // 12 - 1}" for note in notes)


@pytest.mark.parametrize(("name", "number"), [("C4", 60), ("A4", 69), ("C#5", 73), ("Bb3", 58), ("G2", 43)])
def test_pitch_names_are_midi_keys(name: str, number: int) -> None:
    assert pitch_number(name) == number


@pytest.mark.parametrize("name", ["", "H4", "C", "C##4", "c4", "4"])
def test_what_is_no_pitch_is_said_so(name: str) -> None:
    with pytest.raises(ScoreError, match="no pitch"):
        pitch_number(name)


def test_a_length_holds_until_another_is_given() -> None:
    notes = read_voice(voice("C4:1/2 D4 E4:1", "F4 - "), bar_beats=2)
    assert [(note.start_beats, note.length_beats) for note in notes] == [
        (Fraction(0), Fraction(1, 2)),
        (Fraction(1, 2), Fraction(1, 2)),
        (Fraction(1), Fraction(1)),
        (Fraction(2), Fraction(1)),
    ]


def test_a_tie_lengthens_the_whole_chord_over_the_bar_line() -> None:
    notes = read_voice(voice("C4+E4:2", "= "), bar_beats=2)
    assert notes == [Note(Fraction(0), Fraction(4), 60), Note(Fraction(0), Fraction(4), 64)]


def test_a_tie_after_a_rest_is_a_slip() -> None:
    with pytest.raises(ScoreError, match="no note before"):
        read_voice(voice("-:1 ="), bar_beats=2)


def test_a_bar_that_is_not_full_names_itself() -> None:
    with pytest.raises(ScoreError, match="voice, bar 2: 1 beats instead of 2"):
        read_voice(voice("C4:1 D4", "E4"), bar_beats=2)


@pytest.mark.parametrize("score", ALL, ids=lambda score: score.name)
def test_all_voices_of_a_score_are_equally_long(score: Score) -> None:
    assert {len(part.bars) for part in score.voices} == {len(score.voices[0].bars)}
    for part in score.voices:
        assert read_voice(part, score.bar_beats)


@pytest.mark.parametrize("score", ALL, ids=lambda score: score.name)
def test_a_piece_lasts_at_least_a_minute(score: Score) -> None:
    assert len(score.voices[0].bars) * score.bar_beats * 60 / score.beats_per_minute >= 60


@pytest.mark.parametrize(
    ("name", "part", "opening"),
    [
        ("satie-gymnopedie-1", "melody", "F#5 A5 G5 F#5 C#5 B4 C#5 D5 A4 F#4"),
        ("bach-prelude-c", "treble", "G4 C5 E5 G4 C5 E5 G4 C5 E5 G4 C5 E5 A4 D5 F5"),
        ("pachelbel-canon", "cello", "D3 A2 B2 F#2 G2 D2 G2 A2"),
        ("pachelbel-canon", "violin 3", "F#5 E5 D5 C#5 B4 A4 B4 C#5 D5 C#5 B4 A4 G4 F#4 G4 E4"),
    ],
)
def test_the_pieces_begin_as_everybody_knows_them(name: str, part: str, opening: str) -> None:
    score = next(score for score in ALL if score.name == name)
    assert melody(score, part, len(opening.split())) == opening


def test_the_violins_of_the_canon_follow_each_other_at_two_bars() -> None:
    score = next(score for score in ALL if score.name == "pachelbel-canon")
    parts = {part.name: read_voice(part, score.bar_beats) for part in score.voices}
    last_bar = (len(score.voices[0].bars) - 1) * score.bar_beats
    for follower, delay_beats in (("violin 2", 8), ("violin 3", 16)):
        played = [note for note in parts[follower] if note.start_beats < last_bar]
        leader = parts["violin 1"][: len(played)]
        assert [(note.start_beats - delay_beats, note.pitch) for note in played] == [
            (note.start_beats, note.pitch) for note in leader
        ]
