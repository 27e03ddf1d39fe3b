"""The ear and the mouth of a caller whose signalling is another program's: RTP with PCMU and RFC 4733 keys over a socket of its own.

It sends a packet every 20 ms from its `call` on, and keeps what comes in the order of its timestamps; a hole is silence. It shares no code with the server.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque

import numpy as np
from goertzel import RATE_HZ, Samples, share, sine, sounding
from live import WAIT_S, until

from roomtone.clock import LiveClock

__all__ = ["RtpPhone", "packet"]

FRAME = RATE_HZ // 50
PCMU = 0
KEYS = 101
KEY_FRAMES = 8
KEY_ENDS = 3
_KEYS = "0123456789*#ABCD"
_BIAS = 0x84


def packet(
    payload: bytes, *, kind: int = PCMU, sequence: int = 0, timestamp: int = 0, ssrc: int = 1, marker: bool = False
) -> bytes:
    """One RTP packet (RFC 3550 5.1)."""
    return (
        struct.pack(">BBHII", 0x80, kind | (0x80 if marker else 0), sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
        + payload
    )


def encoded(samples: Samples) -> bytes:
    """G.711 mu-law."""
    magnitude = np.minimum(np.abs(samples.astype(np.int32)), 32635) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0xF
    sign = np.where(samples < 0, 0x80, 0)
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


def decoded(data: bytes) -> Samples:
    """The way back."""
    code = ~np.frombuffer(data, dtype=np.uint8).astype(np.int32)
    magnitude = ((((code & 0xF) << 3) + _BIAS) << ((code >> 4) & 7)) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


class RtpPhone:
    """`close` it at the end. `port` stands in the caller's description."""

    def __init__(self, tone_hz: float | None = None) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = int(self.socket.getsockname()[1])
        self.server: tuple[str, int] | None = None  # where its first packet came from
        self.digits = ""
        self.packets = 0
        self._voice = encoded(sine(tone_hz, 1.0)) if tone_hz else encoded(np.zeros(RATE_HZ, dtype=np.int16))
        self._frames: dict[int, bytes] = {}
        self._first: int | None = None
        self._last_key: int | None = None
        self._keys: deque[str] = deque()
        self._closed = threading.Event()
        self._connected = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._talk)]
        for thread in self._threads:
            thread.start()

    def press(self, key: str) -> None:
        """One key, as events of RFC 4733."""
        self._keys.append(key)

    def send(self, data: bytes) -> None:
        """Something of the test's own."""
        assert self.server is not None
        self.socket.sendto(data, self.server)

    def close(self) -> None:
        """Again is harmless."""
        self._closed.set()
        for thread in self._threads:
            thread.join(WAIT_S)
        self.socket.close()

    # --- what it heard ------------------------------------------------------------------------------------------------

    @property
    def length(self) -> int:
        """Samples from the first packet to the end of the newest: a mark for `heard`."""
        return max(self._frames, default=-FRAME) + FRAME

    def heard(self, since: int = 0) -> Samples:
        """Everything from that mark on."""
        frames = dict(self._frames)
        samples = np.zeros(max(frames, default=-FRAME) + FRAME, dtype=np.int16)
        for place, payload in frames.items():
            if place >= 0:
                samples[place : place + FRAME] = decoded(payload)[:FRAME]
        return samples[max(since, 0) :]

    def hears(self, hertz: float) -> bool:
        """Through the last second."""
        last = self.heard(self.length - RATE_HZ)
        return len(last) >= RATE_HZ and share(last, hertz) >= 0.9

    def until_hears(self, hertz: float, seconds: float = WAIT_S) -> None:
        """Returns when it has heard the tone for a second."""
        until(lambda: self.hears(hertz), f"{hertz:g} Hz is heard", seconds)

    def until_sounds(self, seconds: float = WAIT_S) -> None:
        """Returns when something was heard through a second: music, or talk."""
        until(
            lambda: sounding(self.heard(self.length - RATE_HZ)) > 0.9 and self.length > RATE_HZ,
            "something sounds",
            seconds,
        )

    def until_silent(self, seconds: float = WAIT_S) -> None:
        """Returns when there was nothing through a second."""
        until(lambda: sounding(self.heard(self.length - RATE_HZ)) == 0 and self.length > RATE_HZ, "silence", seconds)

    def until_quiet(self, seconds: float = WAIT_S) -> None:
        """Returns when there was no packet for half a second."""
        seen = [-1] * 11

        def is_quiet() -> bool:
            seen.append(self.packets)
            return seen[-1] == seen[-11]

        until(is_quiet, "no packet comes", seconds)

    # --- its threads --------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                data, source = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            if len(data) <= 12 or data[0] >> 6 != 2:
                continue
            self.server = source
            self._connected.set()
            self.packets += 1
            timestamp = struct.unpack(">I", data[4:8])[0]
            if self._first is None:
                self._first = timestamp
            if data[1] & 0x7F == PCMU:
                place = (timestamp - self._first + (1 << 31)) % (1 << 32) - (1 << 31)
                self._frames[place] = data[12:]
            elif data[1] & 0x7F == KEYS and timestamp != self._last_key:
                self._last_key = timestamp
                self.digits += _KEYS[data[12] & 0xF]

    def _talk(self) -> None:
        clock = LiveClock()
        while not self._connected.wait(0.05):
            if self._closed.is_set():
                return
        began_s = clock.now()
        sequence = 0
        frame = 0
        event: list[bytes] = []
        event_at = 0
        while not self._closed.wait(max(0.0, began_s + frame * 0.02 - clock.now())):
            if not event and self._keys:
                event = _key(self._keys.popleft())
                event_at = frame * FRAME
                fresh = True
            if event:
                data = packet(
                    event.pop(0), kind=KEYS, sequence=sequence, timestamp=event_at, marker=fresh, ssrc=self.port
                )
                fresh = False
            else:
                start = frame * FRAME % RATE_HZ
                data = packet(
                    self._voice[start : start + FRAME],
                    sequence=sequence,
                    timestamp=frame * FRAME,
                    marker=frame == 0,
                    ssrc=self.port,
                )
            with contextlib.suppress(OSError):
                self.send(data)
            sequence += 1
            frame += 1


def _key(key: str) -> list[bytes]:
    """Payloads of one key, the last of them with the end bit, three times."""
    code = _KEYS.index(key)
    going = [struct.pack(">BBH", code, 10, (frame + 1) * FRAME) for frame in range(KEY_FRAMES)]
    return going + [struct.pack(">BBH", code, 0x80 | 10, KEY_FRAMES * FRAME)] * KEY_ENDS
