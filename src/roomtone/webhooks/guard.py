"""Which addresses a document may send us to. An application's URL is input from outside: it may not be used to reach what stands near the server.

Public addresses only, what `webhooks.allow_networks` adds, and address and port of the URLs that the operator's own file names; never link-local addresses, the metadata services of clouds, "this host" (0.0.0.0), multicast or
reserved ones. IPv6 forms that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) count as that one too. The check is made on what a name resolved
to, and once more on the very address that a socket is made for, at every redirect, so that a name that changes between the two gains nothing.
Hosts written as other numbers (`2130706433`, `0x7f.1`, `127.1`) are refused as no canonical address.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["AddressRefusedError", "Guard", "GuardedResolver", "is_disguised_number"]

_Address = IPv4Address | IPv6Address

_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "192.0.0.192/32",  # metadata of Oracle Cloud
        "168.63.129.16/32",  # the host's agent on Azure, a public address by its number
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fec0::/10",
        "fd00:ec2::/32",  # metadata of AWS over IPv6
        "ff00::/8",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


class AddressRefusedError(OSError):
    """The guard's no. An OSError, as connecting code expects one."""


class Guard:
    """The rule, made once from the settings."""

    def __init__(self, allow_networks: Iterable[str] = (), named_urls: Iterable[str] = ()) -> None:
        """`named_urls`: of the operator's own file. Who writes `voice_url = "http://localhost:5000/voice"` means that address, and that port alone."""
        self._allowed: list[IPv4Network | IPv6Network] = [ip_network(text, strict=False) for text in allow_networks]
        self.name(named_urls)

    def name(self, urls: Iterable[str]) -> None:
        """These are the URLs of the operator's file from now on."""
        self._named = {origin for url in urls for origin in _origins(url)}

    def check(self, host: str, port: int = 0) -> None:
        """`host`: an address in text, a zone after it is dropped. AddressRefusedError says why not."""
        address = ip_address(host.partition("%")[0])
        if (address, port) in self._named:
            return
        for face in _faces(address):
            if any(face in network for network in _NEVER):
                raise AddressRefusedError(
                    f"the address {address} is link-local, a metadata service or reserved, and is never asked"
                )
            if not self._is_open(face):
                remedy = "name its network in webhooks.allow_networks to allow it"
                raise AddressRefusedError(f"the address {address} is not public; {remedy}")

    def _is_open(self, address: _Address) -> bool:
        return any(address in network for network in self._allowed) or (address.is_global and not address.is_reserved)

    def make_socket(self, info: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
        """A socket for the address that is about to be connected to: the last look, where no name stands between any more."""
        family, kind, protocol, _, address = info
        self.check(str(address[0]), int(address[1]))
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


class GuardedResolver(AbstractResolver):
    """Resolves names, and gives only the addresses that the guard lets through; AddressRefusedError when none is left."""

    def __init__(self, guard: Guard, inner: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """As AbstractResolver says."""
        if self._inner is None:
            self._inner = ThreadedResolver()
        allowed: list[ResolveResult] = []
        refusal: AddressRefusedError | None = None
        for result in await self._inner.resolve(host, port, family):
            try:
                self._guard.check(result["host"], port)
                allowed.append(result)
            except AddressRefusedError as error:
                refusal = error
        if not allowed and refusal is not None:
            raise refusal
        return allowed

    async def close(self) -> None:
        """As AbstractResolver says."""
        if self._inner is not None:
            await self._inner.close()


def _origins(url: str) -> list[tuple[_Address, int]]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if parts.hostname == "localhost":
        return [(IPv4Address("127.0.0.1"), port), (IPv6Address("::1"), port)]
    try:
        address = ip_address(parts.hostname or "")
    except ValueError:
        return []  # a name is guarded by what it resolves to
    return [] if any(address in network for network in _NEVER) else [(address, port)]


def is_disguised_number(host: str) -> bool:
    """Whether `host` is an IPv4 address in a form that only old resolvers take: decimal, hexadecimal, octal, shortened."""
    try:
        socket.inet_aton(host)
    except (OSError, UnicodeError, ValueError):
        return False
    try:
        return str(IPv4Address(host)) != host
    except ValueError:
        return True


def _faces(address: _Address) -> list[_Address]:
    """The address that really answers: those that an IPv6 form carries, else itself."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.teredo is not None:
        return [address.teredo[1], IPv6Address(address)]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]
