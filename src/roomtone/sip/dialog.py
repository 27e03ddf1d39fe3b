"""A dialog (RFC 3261 section 12): who the two ends are, in which order their requests come, and by which way they
travel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from roomtone.sip.address import Address, is_loose, name_addr, read_uri, uri_of_route
from roomtone.sip.core import SipMessage
from roomtone.sip.surroundings import Surroundings, is_ip

__all__ = ["Dialog", "Outgoing"]

_CONNECTED = frozenset({"tcp", "tls", "ws"})
_OPENED = frozenset({"udp", "tcp"})  # what a request may begin to travel by; of the others we have no sockets yet


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Where a request of a dialog goes, and the headers that every one has."""

    uri: str
    headers: list[tuple[str, str]]
    destination: tuple[str, str, int]
    flow: int | None


@dataclass(slots=True, kw_only=True)
class Dialog:
    """`local` and `remote`: the name-addr of From and To without tag, ours and theirs. `remote_cseq` None: they sent
    nothing yet.
    """

    call_id: str
    local: str
    local_tag: str
    remote: str
    remote_tag: str
    remote_target: str
    contact: Address
    surroundings: Surroundings
    source: tuple[str, str, int]  # transport, host and port that the far end is seen at
    flow: int | None
    routes: list[str] = field(default_factory=list)  # Route entries, first hop first
    local_cseq: int = 0
    remote_cseq: int | None = None

    @classmethod
    def of_server(cls, invite: SipMessage, local_tag: str, contact: Address, surroundings: Surroundings) -> Dialog:
        """Ours after their INVITE (12.1.1)."""
        return cls(
            call_id=invite.call_id,
            local=name_addr(invite.to_uri),
            local_tag=local_tag,
            remote=name_addr(invite.from_uri, invite.from_display),
            remote_tag=invite.from_tag,
            remote_target=invite.contact_uri or invite.from_uri,
            contact=contact,
            surroundings=surroundings,
            source=invite.source,
            flow=invite.flow,
            routes=list(invite.routes),
            remote_cseq=invite.cseq,
        )

    def refresh(self, message: SipMessage) -> None:
        """A target refresh (12.2): re-INVITE, UPDATE, or a 2xx to ours. The route set stays."""
        if message.contact_uri:
            self.remote_target = message.contact_uri
        self.source = message.source
        self.flow = message.flow

    def accepts_cseq(self, message: SipMessage) -> bool:
        """Whether a request comes in its order; an older one is refused with 500 (12.2.2)."""
        if self.remote_cseq is not None and message.cseq < self.remote_cseq:
            return False
        self.remote_cseq = message.cseq
        return True

    def request(self, method: str, cseq: int | None = None) -> Outgoing:
        """A request of ours (12.2.1.1). ACK names the `cseq` of its INVITE."""
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = self._way()
        headers = [
            ("From", f"{self.local};tag={self.local_tag}"),
            ("To", self.remote + (f";tag={self.remote_tag}" if self.remote_tag else "")),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            *(("Route", route) for route in routes),
        ]
        if method != "ACK":
            headers.append(("Contact", name_addr(self.contact.uri())))
        destination, flow = self._hop(uri, routes)
        return Outgoing(uri, headers, destination, flow)

    def _way(self) -> tuple[str, list[str]]:
        if not self.routes or is_loose(self.routes[0]):
            return self.remote_target, self.routes
        # A strict router (RFC 2543) wants itself as the request URI, and the target as the last hop.
        return uri_of_route(self.routes[0]), [*self.routes[1:], f"<{self.remote_target}>"]

    def _hop(self, uri: str, routes: list[str]) -> tuple[tuple[str, str, int], int | None]:
        """The address of the first hop, and the connection to it if there is one (RFC 3261 12.2.1.1, 18.1.1).

        A name is not looked up again, and an address that only the far end itself can reach, or by a transport that is
        not ours, is of no use: then requests go where theirs come from.
        """
        if self.flow is not None and self.source[0] in _CONNECTED:
            return self.source, self.flow
        hop = read_uri(uri_of_route(routes[0]) if routes else uri)
        is_usable = hop.transport in _OPENED and is_ip(hop.host) and "%" not in hop.host
        if not is_usable or self.surroundings.is_behind(hop.host, self.source[1]):
            return self.source, None
        return (hop.transport, hop.host, hop.port or 5060), None
