"""The MIDI writer, read back by a reader of its own."""

from __future__ import annotations

import struct
from fractions import Fraction

from roomtone.music.midi import midi_file
from roomtone.music.score import Score, Voice


def score(*voices: Voice, transpose: int = 0) -> Score:
    return Score(
        "piece", "Piece", "Nobody", "none", beats_per_minute=120, bar_beats=4, voices=voices, transpose=transpose
    )


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    while data:
        name, length = struct.unpack(">4sI", data[:8])
        found.append((name, data[8 : 8 + length]))
        data = data[8 + length :]
    return found


def channel_events(track: bytes) -> list[tuple[int, bytes]]:
    """(time in ticks, message) of each channel message of a track."""
    events, now, at = [], 0, 0
    while at < len(track):
        delta = 0
        while True:
            byte = track[at]
            at += 1
            delta = delta << 7 | byte & 0x7F
            if not byte & 0x80:
                break
        now += delta
        if track[at] == 0xFF:
            at += 3 + track[at + 2]
            continue
        length = 2 if track[at] & 0xF0 == 0xC0 else 3
        events.append((now, track[at : at + length]))
        at += length
    return events


def test_header_and_tempo() -> None:
    parts = chunks(midi_file(score(Voice("a", 6, 80, ("C4:4",)))))
    assert parts[0] == (b"MThd", struct.pack(">HHH", 1, 2, 480))
    assert b"\xff\x51\x03" + (500_000).to_bytes(3, "big") in parts[1][1]
    assert all(data.endswith(b"\xff\x2f\x00") for _, data in parts[1:])


def test_notes_begin_and_end_in_time_on_the_channel_of_their_voice() -> None:
    data = midi_file(score(Voice("a", 6, 80, ("C4:1 - E4:2",)), Voice("b", 42, 60, ("G2:4",)), transpose=1))
    _, _, first, second = chunks(data)
    assert channel_events(first[1]) == [
        (0, b"\xc0\x06"),
        (0, bytes((0x90, 61, 80))),
        (480, bytes((0x80, 61, 0))),
        (960, bytes((0x90, 65, 80))),
        (1920, bytes((0x80, 65, 0))),
    ]
    assert channel_events(second[1])[1] == (0, bytes((0x91, 44, 60)))


def test_a_repeated_key_goes_up_before_it_goes_down_again() -> None:
    _, _, track = chunks(midi_file(score(Voice("a", 0, 80, ("C4:2 C4",)))))
    at_two_beats = [message[0] for ticks, message in channel_events(track[1]) if ticks == 960]
    assert at_two_beats == [0x80, 0x90]


def test_the_pedal_is_taken_anew_after_the_new_keys_are_down() -> None:
    _, _, track = chunks(midi_file(score(Voice("a", 0, 80, ("C4:2 D4",), pedal_beats=Fraction(2)))))
    at_two_beats = [message[:2] for ticks, message in channel_events(track[1]) if ticks == 960]
    assert at_two_beats == [b"\x80\x3c", b"\xb0\x40", b"\x90\x3e", b"\xb0\x40"]
