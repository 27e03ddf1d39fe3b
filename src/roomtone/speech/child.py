"""The process that speaks: text in, samples out, over a pipe. Run as a script by `roomtone.speech`, and imports nothing of ours.

A process of its own, because synthesis takes the GIL and memory (about 200 MB), and because a voice that loops for ever on an odd text (one of them does, on
very long words) must not take the server along: each piece has ten seconds of wall time, then the kernel ends this process (SIGALRM). One thread,
low priority. Ends by itself when its parent closes the pipe.

Request: length (4 bytes, big endian), then JSON {text, language}. Answer: rate in Hz (4 bytes; 0 for a failure), length (4 bytes), then 16-bit little-endian
mono samples, or the failure in words. English is hibari's one voice that lies in its package (its downloads are switched off); German, French, Spanish
and Italian are nanotts', which also speaks English where hibari cannot be loaded or fails. Loudness is made equal: about -16 dBm0 over a piece.
"""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

SECONDS_PER_PIECE = 10
NICENESS = 10
WORD_CHARACTERS_MAX = 40
RMS_WANTED = 10 ** ((-16.0 - 6.18) / 20)  # -16 dBm0, of full scale 1.0
PEAK_MAX = 0.9
GAIN_MAX = 4.0

NANOTTS_VOICES = {"de": "de-DE", "en": "en-US", "es": "es-ES", "fr": "fr-FR", "it": "it-IT"}

Samples = NDArray[np.float32]
Voice = Callable[[str, str], tuple[int, Samples]]


def load_hibari() -> Voice:
    """The English voice. Imported here, because only its first text shall pay for it."""
    from hibari import Hibari, voices  # type: ignore[import-untyped]  # noqa: PLC0415

    def no_download(*_: object) -> str:
        raise RuntimeError("voices are not downloaded")

    voices.download = no_download
    engine = Hibari(voice=voices.DEFAULT, model=voices.voice_path(voices.DEFAULT, download_missing=False), threads=1)

    def speak(text: str, _: str) -> tuple[int, Samples]:
        return engine.sample_rate, np.asarray(engine(text, seed=1), dtype=np.float32)

    return speak


def load_nanotts() -> Voice:
    """The voices of the other languages."""
    from py_nanotts import NanoTTS  # type: ignore[import-untyped]  # noqa: PLC0415

    engine: Any = NanoTTS()

    def speak(text: str, language: str) -> tuple[int, Samples]:
        raw = engine.speak(text, voice=NANOTTS_VOICES.get(language, "en-US"))
        return 16000, np.frombuffer(raw, dtype="<i2").astype(np.float32) / 32768.0

    return speak


class Voices:
    """Loads what is asked for, once."""

    def __init__(self) -> None:
        self._loaded: dict[str, Voice] = {}

    def speak(self, text: str, language: str) -> tuple[int, Samples]:
        """`language`: its first subtag. English where we have no voice of that language."""
        if language in NANOTTS_VOICES and language != "en":
            return self._voice("nanotts", load_nanotts)(text, language)
        try:
            return self._voice("hibari", load_hibari)(text, "en")
        except Exception:  # whatever it stumbles over, the other voice may know
            return self._voice("nanotts", load_nanotts)(text, "en")

    def _voice(self, name: str, load: Callable[[], Voice]) -> Voice:
        if name not in self._loaded:
            self._loaded[name] = load()
        return self._loaded[name]


def level(samples: Samples) -> bytes:
    """At equal loudness, as 16-bit samples."""
    if not len(samples):
        return b""
    rms = float(np.sqrt(np.mean(np.square(samples))))
    peak = float(np.max(np.abs(samples)))
    gain = min(RMS_WANTED / max(rms, 1e-6), PEAK_MAX / max(peak, 1e-6), GAIN_MAX)
    return np.round(samples * (gain * 32767.0)).astype("<i2").tobytes()


def speakable(text: str) -> str:
    """Without control characters, and with words that no voice loops or breaks on."""
    cleaned = "".join(character if character.isprintable() else " " for character in text)
    return re.sub(rf"(\S{{{WORD_CHARACTERS_MAX}}})(?=\S)", r"\1 ", cleaned).strip()


def answer(voices: Voices, request: bytes) -> bytes:
    """One piece."""
    try:
        asked = json.loads(request)
        text = speakable(str(asked["text"]))
        rate_hz, samples = voices.speak(text, str(asked["language"])) if text else (16000, np.zeros(0, np.float32))
        pcm = level(samples)
    except Exception as error:  # is told to the parent, which decides
        message = f"{type(error).__name__}: {error}".encode()[:1000]
        return struct.pack(">II", 0, len(message)) + message
    return struct.pack(">II", rate_hz, len(pcm)) + pcm


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Until the parent closes the pipe."""
    voices = Voices()
    while len(head := source.read(4)) == 4:
        request = source.read(struct.unpack(">I", head)[0])
        signal.alarm(SECONDS_PER_PIECE)
        reply = answer(voices, request)
        signal.alarm(0)
        sink.write(reply)
        sink.flush()


def main() -> None:
    """Keeps the pipe for itself: what a library prints goes to standard error."""
    os.nice(NICENESS)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
