"""Strangers, garbage and floods at the media ports of a call, and a caller who vanishes: the others hear nothing odd, and what was refused is counted."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from goertzel import RATE_HZ, Samples, share, sine
from live import Live, until
from rtp_phone import RtpPhone, encoded, packet
from shared import Guest, Shared
from sipp import ACK, BYE, Sipp, expect, invite

Hold = Callable[[Any], Any]

STRANGER = 900.0
FRAME = 160


@pytest.fixture
def pair(server: Shared, hold: Hold, tmp_path: Path) -> Callable[[str], tuple[RtpPhone, RtpPhone]]:
    """Two who talk in the room of that name: one says 500 Hz, the other 700 Hz, and each hears the other."""

    def talk(room: str) -> tuple[RtpPhone, RtpPhone]:
        low = hold(Guest(server, tmp_path, room, f"{room}-low", 500)).phone
        high = hold(Guest(server, tmp_path, room, f"{room}-high", 700)).phone
        low.until_hears(700)
        high.until_hears(500)
        return low, high

    return talk


def _from_now_on(phone: RtpPhone, seconds: float = 1.0) -> Samples:
    """What it hears in the next seconds."""
    mark = phone.length
    until(lambda: phone.length >= mark + seconds * RATE_HZ, f"{seconds:g} s more")
    return phone.heard(mark)


def _packets(server: Live, outcome: str) -> float:
    return server.metrics().get(f'roomtone_rtp_packets_total{{direction="in",outcome="{outcome}"}}', 0.0)


def _stranger(hold: Hold) -> socket.socket:
    stranger = hold(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    stranger.bind(("127.0.0.1", 0))
    stranger.setblocking(False)
    return stranger  # type: ignore[no-any-return]


def test_a_stranger_is_neither_heard_nor_answered(
    server: Shared, hold: Hold, pair: Callable[[str], tuple[RtpPhone, RtpPhone]]
) -> None:
    """Good RTP with the very SSRC of the caller, from another port."""
    low, high = pair("strangers")
    before = _packets(server, "stranger")
    stranger = _stranger(hold)
    voice = encoded(sine(STRANGER, 4.0))
    assert low.server is not None
    mark = high.length
    for frame in range(200):
        data = packet(
            voice[frame * FRAME : (frame + 1) * FRAME], sequence=frame, timestamp=frame * FRAME, ssrc=low.port
        )
        stranger.sendto(data, low.server)
    heard = _from_now_on(high)
    assert share(high.heard(mark), STRANGER) == 0
    assert share(heard, 500) > 0.95
    assert share(_from_now_on(low), 700) > 0.95
    assert _packets(server, "stranger") - before >= 150
    with pytest.raises(BlockingIOError):
        stranger.recv(2048)


def test_garbage_is_dropped_whoever_sends_it(
    server: Shared, hold: Hold, pair: Callable[[str], tuple[RtpPhone, RtpPhone]]
) -> None:
    """At RTP and RTCP, from strangers and from the caller's own address."""
    low, high = pair("garbage")
    source = random.Random(4711)
    stranger = _stranger(hold)
    assert low.server is not None
    rtp, rtcp = low.server, (low.server[0], low.server[1] + 1)
    before = _packets(server, "dropped")
    mark = high.length
    for _ in range(500):
        noise = source.randbytes(source.randrange(0, 200))
        stranger.sendto(noise, rtp)
        stranger.sendto(noise, rtcp)
        low.socket.sendto(bytes([source.randrange(0x80)]) + noise, rtp)  # no version 2
    for lying in _lying_headers(low.port):
        low.socket.sendto(lying, rtp)
    for report in (
        struct.pack(">BBHI", 0x81, 203, 1, low.port),
        struct.pack(">BBHI", 0x80, 200, 0xFFFF, 1),
        b"\x80\xc8\x00",
    ):
        stranger.sendto(report, rtcp)
    assert share(_from_now_on(high), 500) > 0.95
    assert share(high.heard(mark), 500) > 0.9
    assert share(_from_now_on(low), 700) > 0.95
    assert _packets(server, "dropped") - before >= 100, "what the kernel had room for"
    assert "Traceback" not in server.err.text


