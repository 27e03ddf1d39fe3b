"""What was heard, read from the telephones' capture file, and what can be said about it.

Sound is 8 kHz; times are the kernel's receive times in ns. A frame that never came is silence in the stream, and nan in its times.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.telephones import Plan

__all__ = ["Capture", "Stream", "delays_ms", "dropouts", "levels", "marks", "sinad_db"]

RATE = 8000
FRAME = 160
CHIRP_S, CHIRP_LOW_HZ, CHIRP_HIGH_HZ, FADE_S = 0.060, 600.0, 3000.0, 0.003
ROUND_S = 10
MARK_THRESHOLD = 4.0
TOP_CODE = 32124

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stream:
    """One listener's sound. pcm: (frames × 160,) float64; arrivals: (frames,) float64 ns, nan for what never came."""

    pcm: Floats
    arrivals: Floats

    @property
    def clipped(self) -> int:
        """Samples at G.711's last code or beyond."""
        return int(np.count_nonzero(np.abs(self.pcm) >= TOP_CODE))


class Capture:
    """The file, and where the report says that things stand in it."""

    def __init__(self, path: Path, report: dict[str, Any]) -> None:
        self._bytes = path.read_bytes()
        self._legs = report["legs"]

    def _array(self, at: int, count: int, kind: str) -> npt.NDArray[Any]:
        return np.frombuffer(self._bytes, dtype=kind, count=count, offset=at)

    def stream(self, leg: int) -> Stream:
        """What a leg heard in the window."""
        place = self._legs[leg]
        count, at = place["heard"], place["heard_at"]
        if not count:
            return Stream(np.zeros(0), np.zeros(0))
        arrivals = self._array(at, count, "<u8")
        frames = self._array(at + 8 * count, count, "<i8")
        samples = self._array(at + 16 * count, count * FRAME, "<i2").reshape(count, FRAME)
        length = int(frames[-1] - frames[0]) + 1
        pcm, times = np.zeros((length, FRAME)), np.full(length, np.nan)
        pcm[frames - frames[0]] = samples
        times[frames - frames[0]] = arrivals
        return Stream(pcm.reshape(-1), times)

    def sent_ns(self, leg: int, frames: npt.NDArray[np.int64], *, nominal: bool) -> Floats:
        """When frames, counted from the leg's first, left; `nominal`: were due. nan outside the window."""
        place = self._legs[leg]
        sent = self._array(place["sent_at"], place["sent"], "<u8").astype(np.float64)
        index = frames - place["first_sent"]
        inside = (index >= 0) & (index < len(sent))
        times = np.full(len(frames), np.nan)
        times[inside] = sent[index[inside]]
        if nominal:
            times[inside] = place["first_deadline_ns"] + frames[inside] * place["interval_ns"]
        return times

    def frames_sent(self, leg: int) -> tuple[int, int]:
        """First and last frame of the window."""
        place = self._legs[leg]
        return place["first_sent"], place["first_sent"] + place["sent"] - 1


def _columns(length: int, tones: list[float]) -> Floats:
    angle = 2 * np.pi * np.outer(np.arange(length), tones) / RATE
    return np.hstack([np.cos(angle), np.sin(angle), np.ones((length, 1))])


def _fit(block: Floats, tones: list[float]) -> tuple[Floats, Floats]:
    """Amplitude of each tone, and what is left."""
    columns = _columns(len(block), tones)
    weights, *_ = np.linalg.lstsq(columns, block, rcond=None)
    count = len(tones)
    return np.hypot(weights[:count], weights[count : 2 * count]), block - columns @ weights


@functools.lru_cache(maxsize=4)
def _probes(tones: tuple[float, ...], length: int) -> npt.NDArray[np.complex64]:
    window = np.hanning(length)
    angle = -2j * np.pi * np.outer(tones, np.arange(length)) / RATE
    probes: npt.NDArray[np.complex64] = (np.exp(angle) * (window * 2 / window.sum())).astype(np.complex64)
    return probes


