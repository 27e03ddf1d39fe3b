"""Writes a score as a standard MIDI file: format 1, one track a voice, nothing random, so that equal scores give equal bytes."""

from __future__ import annotations

import struct
from fractions import Fraction

from roomtone.music.score import Score, Voice, read_voice

__all__ = ["midi_file"]

TICKS_A_BEAT = 480
_SUSTAIN = 64  # controller number
_CHANNELS_MAX = 9  # channel 10 is percussion


def midi_file(score: Score) -> bytes:
    """The whole score. Voices beyond nine are a mistake in the score."""
    assert len(score.voices) <= _CHANNELS_MAX, f"{score.name}: {len(score.voices)} voices"
    tempo_us = round(60_000_000 / score.beats_per_minute)
    tempo = b"\x00\xff\x51\x03" + tempo_us.to_bytes(3, "big") + b"\x00\xff\x2f\x00"
    tracks = [tempo, *(_track(voice, channel, score) for channel, voice in enumerate(score.voices))]
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), TICKS_A_BEAT)
    return header + b"".join(struct.pack(">4sI", b"MTrk", len(track)) + track for track in tracks)


def _track(voice: Voice, channel: int, score: Score) -> bytes:
    """Events in order of time; at equal times keys and pedal go up before they go down."""
    events: list[tuple[int, int, bytes]] = []
    for note in read_voice(voice, score.bar_beats, score.transpose):
        end = note.start_beats + note.length_beats
        events.append((_ticks(note.start_beats), 1, bytes((0x90 | channel, note.pitch, voice.velocity))))
        events.append((_ticks(end), 0, bytes((0x80 | channel, note.pitch, 0))))
    if voice.pedal_beats is not None:
        beats = len(voice.bars) * score.bar_beats
        for index in range(int(beats / voice.pedal_beats)):
            events.append((_ticks(index * voice.pedal_beats), 0, bytes((0xB0 | channel, _SUSTAIN, 0))))
            events.append((_ticks(index * voice.pedal_beats), 2, bytes((0xB0 | channel, _SUSTAIN, 127))))
    events.sort(key=lambda event: event[:2])

    track = bytearray((0x00, 0xC0 | channel, voice.program))
    now = 0
    for ticks, _, message in events:
        track += _variable_length(ticks - now) + message
        now = ticks
    return bytes(track) + b"\x00\xff\x2f\x00"


def _ticks(beats: Fraction) -> int:
    ticks = beats * TICKS_A_BEAT
    assert ticks.denominator == 1, f"{beats} beats are no whole number of ticks"
    return int(ticks)


def _variable_length(value: int) -> bytes:
    """Seven bits a byte, most significant first, all but the last with the high bit set."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(0x80 | value & 0x7F)
    return bytes(reversed(parts))
