"""Whether a tone is heard: Goertzel's filter over windows of 100 ms, on samples as they came from other people's phones.

Levels are dBm0: 0 is a sine 3.17 dB below full scale. A window of 100 ms tells tones 20 Hz apart; a Hann window keeps a loud one out of its neighbours.
"""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["HEARD_DBM0", "RATE_HZ", "WINDOW", "Samples", "levels", "read_wav", "share", "sine", "sounding", "write_wav"]

RATE_HZ = 8000
WINDOW = RATE_HZ // 10
HEARD_DBM0 = -40.0
_AMPLITUDE_AT_0_DBM0 = 32768 * 10 ** (-3.17 / 20)

Samples = NDArray[np.int16]


def levels(samples: Samples, hertz: float) -> NDArray[np.float64]:
    """(windows,) dBm0 of the tone in each whole window of `samples`: (n,) int16 at 8000 Hz."""
    count = len(samples) // WINDOW
    hann = np.hanning(WINDOW + 1)[:-1]
    windows = samples[: count * WINDOW].reshape(count, WINDOW).astype(np.float64) * hann
    # Goertzel's recursion, for all windows side by side.
    coefficient = 2 * math.cos(2 * math.pi * hertz / RATE_HZ)
    before = np.zeros(count)
    last = np.zeros(count)
    for column in windows.T:
        before, last = last, column + coefficient * last - before
    power = last * last + before * before - coefficient * last * before
    amplitude = 2 * np.sqrt(np.maximum(power, 0)) / hann.sum()
    return np.asarray(20 * np.log10(np.maximum(amplitude, 1e-3) / _AMPLITUDE_AT_0_DBM0))


def share(samples: Samples, hertz: float) -> float:
    """Of the windows, those in which the tone is heard; 0.0 when there is not one window."""
    found = levels(samples, hertz)
    return float(np.mean(found > HEARD_DBM0)) if len(found) else 0.0


def sounding(samples: Samples) -> float:
    """Of the windows, those that are not silent."""
    count = len(samples) // WINDOW
    windows = samples[: count * WINDOW].reshape(count, WINDOW).astype(np.float64)
    rms = np.sqrt(np.mean(windows * windows, axis=1)) if count else np.zeros(0)
    return float(np.mean(rms > 50)) if count else 0.0


def sine(hertz: float, seconds: float, dbm0: float = -15.0) -> Samples:
    """A tone."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (_AMPLITUDE_AT_0_DBM0 * 10 ** (dbm0 / 20) * np.sin(2 * np.pi * hertz * times)).astype(np.int16)


def write_wav(path: Path, samples: Samples) -> Path:
    """Mono, 16 bit, 8000 Hz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> Samples:
    """A 16-bit file whose rate is a multiple of 8000 Hz, as mono at 8000 Hz. Neighbours are averaged: enough for low tones."""
    with wave.open(str(path), "rb") as file:
        assert file.getsampwidth() == 2
        fold = file.getnchannels() * file.getframerate() // RATE_HZ
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    whole = samples[: len(samples) // fold * fold].reshape(-1, fold)
    return np.asarray(whole.mean(axis=1), dtype=np.int16)