def levels(stream: Stream, tones: list[float]) -> Floats:
    """(tones,) amplitude of each over the whole seconds of a stream, through a Hann window."""
    length = len(stream.pcm) // RATE * RATE  # the same for all listeners of a run, so that the probes are made once
    found: Floats = np.abs(_probes(tuple(tones), length) @ stream.pcm[:length].astype(np.float32)).astype(np.float64)
    return found


def worst_level(stream: Stream, tones: list[float], wanted: float) -> float:
    """Amplitude of one tone, fitted together with the others, in the second in which it is strongest."""
    together = [*tones, wanted]
    blocks = (stream.pcm[at : at + RATE] for at in range(0, len(stream.pcm) - RATE + 1, RATE // 2))
    return max(float(_fit(block, together)[0][-1]) for block in blocks)


def sinad_db(stream: Stream, tones: list[float]) -> Floats:
    """(half seconds,) tones against everything else, over a second each."""
    ratios = []
    for at in range(0, len(stream.pcm) - RATE + 1, RATE // 2):
        block = stream.pcm[at : at + RATE]
        amplitudes, rest = _fit(block, tones)
        noise = max(float(np.mean((rest - rest.mean()) ** 2)), 1e-9)
        ratios.append(10 * np.log10(max(float(np.sum(amplitudes**2)) / 2, 1e-9) / noise))
    return np.array(ratios)


def dropouts(stream: Stream) -> tuple[int, int]:
    """Windows of 20 ms that are 10 dB below the usual level, and all windows."""
    count = len(stream.pcm) // FRAME
    power = np.mean(stream.pcm[: count * FRAME].reshape(count, FRAME) ** 2, axis=1)
    return int(np.count_nonzero(power < np.median(power) / 10)), count


def _chirp() -> Floats:
    into = np.arange(int(CHIRP_S * RATE)) / RATE
    phase = CHIRP_LOW_HZ * into + (CHIRP_HIGH_HZ - CHIRP_LOW_HZ) / (2 * CHIRP_S) * into**2
    fade = np.clip(np.minimum(into, CHIRP_S - into) / FADE_S, 0, 1)
    return np.sin(2 * np.pi * phase) * fade


def marks(stream: Stream) -> Floats:
    """(samples,) how much the sound from here on is a chirp."""
    chirp = _chirp()
    size = 1 << (len(stream.pcm) + len(chirp)).bit_length()
    product = np.fft.rfft(stream.pcm, size) * np.conj(np.fft.rfft(chirp, size))
    found: Floats = np.abs(np.fft.irfft(product, size)[: len(stream.pcm)])
    return found


def delays_ms(
    capture: Capture, plan: Plan, talker: int, stream: Stream, likeness: Floats, *, nominal: bool, most_ms: float
) -> list[float]:
    """From the moment a packet leaves to the moment the same sample of it is received from the server, for each mark of a talker.

    A sample inside a packet counts as sent (received) that much after the packet; so 20 ms of packetisation, and the listener's own buffer, are not in it.
    """
    first, last = capture.frames_sent(talker)
    offset = plan.said(talker)["offset_ms"] * RATE // 1000
    seconds = np.arange(first * FRAME // RATE, (last + 1) * FRAME // RATE)
    samples = seconds * RATE + offset
    sent = capture.sent_ns(talker, samples // FRAME, nominal=nominal) + (samples % FRAME) * 1e9 / RATE
    times = np.repeat(stream.arrivals, FRAME) + np.tile(np.arange(FRAME) * 1e9 / RATE, len(stream.arrivals))
    usual = float(np.median(likeness)) if len(likeness) else 0.0
    found = []
    for moment in sent[~np.isnan(sent)]:
        near = np.flatnonzero((times >= moment - 5e6) & (times <= moment + most_ms * 1e6))
        if len(near) < RATE * most_ms / 1000 * 0.9:
            continue  # the window ends here
        best = near[np.argmax(likeness[near])]
        if likeness[best] > MARK_THRESHOLD * usual:
            found.append((times[best] - moment) / 1e6)
    return found
