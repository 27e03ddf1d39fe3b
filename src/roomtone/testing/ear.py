"""What a robot caller hears, in windows of 100 ms: level, tones, silence, music, beeps.

The spectrum of each window is kept for ten minutes, so that a question may name any frequency afterwards. Levels are
dBm0: 0 is a sine 3.17 dB below full scale. Doubt: music is told from talk by nothing; both are sound in many bands that
changes from window to window.
"""

from __future__ import annotations

import io
import itertools
import math
import wave
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ear", "Tone", "Window"]

WINDOW_S = 0.1
WINDOWS_MAX = 6000  # ten minutes
RECORD_S_MAX = 3600.0
HERTZ_MAX = 4000
RESOLUTION_HERTZ = 50.0  # two tones nearer than this are one, or a tone and the skirt of its window

SILENCE_DBM0 = -50.0
TONE_DBM0 = -45.0  # fainter tones are not counted
TONE_ABOVE_SURROUNDINGS_DB = 10.0
CHANGE_OF_MUSIC = 0.02  # mean spectral distance of neighbouring windows; a steady tone has 0.000
BEEP_WINDOWS_MAX = 3
BEEP_S_MAX = 0.3
BEEP_OFF_HERTZ_MAX = 4.0
BEEP_DBM0_MIN = -20.0
BEEP_SHARE_MIN = 0.92
PASSING_S_MIN, PASSING_S_MAX = 0.15, 0.25  # a beep of 120 ms touches no window that begins so much earlier or later
TONE_BINS = 4  # on each side: a tone that fills half of its window is that wide

_RMS_AT_0_DBM0 = 10 ** (-3.17 / 20) * 32768 / math.sqrt(2)
_FLOOR_DBM0 = -120.0


@dataclass(frozen=True, slots=True)
class Tone:
    """A peak of the spectrum."""

    hertz: float
    dbm0: float


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """100 ms. `power`: (400,) float32, of each bin of 10 Hz, 1.0 is a sine of 0 dBm0 in that bin."""

    time_s: float  # of its first sample, on the core's clock
    dbm0: float
    power: NDArray[np.float32]

    def tone_dbm0(self, hertz: float) -> float:
        """Level of what sounds within 20 Hz of `hertz`; the floor when it does not stand out of its surroundings."""
        centre = round(hertz * WINDOW_S)
        low, high = max(centre - 2, 0), centre + 3
        around = np.concatenate([self.power[max(low - 6, 0) : low], self.power[high : high + 6]])
        peak = float(self.power[low:high].max(initial=0.0))
        if peak <= float(np.median(around)) * 10 ** (TONE_ABOVE_SURROUNDINGS_DB / 10):
            return _FLOOR_DBM0
        return _db(float(self.power[low:high].sum()) / 1.5)  # a Hann window spreads a sine over 1.5 bins of power

    def tones(self) -> list[Tone]:
        """Its peaks, loudest first."""
        power = self.power
        is_peak = (power[1:-1] > power[:-2]) & (power[1:-1] >= power[2:])
        peaks = [int(bin_) + 1 for bin_ in np.nonzero(is_peak)[0]]
        tones = [Tone(_interpolated(power, bin_), self.tone_dbm0(bin_ / WINDOW_S)) for bin_ in peaks]
        return sorted((tone for tone in tones if tone.dbm0 >= TONE_DBM0), key=lambda tone: -tone.dbm0)


