"""SIP addresses, read and written."""

from __future__ import annotations

import pytest

from roomtone.sip.address import Address, host_port, is_loose, name_addr, party, read_uri, uri_of_route


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sip:demo@127.0.0.1", Address("demo", "127.0.0.1")),
        ("sip:+15550100@10.0.0.1:5070;transport=tcp", Address("+15550100", "10.0.0.1", 5070, "tcp")),
        ("SIPS:alice:secret@Example.COM", Address("alice", "example.com")),
        ("sip:[2001:db8::1]:5060", Address("", "2001:db8::1", 5060)),
        ("sip:%61lice%20b@h;user=phone?Subject=x", Address("alice b", "h")),
        ("sip:1;phone-context=a@h", Address("1;phone-context=a", "h")),
        ("tel:+15550100;ext=1", Address("+15550100", "")),
        ("mailto:a@b", Address("", "")),
        ("sip:a@h:65536", Address("a", "h")),
        ("sip:a@h:" + "9" * 5000 + ";transport=tcp", Address("a", "h", 0, "tcp")),
    ],
)
def test_read(uri: str, address: Address) -> None:
    assert read_uri(uri) == address


def test_written_addresses_are_read_again() -> None:
    for address in (
        Address("a b", "2001:db8::1", 5061, "tls"),
        Address("", "h"),
        Address("+1", "10.0.0.1", 5060, "tcp"),
    ):
        assert read_uri(address.uri()) == address


def test_a_display_name_cannot_break_out_of_its_quotes() -> None:
    assert name_addr("sip:a@b", 'x" <sip:evil@c>', "t") == '"x\\" <sip:evil@c>" <sip:a@b>;tag=t'


def test_party_of_a_uri() -> None:
    caller = party("sip:alice@example.com", "Alice")
    assert (caller.user, caller.host, caller.display) == ("alice", "example.com", "Alice")


@pytest.mark.parametrize(
    ("route", "loose"),
    [
        ("<sip:p1;lr>", True),
        ("<sip:p1;lr=on;x=1>", True),
        ("<sip:p1>", False),
        ("<sip:p1>;lr", False),
        ("<sip:lr.example>", False),
    ],
)
def test_loose_routers(route: str, loose: bool) -> None:
    assert is_loose(route) is loose


def test_uri_of_a_route() -> None:
    assert uri_of_route('"P" <sip:p1;lr>;x=1') == "sip:p1;lr"


def test_host_and_port() -> None:
    assert host_port("::1", 5060) == "[::1]:5060"
