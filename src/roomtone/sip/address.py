"""SIP addresses, as far as a dialog reads and writes them: user, host, port and transport of a URI, and a URI with its
name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from roomtone.calls.dialect import Party

__all__ = ["Address", "host_port", "is_loose", "name_addr", "party", "read_uri", "uri_of_route"]

_USER_SAFE = "-_.!~*'()&=+$,;?/"  # RFC 3261 section 25.1: unreserved and user-unreserved
_QUOTED = re.compile(r'["\\]')
_URI = re.compile(
    r"(?i)sips?:(?:(?P<user>[^@:?]*)(?::[^@]*)?@)?"
    r"(?P<host>\[[^\]]*\]|[^:;?>]*)(?::(?P<port>\d{1,5})(?!\d))?(?P<rest>[^?]*)"
)
_TRANSPORT = re.compile(r"(?i);transport=(\w+)")
_PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """A SIP URI in its parts. `port` 0: none was written, or none that exists."""

    user: str
    host: str  # IPv6 without brackets
    port: int = 0
    transport: str = "udp"

    def uri(self) -> str:
        """Written out; a transport other than UDP is named."""
        user = f"{quote(self.user, safe=_USER_SAFE)}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        transport = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{user}{_bracketed(self.host)}{port}{transport}"


def read_uri(uri: str) -> Address:
    """`uri`: sip:, sips: or tel:, as the core gives it. What cannot be read has an empty host."""
    if uri[:4].lower() == "tel:":
        return Address(uri[4:].partition(";")[0], "")
    match = _URI.match(uri)
    if match is None:
        return Address("", "")
    transport = _TRANSPORT.search(match["rest"])
    port = int(match["port"] or 0)
    return Address(
        unquote(match["user"] or ""),
        match["host"].strip("[]").lower(),
        port if port <= _PORT_MAX else 0,
        transport[1].lower() if transport else "udp",
    )


def party(uri: str, display: str = "") -> Party:
    """The end of a call that has this address."""
    address = read_uri(uri)
    return Party(address.user, address.host, display)


def name_addr(uri: str, display: str = "", tag: str = "") -> str:
    """A URI as From, To and Contact carry it."""
    quoted = _QUOTED.sub(r"\\\g<0>", display)
    name = f'"{quoted}" ' if display else ""
    return f"{name}<{uri}>" + (f";tag={tag}" if tag else "")


def uri_of_route(route: str) -> str:
    """The URI inside a Route or Record-Route entry."""
    inside = re.search(r"<([^>]*)>", route)
    return inside[1] if inside else route.partition(";")[0].strip()


def is_loose(route: str) -> bool:
    """Whether the proxy of that entry routes as RFC 3261 does (`lr`)."""
    return re.search(r"(?i);lr(?:[=;>]|$)", uri_of_route(route)) is not None


def host_port(host: str, port: int) -> str:
    """As in logs and settings."""
    return f"{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