def _lying_headers(ssrc: int) -> list[bytes]:
    """Headers that promise more than there is: contributors, an extension, padding, keys without a payload, an unknown payload type."""
    good = packet(b"", ssrc=ssrc)
    return [
        bytes([0x8F]) + good[1:],
        bytes([0x90]) + good[1:] + struct.pack(">HH", 0xBEDE, 0xFFFF),
        bytes([0xA0]) + good[1:] + b"\xff",
        packet(b"", kind=101, ssrc=ssrc),
        packet(b"\x01", kind=101, ssrc=ssrc),
        packet(bytes(160), kind=77, ssrc=ssrc),
        packet(bytes(1400), ssrc=ssrc),
        good[:11],
    ]


def test_a_flood_at_one_port_is_not_heard_by_others(
    server: Shared, hold: Hold, pair: Callable[[str], tuple[RtpPhone, RtpPhone]]
) -> None:
    """Twenty thousand packets as fast as they go out."""
    low, high = pair("flood")
    stranger = _stranger(hold)
    data = packet(encoded(sine(STRANGER, 0.02)), ssrc=low.port)
    mark = low.length
    before = _packets(server, "stranger")
    assert low.server is not None
    for _ in range(20_000):
        with contextlib.suppress(BlockingIOError):
            stranger.sendto(data, low.server)
    until(lambda: _packets(server, "stranger") > before, "they are counted")
    assert share(_from_now_on(low), 700) > 0.95
    assert share(low.heard(mark), 700) > 0.9, "the one whose port it is"
    after = _from_now_on(high)
    assert share(after, 500) > 0.95
    assert share(after, STRANGER) == 0


VANISHING = """
[sip]
rtp_ports = [0, 0]
rtp_timeout = 2.0
"""


def test_a_caller_who_vanishes_is_hung_up_by_rule(hold: Hold, tmp_path: Path) -> None:
    """No packet and no BYE any more: after `sip.rtp_timeout` the call ends, the log says why, and the listener hears silence, not remains."""
    server = hold(Live(tmp_path / "server", settings=VANISHING))
    listener = hold(RtpPhone())
    waits = hold(Sipp(tmp_path, server.address, "demo", "lena", invite(), expect(200), ACK, BYE, media=listener.port))
    server.until_listening("lena")
    listener.press("1")
    server.until_in_room("moderated", 1)
    speaker, moderator = hold(RtpPhone(500)), hold(RtpPhone(700))
    vanishes = hold(Sipp(tmp_path, server.address, "demo", "vera", invite(), expect(200), ACK, BYE, media=speaker.port))
    server.until_listening("vera")
    speaker.press("2")
    server.until_in_room("moderated", 2)
    chair = hold(Sipp(tmp_path, server.address, "demo", "mira", invite(), expect(200), ACK, BYE, media=moderator.port))
    server.until_listening("mira")
    moderator.press("3")
    server.until_in_room("moderated", 3)
    listener.until_hears(500)

    vanishes.signal(signal.SIGKILL)
    speaker.close()
    ended = server.until_ended("vera")
    assert ended["status"] == "completed"
    assert "packets" in ended["end_reason"], ended
    server.until_in_room("moderated", 2)
    heard = _from_now_on(listener)
    assert share(heard, 700) > 0.95, "the others go on"
    assert share(heard, 500) == 0
    events = [
        event for event in server.run("calls", "ls", "--json").objects[0]["calls"] if event["sid"] == ended["sid"]
    ]
    assert events[0]["end_reason"] == ended["end_reason"]

    chair.signal(signal.SIGKILL)
    moderator.close()
    waits.succeeds()
    assert server.until_ended("lena")["end_reason"] == "the document hung up"
    server.signal(signal.SIGTERM)
    assert server.ends() == 0
