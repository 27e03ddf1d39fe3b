"""Which of our addresses a peer is told: in Contact, and in SDP.

`sip.advertise` is for the outside; peers in `sip.local_networks`, and this machine itself, get the address that reaches
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

from roomtone.sip.address import Address

__all__ = ["Routes", "Surroundings", "is_ip"]


class Routes(Protocol):
    """The part of the core that knows them."""

    def sip_local(self, transport: str, peer: str) -> tuple[str, int]:
        """Our address as that peer would see it without NAT."""


class Surroundings:
    """`advertise`: address or name for the outside, "" for none. `local_networks`: in CIDR notation."""

    def __init__(self, core: Routes, advertise: str = "", local_networks: Sequence[str] = ()) -> None:
        self._core = core
        self._advertise = advertise
        self._local: list[IPv4Network | IPv6Network] = [ip_network(network, strict=False) for network in local_networks]

    def contact(self, transport: str, peer: str) -> Address:
        """Where that peer reaches our signalling."""
        host, port = self._core.sip_local(transport, peer)
        return Address("", self._host(peer, host), port, transport)

    def media_host(self, transport: str, peer: str) -> str:
        """Where that peer sends its audio."""
        return self._host(peer, self._core.sip_local(transport, peer)[0])

    def is_behind(self, contact_host: str, source_host: str) -> bool:
        """Whether a far end that was seen as `source_host` cannot be reached by the address in its Contact: a private
        one, or this machine's, named by somebody who came from elsewhere.
        """
        contact, source = _ip(contact_host), _ip(source_host)
        if contact is None or source is None or contact == source:
            return False
        return (contact.is_private or contact.is_unspecified) and not source.is_private

    def _host(self, peer: str, local: str) -> str:
        return local if not self._advertise or self._is_local(peer) else self._advertise

    def _is_local(self, peer: str) -> bool:
        address = _ip(peer)
        return address is None or address.is_loopback or any(address in network for network in self._local)


def is_ip(host: str) -> bool:
    """Whether it is an address, and no name."""
    return _ip(host) is not None


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