class Ear:
    """Takes samples in any portions, and answers questions about what was heard. `since_s`: on the core's clock; None:
    the last second.
    """

    def __init__(self, *, records: bool = False) -> None:
        self.windows: deque[Window] = deque(maxlen=WINDOWS_MAX)
        self.digits = ""
        self._pending = b""
        self._pending_time_s = 0.0
        self._rate_hz = 0
        self._records = records
        self._recorded: list[bytes] = []
        self._recorded_s = 0.0

    def feed(self, time_s: float, rate_hz: int, pcm: bytes) -> None:
        """`pcm`: int16 little-endian mono at `rate_hz`, its first sample heard at `time_s`."""
        if not pcm:
            return
        if rate_hz != self._rate_hz:
            self._pending, self._rate_hz = b"", rate_hz
        if not self._pending:
            self._pending_time_s = time_s
        if self._records and self._recorded_s < RECORD_S_MAX:
            self._recorded.append(pcm)
            self._recorded_s += len(pcm) / 2 / rate_hz
        self._pending += pcm
        size = round(rate_hz * WINDOW_S) * 2
        while len(self._pending) >= size:
            self.windows.append(_window(self._pending_time_s, self._pending[:size]))
            self._pending = self._pending[size:]
            self._pending_time_s += WINDOW_S

    def press(self, digit: str) -> None:
        """A key that the far end sent."""
        self.digits += digit

    # --- questions ----------------------------------------------------------------------------------------------------

    def heard(self, since_s: float | None = None, until_s: float = math.inf) -> list[Window]:
        """Whole windows of that time."""
        if not self.windows:
            return []
        since = self.windows[-1].time_s - 0.95 if since_s is None else since_s
        return [
            window
            for window in self.windows
            if window.time_s >= since - 1e-6 and window.time_s + WINDOW_S <= until_s + 1e-6
        ]

    def level_dbm0(self, since_s: float | None = None) -> float:
        """Of all that was heard in that time."""
        windows = self.heard(since_s)
        return _db(sum(10 ** (window.dbm0 / 10) for window in windows) / len(windows)) if windows else _FLOOR_DBM0

    def hears(self, hertz: float, since_s: float | None = None, until_s: float = math.inf) -> bool:
        """Whether a tone of that frequency sounded through at least four fifths of the time."""
        return self._share(hertz, since_s, until_s) >= 0.8

    def hears_not(self, hertz: float, since_s: float | None = None, until_s: float = math.inf) -> bool:
        """Whether there was never such a tone. False when nothing was heard at all yet."""
        return bool(self.heard(since_s, until_s)) and self._share(hertz, since_s, until_s) == 0.0

    def silence(self, since_s: float | None = None, until_s: float = math.inf) -> bool:
        """Whether there was nothing but line noise."""
        windows = self.heard(since_s, until_s)
        return bool(windows) and all(window.dbm0 < SILENCE_DBM0 for window in windows)

    def music(self, since_s: float | None = None, until_s: float = math.inf) -> bool:
        """Whether there was sound in many bands that changes all the time: music, or talk."""
        windows = self.heard(since_s, until_s)
        sounding = [window for window in windows if window.dbm0 >= SILENCE_DBM0]
        if len(windows) < 3 or len(sounding) < 0.7 * len(windows):
            return False
        bands = [np.sqrt(window.power.reshape(-1, 5).sum(axis=1)) for window in sounding]
        changes = [1.0 - _likeness(before, after) for before, after in itertools.pairwise(bands)]
        return float(np.mean(changes)) > CHANGE_OF_MUSIC

    def tones(self, since_s: float | None = None) -> list[Tone]:
        """Tones that stand through most of that time, loudest first."""
        windows = self.heard(since_s)
        found: list[Tone] = []
        for tone in windows[len(windows) // 2].tones() if windows else []:
            if self.hears(tone.hertz, since_s) and all(
                abs(tone.hertz - other.hertz) > RESOLUTION_HERTZ for other in found
            ):
                found.append(tone)
        return found

    def beeps(self, hertz: float, since_s: float = 0.0, until_s: float = math.inf) -> list[float]:
        """When a tone of that frequency began that lasted no longer than a beep."""
        times: list[float] = []
        run: list[Window] = []
        for window in self.heard(since_s, until_s):
            if window.tone_dbm0(hertz) >= TONE_DBM0:
                run.append(window)
                continue
            if 0 < len(run) <= BEEP_WINDOWS_MAX:
                times.append(run[0].time_s)
            run = []
        return times

    def is_beep(self, hertz: float, time_s: float) -> bool:
        """Whether the short tone that began then is a room's beep and not a note of music or a vowel: exactly in tune, loud, and nearly all of what
        sounds there and neither before nor after. Heard over one or two tones that stand, over talk sometimes not.
        """
        windows = self.heard(time_s, time_s + BEEP_S_MAX)
        if not windows:
            return False
        window = max(windows, key=lambda window: window.tone_dbm0(hertz))
        if window.tone_dbm0(hertz) < BEEP_DBM0_MIN:
            return False
        in_tune = any(abs(tone.hertz - hertz) <= BEEP_OFF_HERTZ_MAX for tone in window.tones())
        return in_tune and self._passing_share(window, hertz) >= BEEP_SHARE_MIN

    def silent_for_s(self) -> float:
        """How long it has been silent now."""
        windows = 0
        for window in reversed(self.windows):
            if window.dbm0 >= SILENCE_DBM0:
                break
            windows += 1
        return windows * WINDOW_S

    def wav(self) -> bytes:
        """All that was heard, if it was recorded."""
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(self._rate_hz or 8000)
            writer.writeframes(b"".join(self._recorded))
        return file.getvalue()

    def describe(self, since_s: float | None = None) -> Iterator[str]:
        """In words, for people."""
        if self.silence(since_s):
            yield "silence"
        elif self.music(since_s):
            yield "music"
        else:
            for tone in self.tones(since_s):
                yield f"{tone.hertz:.0f} Hz at {tone.dbm0:.0f} dBm0"

    def _passing_share(self, window: Window, hertz: float) -> float:
        """How much (0..1) a tone is of what sounds in `window` and neither 200 ms before nor after. A vowel brings its other harmonics with it."""
        near = [other for other in self.windows if PASSING_S_MIN < abs(other.time_s - window.time_s) < PASSING_S_MAX]
        standing = np.max([other.power for other in near], axis=0) if near else np.zeros_like(window.power)
        passing = np.maximum(window.power - standing, 0.0)
        centre = round(hertz * WINDOW_S)
        return float(passing[max(centre - TONE_BINS, 0) : centre + TONE_BINS + 1].sum() / max(passing.sum(), 1e-12))

    def _share(self, hertz: float, since_s: float | None, until_s: float) -> float:
        windows = self.heard(since_s, until_s)
        if not windows:
            return 0.0
        return sum(window.tone_dbm0(hertz) >= TONE_DBM0 for window in windows) / len(windows)


def _window(time_s: float, pcm: bytes) -> Window:
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(_RMS_AT_0_DBM0)
    level = _db(float(np.mean(samples * samples)))
    hann = np.hanning(len(samples) + 1)[:-1].astype(np.float32)
    spectrum = np.abs(np.fft.rfft(samples * hann)) * (2.0 / hann.sum())
    bins = round(HERTZ_MAX * WINDOW_S)
    power = np.zeros(bins, dtype=np.float32)
    kept = spectrum[:bins].astype(np.float32)
    power[: len(kept)] = kept * kept / 2.0
    return Window(time_s, level, power)


def _interpolated(power: NDArray[np.float32], bin_: int) -> float:
    """Frequency of a peak, by a parabola through the logarithms of its bin and the two beside it."""
    left, centre, right = (math.log(float(power[index]) + 1e-20) for index in (bin_ - 1, bin_, bin_ + 1))
    curve = left - 2 * centre + right
    offset = 0.5 * (left - right) / curve if curve else 0.0
    return (bin_ + offset) / WINDOW_S


def _likeness(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.dot(first, second)) / length if length else 1.0


def _db(power: float) -> float:
    return max(10 * math.log10(power), _FLOOR_DBM0) if power > 0 else _FLOOR_DBM0
