"""Addresses by their numbers: what may be reached, what only when allowed, what never."""

from __future__ import annotations

import socket

import pytest

from roomtone.webhooks.guard import AddressRefusedError, Guard, is_disguised_number


def passes(guard: Guard, address: str) -> bool:
    try:
        guard.check(address)
    except AddressRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public(address: str) -> None:
    assert passes(Guard(), address)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("172.31.255.255", "172.16.0.0/12"),
        ("192.168.1.1", "192.168.0.0/16"),
        ("100.64.0.1", "100.64.0.0/10"),
        ("198.18.0.1", "198.18.0.0/15"),
        ("192.0.2.1", "192.0.2.0/24"),
        ("::1", "::1/128"),
        ("fd12::1", "fc00::/7"),
        ("2001:db8::1", "2001:db8::/32"),
        ("::ffff:127.0.0.1", "127.0.0.0/8"),
        ("::127.0.0.1", "127.0.0.0/8"),
        ("64:ff9b::10.0.0.1", "10.0.0.0/8"),
        ("2002:7f00:1::", "127.0.0.0/8"),
    ],
)
def test_only_when_allowed(address: str, network: str) -> None:
    assert not passes(Guard(), address)
    assert passes(Guard([network]), address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "0.0.0.0",
        "0.1.2.3",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "::ffff:0.0.0.0",
    ],
)
def test_never(address: str) -> None:
    assert not passes(Guard(["0.0.0.0/0", "::/0"]), address)


def test_the_socket_is_the_last_look() -> None:
    guard = Guard(["127.0.0.0/8"])
    guard.make_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))).close()
    with pytest.raises(AddressRefusedError):
        guard.make_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80)))
    with pytest.raises(AddressRefusedError):
        guard.make_socket((socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::ffff:a00:1", 80, 0, 0)))


@pytest.mark.parametrize(
    ("host", "is_disguised"),
    [
        ("127.0.0.1", False),
        ("2130706433", True),
        ("0x7f000001", True),
        ("0x7f.0.0.1", True),
        ("0177.0.0.1", True),
        ("127.1", True),
        ("0", True),
        ("example.com", False),
        ("1.example.com", False),
        ("999.1.1.1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_numbers_in_disguise(host: str, is_disguised: bool) -> None:
    assert is_disguised_number(host) == is_disguised


def test_what_the_file_names_is_allowed_at_its_port_alone() -> None:
    urls = ["http://localhost:5000/voice", "http://10.1.2.3/voice", "https://[fd12::1]/x", "http://169.254.169.254/"]
    guard = Guard((), urls)
    for address, port in (("127.0.0.1", 5000), ("::1", 5000), ("10.1.2.3", 80), ("fd12::1", 443)):
        guard.check(address, port)
    for address, port in (("127.0.0.1", 5001), ("127.0.0.1", 0), ("10.1.2.3", 443), ("169.254.169.254", 80)):
        with pytest.raises(AddressRefusedError):
            guard.check(address, port)
