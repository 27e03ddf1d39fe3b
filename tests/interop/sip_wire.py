"""SIP by hand, over a UDP or TCP socket of its own: what no telephone would send, and what the server answers to it."""

from __future__ import annotations

import itertools
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from live import WAIT_S

from roomtone.clock import LiveClock

__all__ = ["Answer", "Wire", "message", "tortures"]

T1_S = 0.5

_clock = LiveClock()
_numbers = itertools.count(1)

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"


@dataclass(frozen=True)
class Answer:
    """A response: its status, and the whole of it."""

    status: int
    data: bytes

    def header(self, name: str) -> str:
        """The first of that name, or ""."""
        match = re.search(rb"(?im)^" + name.encode() + rb"\s*:\s*(.*?)\r$", self.data)
        return match[1].decode(errors="replace") if match else ""


def message(
    method: str,
    number: str = "demo",
    *,
    transport: str = "UDP",
    call_id: str = "",
    cseq: int = 1,
    to_tag: str = "",
    extra: str = "",
    body: str | None = None,
) -> bytes:
    """A request that is as it should be, of a call of its own unless `call_id` names one."""
    own = next(_numbers)
    call_id = call_id or f"wire-{own}"
    text = SDP if body is None and method == "INVITE" else body or ""
    kind = "Content-Type: application/sdp\r\n" if text else ""
    to = f"<sip:{number}@127.0.0.1>" + (f";tag={to_tag}" if to_tag else "")
    head = (
        f"{method} sip:{number}@127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/{transport} 127.0.0.1:9;rport;branch=z9hG4bK{own}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:wire@127.0.0.1>;tag=wire\r\nTo: {to}\r\nCall-ID: {call_id}\r\n"
        f"CSeq: {cseq} {method}\r\nContact: <sip:wire@127.0.0.1:9>\r\n{extra}{kind}Content-Length: {len(text)}\r\n\r\n"
    )
    return (head + text).encode()


class Wire:
    """One socket to the server. `close` it at the end."""

    def __init__(self, server: tuple[str, int], transport: str = "udp") -> None:
        self.transport = transport
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(server)
        self._data = b""

    def send(self, data: bytes) -> None:
        """As it is."""
        self.socket.sendall(data)

    def close(self) -> None:
        """Again is harmless."""
        self.socket.close()

    def answers(self, seconds: float = WAIT_S) -> Iterator[Answer]:
        """Each response that comes within the time."""
        deadline_s = _clock.now() + seconds
        while (left_s := deadline_s - _clock.now()) > 0:
            data = self._receive(left_s)
            if data is None:
                return
            if match := re.match(rb"SIP/2\.0 (\d{3}) ", data):
                yield Answer(int(match[1]), data)

    def final(self, call_id: str = "", seconds: float = WAIT_S) -> Answer:
        """The next final answer, of that call if one is named."""
        for answer in self.answers(seconds):
            if answer.status >= 200 and call_id in ("", answer.header("Call-ID")):
                return answer
        raise AssertionError(f"no final answer in {seconds:g} s")

    def ask(self, method: str, number: str = "demo") -> Answer:
        """Sends a request that is as it should be, over UDP until it is answered, and returns the final answer."""
        data = message(method, number, transport=self.transport.upper())
        call_id = Answer(0, data).header("Call-ID")
        times = 1 if self.transport == "tcp" else int(WAIT_S / T1_S)
        for _ in range(times):
            self.send(data)
            for answer in self.answers(WAIT_S / times):
                if answer.status >= 200 and answer.header("Call-ID") == call_id:
                    return answer
        raise AssertionError(f"{method} was not answered in {WAIT_S:g} s")

    def is_closed(self, seconds: float = WAIT_S) -> bool:
        """Whether the server ends the connection within the time; what it says until then is passed over."""
        deadline_s = _clock.now() + seconds
        while (left_s := deadline_s - _clock.now()) > 0:
            self.socket.settimeout(left_s)
            try:
                if not self.socket.recv(65536):
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    def _receive(self, seconds: float) -> bytes | None:
        """One message; None: there is none in the time, or no more."""
        while self.transport == "tcp" and (whole := self._whole()) is not None:
            return whole
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except OSError:
            return None
        if self.transport == "udp":
            return data
        if not data:
            return None
        self._data += data
        return self._receive(seconds)

    def _whole(self) -> bytes | None:
        self._data = self._data.lstrip(b"\r\n")
        head, blank, rest = self._data.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
        if not blank or length is None or len(rest) < int(length[1]):
            return None
        end = len(head) + 4 + int(length[1])
        whole, self._data = self._data[:end], self._data[end:]
        return whole


def tortures(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """Name, fate and bytes of each message of RFC 4475, as `crates/sip/tests/rfc4475` has them."""
    table = (folder / "fates.txt").read_text().partition("\n\n")[2]
    for row in table.splitlines():
        name, _section, fate = row.split()[:3]
        yield name, fate, (folder / f"{name}.dat").read_bytes()
