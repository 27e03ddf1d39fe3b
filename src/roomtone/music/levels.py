"""How loud a piece of audio is, as a telephone would say: dBm0 over windows, and whether it could be taken for a beep.

0 dBm0 is a sine 3.17 dB below full scale. Samples are floats, ±1.0 at full scale. Windows run round the end to the beginning, because hold music does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["TELEPHONE_HZ", "Samples", "band", "bareness", "levels_dbm0"]

Samples = NDArray[np.float64]

TELEPHONE_HZ = (300.0, 3400.0)
_FULL_SCALE_SINE_DBM0 = 3.17
_SILENCE_POWER = 1e-12  # keeps the logarithm of digital silence finite: -117 dBm0
_HOP_S = 0.02


def band(pcm: Samples, rate_hz: int, low_hz: float, high_hz: float) -> Samples:
    """`pcm` without what lies outside of a band, by taking the whole spectrum apart."""
    spectrum = np.fft.rfft(pcm)
    hertz = np.fft.rfftfreq(len(pcm), 1 / rate_hz)
    spectrum[(hertz < low_hz) | (hertz > high_hz)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(pcm)), dtype=np.float64)


def levels_dbm0(pcm: Samples, rate_hz: int, window_s: float) -> Samples:
    """The level of each window of `window_s`, every 20 ms."""
    window = int(window_s * rate_hz)
    assert 0 < window <= len(pcm), f"a window of {window_s} s does not fit into {len(pcm) / rate_hz} s"
    energy = np.concatenate(([0.0], np.cumsum(np.square(np.concatenate((pcm, pcm[:window]))))))
    starts = np.arange(0, len(pcm), int(_HOP_S * rate_hz))
    power = np.maximum((energy[starts + window] - energy[starts]) / window, _SILENCE_POWER)
    return np.asarray(10 * np.log10(2 * power) + _FULL_SCALE_SINE_DBM0, dtype=np.float64)


def bareness(pcm: Samples, rate_hz: int, tone_hz: float, *, window_s: float = 0.1, width_hz: float = 20.0) -> Samples:
    """For each window the part (0..1) of its power that lies within `width_hz` of a tone: 1 is that tone and nothing else."""
    window = int(window_s * rate_hz)
    starts = np.arange(0, len(pcm) - window + 1, int(_HOP_S * rate_hz))
    frames = pcm[starts[:, None] + np.arange(window)] * np.hanning(window)
    points = 1 << (4 * window - 1).bit_length()
    power = np.square(np.abs(np.fft.rfft(frames, points, axis=1)))
    near = np.abs(np.fft.rfftfreq(points, 1 / rate_hz) - tone_hz) < width_hz
    total = np.maximum(power.sum(axis=1), _SILENCE_POWER)
    return np.asarray(power[:, near].sum(axis=1) / total, dtype=np.float64)
