"""Nonsense and floods at the SIP port, while two callers talk: they hear nothing odd, the counters grow, and the next caller is served."""

from __future__ import annotations

import contextlib
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from goertzel import RATE_HZ, share
from live import until
from shared import Guest, Shared
from sip_wire import Wire, message, tortures

Hold = Callable[[Any], Any]

TORTURES = list(tortures(Path(__file__).parents[2] / "crates/sip/tests/rfc4475"))
UNFRAMED = {"clerr", "ncl", "mcl01", "dblreq", "inv2543"}  # whose end a stream cannot find
MEMORY_KB_MAX = 30_000


@pytest.fixture(scope="module")
def talk(server: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """One who hears another's 700 Hz, through all the tests of this file."""
    folder = tmp_path_factory.mktemp("talk")
    ear = Guest(server, folder, "signalling", "ear", 500)
    mouth = Guest(server, folder, "signalling", "mouth", 700)
    ear.phone.until_hears(700)
    yield ear
    for guest in (mouth, ear):
        guest.hang_up()
        guest.stop()


@pytest.fixture
def undisturbed(server: Shared, talk: Guest) -> Iterator[None]:
    """Around a test: the talk goes on through it, no fault of ours is logged, and a caller is answered after it."""
    mark = talk.phone.length
    yield
    until(lambda: talk.phone.length > mark + RATE_HZ, "the talk goes on")
    heard = talk.phone.heard(mark)
    assert share(heard, 700) > 0.95
    assert share(heard, 500) == 0
    wire = Wire(server.address)
    assert wire.ask("OPTIONS").status == 200
    wire.close()
    assert "Traceback" not in server.err.text
    assert "panicked" not in server.err.text


def _rejected(server: Shared) -> float:
    return sum(value for name, value in server.metrics().items() if name.startswith("roomtone_sip_rejected_total"))


def _memory_kb(server: Shared) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _garbage(source: random.Random) -> bytes:
    """Noise, or an INVITE with some of its bytes changed, cut or doubled."""
    if source.random() < 0.3:
        return source.randbytes(source.randrange(1, 1400))
    data = bytearray(message("INVITE", "nobody"))
    for _ in range(source.randrange(1, 8)):
        place = source.randrange(len(data))
        match source.randrange(3):
            case 0:
                data[place] = source.randrange(256)
            case 1:
                del data[place : place + source.randrange(1, 40)]
            case _:
                data[place:place] = data[max(0, place - 40) : place]
        data = data or bytearray(b"x")
    return bytes(data)


# --- what is no SIP, or strange SIP -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("undisturbed")
def test_rfc_4475_in_datagrams(server: Shared, hold: Hold) -> None:
    """The answers go where the Via says; here it counts that the next request is served."""
    wire = hold(Wire(server.address))
    before = _rejected(server)
    for name, _fate, data in TORTURES:
        wire.send(data)
        assert wire.ask("OPTIONS").status == 200, name
    assert _rejected(server) - before >= len([fate for _, fate, _ in TORTURES if fate != "up"])


@pytest.mark.usefixtures("undisturbed")
def test_rfc_4475_in_streams(server: Shared, hold: Hold) -> None:
    """Each is answered as the RFC says, and the next request on its connection is served."""
    for name, fate, data in TORTURES:
        wire = hold(Wire(server.address, "tcp"))
        wire.send(data)
        if name in UNFRAMED:
            continue
        options = message("OPTIONS", transport="TCP")
        wire.send(options)
        statuses = []
        for answer in wire.answers():
            statuses.append(answer.status)
            if answer.header("Call-ID").startswith("wire-"):
                break
        expected = [int(fate)] if fate.isdigit() else []
        assert statuses[-1:] == [200], f"{name}: {statuses}"
        assert [status for status in statuses[:-1] if status != 404] == expected, name


@pytest.mark.usefixtures("undisturbed")
def test_a_flood_of_garbage_in_datagrams(server: Shared, hold: Hold) -> None:
    """Five thousand, as fast as they go out."""
    source = random.Random(4711)
    wire = hold(Wire(server.address))
    before, memory_kb = _rejected(server), _memory_kb(server)
    for count in range(5000):
        wire.send(_garbage(source))
        if count % 250 == 0:
            assert wire.ask("OPTIONS").status == 200  # or the kernel would drop most of them before the server
    assert _rejected(server) - before > 1000
    assert _memory_kb(server) - memory_kb < MEMORY_KB_MAX


@pytest.mark.usefixtures("undisturbed")
def test_garbage_in_streams_closes_them(server: Shared, hold: Hold) -> None:
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"x" * 200_000):
        wire = hold(Wire(server.address, "tcp"))
        with contextlib.suppress(OSError):  # it may be closed before all is sent
            wire.send(data)
        assert wire.is_closed()


@pytest.mark.usefixtures("undisturbed")
def test_a_request_byte_by_byte_among_keep_alives(server: Shared, hold: Hold) -> None:
    wire = hold(Wire(server.address, "tcp"))
    wire.send(b"\r\n\r\n")
    for byte in message("OPTIONS", transport="TCP"):
        wire.send(bytes([byte]))
    assert wire.final().status == 200
    udp = hold(Wire(server.address))
    for keep_alive in (b"\r\n\r\n", b"\0", b"\r\n"):
        udp.send(keep_alive)
    assert udp.ask("OPTIONS").status == 200


@pytest.mark.usefixtures("undisturbed")
def test_many_connections_that_say_half_a_word(server: Shared, hold: Hold) -> None:
    """Two hundred that stay open with an unfinished message do not keep another one out."""
    half = message("INVITE", "nobody", transport="TCP")[:150]
    for _ in range(200):
        hold(Wire(server.address, "tcp")).send(half)
    wire = hold(Wire(server.address, "tcp"))
    assert wire.ask("OPTIONS").status == 200


# --- good SIP, in bad numbers -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("undisturbed")
def test_a_repeated_invite_is_one_call_with_one_answer(server: Shared, hold: Hold) -> None:
    """RFC 3261 17.2.1: the answer to each copy is the same, byte for byte."""
    wire = hold(Wire(server.address))
    asked = len(server.web.requests("/reject"))
    data = message("INVITE", "reject")
    for _ in range(3):
        wire.send(data)
    first = wire.final()
    assert first.status == 603
    wire.send(data)
    assert wire.final().data == first.data
    assert len(server.web.requests("/reject")) == asked + 1


@pytest.mark.usefixtures("undisturbed")
def test_a_flood_of_calls_is_answered_and_bounded(server: Shared, hold: Hold) -> None:
    """Four hundred at once: every one gets its final answer, beyond `limits.calls_per_second` 503 with Retry-After."""
    wire = hold(Wire(server.address))
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    asked = len(server.web.requests("/reject"))
    unanswered = {f"burst-{count}": message("INVITE", "reject", call_id=f"burst-{count}") for count in range(400)}
    statuses: Counter[int] = Counter()
    for _ in range(40):  # as long as something is lost, it is sent again after T1
        for data in unanswered.values():
            wire.send(data)
        if not unanswered:
            break
        for answer in wire.answers(0.5):
            if answer.status >= 200 and unanswered.pop(answer.header("Call-ID"), None):
                statuses[answer.status] += 1
                assert answer.status != 503 or answer.header("Retry-After")
    assert not unanswered, f"{len(unanswered)} were never answered; the others: {statuses}"
    assert set(statuses) <= {603, 503, 500}, "500: this application was too slow for so many at once"
    assert statuses[503], "beyond the limit"
    assert statuses[603] >= 50
    assert len(server.web.requests("/reject")) <= asked + 400 - statuses[503]
