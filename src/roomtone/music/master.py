"""From what the synthesizer played to what a caller can listen to: tone, even level, a clean end.

A concert piano spans 40 dB; on a telephone half of it is lost in the noise, and waiting callers take silence for a lost call. So the level is evened out:
whole phrases completely (window of 6 s), single notes for the most part (window of 1 s), as if somebody had a hand on the fader who knows the
piece. It is done on the finished recording and sees what comes, hence there is no attack to overshoot and nothing pumps. What lies below the telephone
band is weakened first, because it would use up level that no caller hears.
"""

from __future__ import annotations

import numpy as np

from roomtone.music.levels import Samples, band

__all__ = ["TARGET_DBM0", "master"]

TARGET_DBM0 = -18.0
_FULL_SCALE_SINE_DBM0 = 3.17
_METER_HZ = (200.0, 3800.0)  # between what a telephone passes and what a meter on its line sees
_PHRASE_S = 6.0
_NOTE_S = 1.0
_NOTE_SHARE = 0.75  # of a note's difference from the target is taken away
_NOTE_GAIN_MAX_DB = 12.0
_ONSET_SHARE = 0.01  # of the peak: where the music begins


def master(pcm: Samples, rate_hz: int, length_s: float, fade_s: float) -> Samples:
    """`length_s` of `pcm` (mono) from its first sound on, at the target level, the last `fade_s` faded out."""
    onset = int(np.argmax(np.abs(pcm) > _ONSET_SHARE * np.max(np.abs(pcm))))
    music = _equalise(pcm[onset : onset + int(length_s * rate_hz)], rate_hz)
    music = _even_out(music, rate_hz, _PHRASE_S, 1.0)
    music = _even_out(music, rate_hz, _NOTE_S, _NOTE_SHARE)
    music = _even_out(music, rate_hz, _PHRASE_S, 1.0)
    fade = int(fade_s * rate_hz)
    music[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade))
    return music


def _equalise(pcm: Samples, rate_hz: int) -> Samples:
    """A shelf of -9 dB below 250 Hz, +5 dB of presence above 900 Hz, nothing below 90 Hz or near half the rate."""
    spectrum = np.fft.rfft(pcm)
    hertz = np.maximum(np.fft.rfftfreq(len(pcm), 1 / rate_hz), 1.0)
    shelves_db = -9 / (1 + (hertz / 250) ** 4) + 5 / (1 + (900 / hertz) ** 2)
    edges = 1 / np.sqrt(1 + (90 / hertz) ** 8) / np.sqrt(1 + (hertz / 9000) ** 12)
    return np.asarray(np.fft.irfft(spectrum * 10 ** (shelves_db / 20) * edges, len(pcm)), dtype=np.float64)


def _even_out(pcm: Samples, rate_hz: int, window_s: float, share: float) -> Samples:
    """Takes away `share` of what the level around each sample differs from the target."""
    level = _envelope_dbm0(band(pcm, rate_hz, *_METER_HZ), rate_hz, window_s)
    gain_db = np.minimum((TARGET_DBM0 - level) * share, np.inf if share == 1 else _NOTE_GAIN_MAX_DB)
    return np.asarray(pcm * 10 ** (gain_db / 20), dtype=np.float64)


def _envelope_dbm0(pcm: Samples, rate_hz: int, window_s: float) -> Samples:
    """The level around each sample, weighted by a bell of `window_s`; at the ends over the part of the bell that is there."""
    window = int(window_s * rate_hz)
    points = len(pcm) + window
    bell = np.fft.rfft(np.hanning(window), points)

    def smooth(values: Samples) -> Samples:
        return np.asarray(
            np.fft.irfft(np.fft.rfft(values, points) * bell, points)[window // 2 :][: len(values)], dtype=np.float64
        )

    power = smooth(np.square(pcm)) / smooth(np.ones(len(pcm)))
    return np.asarray(10 * np.log10(2 * np.maximum(power, 1e-12)) + _FULL_SCALE_SINE_DBM0, dtype=np.float64)
