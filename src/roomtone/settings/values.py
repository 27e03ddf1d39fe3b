"""Kinds of values that settings are made of: addresses, URLs, methods, numbers.

Each says in its error what it wants, because that sentence is what the user sees.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainValidator

__all__ = [
    "AccountSid",
    "Address",
    "Endpoint",
    "HttpUrl",
    "Method",
    "Network",
    "Number",
    "OptionalEndpoint",
    "OptionalUrl",
]

Method = Annotated[
    Literal["GET", "POST"], BeforeValidator(lambda text: text.upper() if isinstance(text, str) else text)
]

_NUMBER = re.compile(r"\+?[0-9]{1,20}|[A-Za-z0-9._~-]{1,64}")


class Address(NamedTuple):
    """Where a socket is bound. Port 0: a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it. Of names `localhost` alone does: no other is resolved."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _address(value: object) -> Address:
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise ValueError('expects "HOST:PORT" in quotes, such as "127.0.0.1:8080"')
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f'"{value}" is not HOST:PORT, such as "127.0.0.1:8080"')
    return Address(host, int(port))


def _network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    try:
        return ipaddress.ip_network(value if isinstance(value, str) else "", strict=False)
    except ValueError:
        raise ValueError(f'"{value}" is not a network or an address, such as "10.0.0.0/8" or "192.0.2.7"') from None


def _optional_address(value: object) -> Address | None:
    return None if value in (None, "") else _address(value)


def _optional_sip_address(value: object) -> Address | None:
    """The same, of an IP address: SIP and RTP say it to the far end."""
    address = _optional_address(value)
    if address is not None:
        try:
            ipaddress.ip_address(address.host)
        except ValueError:
            raise ValueError(
                f'"{address.host}" is no IP address; SIP and RTP want one of this machine, such as "127.0.0.1:5060", or "0.0.0.0:5060" for all'
            ) from None
    return address


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f'"{text}" is not a URL: {error}') from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f'"{text}" is not an http:// or https:// URL with a host')
    return text


def _optional_url(text: str) -> str:
    return _url(text) if text else text


def _number(text: str) -> str:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(
            f'"{text}" is neither a number (digits, with or without +) nor a word of letters, digits and . _ ~ -'
        )
    return text


def _account_sid(text: str) -> str:
    if re.fullmatch(r"AC[0-9a-f]{32}", text) is None:
        raise ValueError(f'"{text}" is not AC and 32 hexadecimal digits in lower case')
    return text


Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, PlainValidator(_network)]
Endpoint = Annotated[Address, BeforeValidator(_address)]
OptionalEndpoint = Annotated[Address | None, BeforeValidator(_optional_address)]
OptionalSipEndpoint = Annotated[Address | None, BeforeValidator(_optional_sip_address)]
HttpUrl = Annotated[str, AfterValidator(_url)]
OptionalUrl = Annotated[str, AfterValidator(_optional_url)]
Number = Annotated[str, AfterValidator(_number)]
AccountSid = Annotated[str, AfterValidator(_account_sid)]
