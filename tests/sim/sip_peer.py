"""A far end that says exactly what a test tells it to: SIP by hand, without a dialog layer of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from roomtone._native import (
    Ack,
    Batch,
    Core,
    SipAck,
    SipFailed,
    SipMessage,
    SipRequest,
    SipResponse,
    sdp_accept,
    sdp_offer,
)
from roomtone.testing.world import SERVER_HOST, World

__all__ = ["Peer", "Talk", "peer_of"]

HOST = "10.0.0.9"
SERVER = ("udp", SERVER_HOST, 5060)
TYPE = ("Content-Type", "application/sdp")


@dataclass
class Sent:
    """A request of ours."""

    provisional: list[int] = field(default_factory=list)
    finals: list[SipMessage] = field(default_factory=list)
    answer: asyncio.Future[SipMessage | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Peer:
    """One host. Answers nothing by itself but what `answers` says."""

    def __init__(self, world: World) -> None:
        self.core = Core(network=world.network, host=HOST)
        self.core.sip_listen("udp", HOST, 5060)
        self.asked: deque[SipRequest] = deque()
        self.acknowledged: list[SipMessage] = []
        self.answers: dict[str, int] = {"BYE": 200}
        self._came = asyncio.Event()
        self._sent: dict[int, Sent] = {}
        world.time.pumps.append(self.pump)

    def pump(self) -> None:
        """Hands out what came."""
        for event in self.core.drain():
            match event:
                case SipResponse():
                    self._answered(event.transaction, event.message)
                case SipFailed():
                    sent = self._sent[event.transaction]
                    if not sent.answer.done():
                        sent.answer.set_result(None)
                case SipRequest():
                    self.asked.append(event)
                    self._came.set()
                    if event.message.method in self.answers:
                        self.core.sip_respond(event.transaction, self.answers[event.message.method])
                case SipAck():
                    self.acknowledged.append(event.message)
                case Ack() | _:
                    pass

    def _answered(self, transaction: int, message: SipMessage) -> None:
        sent = self._sent[transaction]
        if message.status < 200:
            sent.provisional.append(message.status)
            return
        sent.finals.append(message)
        if not sent.answer.done():
            sent.answer.set_result(message)

    async def request(self, method: str, uri: str, headers: list[tuple[str, str]], body: bytes = b"") -> SipMessage:
        """The final answer."""
        message = await self.begin(method, uri, headers, body)[1].answer
        assert message is not None, f"no answer to {method}"
        return message

    def begin(self, method: str, uri: str, headers: list[tuple[str, str]], body: bytes = b"") -> tuple[int, Sent]:
        """The same without waiting: its transaction, and what comes of it."""
        has_type = any(name == "Content-Type" for name, _ in headers)
        fields = [*headers, TYPE] if body and not has_type else headers
        transaction = self.core.sip_request(method, uri, fields, body, destination=SERVER)
        sent = self._sent[transaction] = Sent()
        return transaction, sent

    async def next_request(self, method: str) -> SipRequest:
        """The next that came of that method; others before it are forgotten."""
        while True:
            while self.asked:
                event = self.asked.popleft()
                if event.message.method == method:
                    return event
            self._came.clear()
            await self._came.wait()


class Talk:
    """One dialog, kept by hand."""

    def __init__(self, peer: Peer, call_id: str = "talk-1", extra: tuple[tuple[str, str], ...] = ()) -> None:
        self.peer = peer
        self.call_id = call_id
        self.extra = extra
        self.cseq = 0
        self.tag = ""
        self.leg = peer.core.new_id()
        self.port = peer.core.open_leg(self.leg)
        self.target = f"sip:+15550100@{SERVER_HOST}"

    def sdp(self, direction: str = "sendrecv", codecs: tuple[str, ...] = ("PCMU",), version: int = 1) -> bytes:
        """Our description."""
        return sdp_offer(
            host=HOST, port=self.port, session_id=1, session_version=version, codecs=codecs, direction=direction
        )  # type: ignore[arg-type]

    def headers(self, method: str, cseq: int | None = None) -> list[tuple[str, str]]:
        """Those of the next request."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        to = f"<sip:+15550100@{SERVER_HOST}>" + (f";tag={self.tag}" if self.tag else "")
        return [
            ("From", f"<sip:+15550111@{HOST}>;tag=peer"),
            ("To", to),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", f"<sip:peer@{HOST}:5060>"),
        ]

    async def invite(
        self, body: bytes | None = None, *more: tuple[str, str], ack: bool = True, answer: bytes = b""
    ) -> SipMessage:
        """INVITE, and its ACK when it is a 2xx. `body` None: an ordinary offer."""
        offer = self.sdp() if body is None else body
        message = await self.ask("INVITE", offer, *more)
        if 200 <= message.status < 300:
            self.tag = message.to_tag
            if offer:
                self._listen(offer, message.body)
            if ack:
                self.ack(answer)
        return message

    def _listen(self, offer: bytes, answer: bytes) -> None:
        batch = Batch()
        bus = self.peer.core.new_id()
        batch.open_bus(bus)
        batch.configure(self.leg, sdp_accept(offer, answer))
        batch.move(self.leg, bus)
        batch.row(self.leg, sends="nobody", hears=True)
        self.peer.core.submit(batch)

    def ack(self, body: bytes = b"", cseq: int | None = None) -> None:
        """ACK of the last INVITE."""
        headers = self.headers("ACK", cseq or self.cseq)
        self.peer.core.sip_request("ACK", self.target, [*headers, TYPE] if body else headers, body, destination=SERVER)

    async def ask(self, method: str, body: bytes = b"", *more: tuple[str, str]) -> SipMessage:
        """A request of this dialog; the final answer."""
        return await self.peer.request(method, self.target, [*self.headers(method), *self.extra, *more], body)


def peer_of(world: World) -> Peer:
    """A new one."""
    return Peer(world)
