"""A tone as a sound file that an application serves."""

from __future__ import annotations

import io
import math
import struct
import wave
from pathlib import Path

from roomtone.testing.world import Answer

__all__ = ["mp3_file", "tone_file"]


def mp3_file() -> Answer:
    """400 Hz for a second as MP3: 8 kHz, 16 kbit/s, as an encoder wrote it."""
    return Answer((Path(__file__).parent / "tone_400.mp3").read_bytes(), content_type="audio/mpeg")


def tone_file(hertz: float, seconds: float, content_type: str = "audio/wav") -> Answer:
    """A WAV file, 8 kHz, of about −9 dBm0."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        samples = (round(8000 * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(round(seconds * 8000)))
        writer.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return Answer(file.getvalue(), content_type=content_type)
