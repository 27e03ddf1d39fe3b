"""Who is told which of our addresses."""

from __future__ import annotations

import pytest

from roomtone.sip.surroundings import Surroundings

LOCAL = ["10.0.0.0/8", "192.168.0.0/16"]


class _Routes:
    """A core on a machine whose address is 10.0.0.1."""

    def sip_local(self, transport: str, peer: str) -> tuple[str, int]:
        return ("127.0.0.1" if peer.startswith("127.") else "10.0.0.1", 5061 if transport == "tls" else 5060)


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("8.8.4.7", "203.0.113.1"),
        ("10.9.9.9", "10.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:192.168.1.1", "10.0.0.1"),
    ],
)
def test_the_outside_gets_the_advertised_address(peer: str, host: str) -> None:
    surroundings = Surroundings(_Routes(), "203.0.113.1", LOCAL)
    assert surroundings.contact("udp", peer).host == host
    assert surroundings.media_host("udp", peer) == host


def test_without_advertise_everybody_gets_the_address_that_reaches_them() -> None:
    surroundings = Surroundings(_Routes(), "", LOCAL)
    assert surroundings.contact("tcp", "8.8.4.7").uri() == "sip:10.0.0.1:5060;transport=tcp"


@pytest.mark.parametrize(
    ("contact", "source", "behind"),
    [
        ("192.168.1.5", "8.8.4.7", True),
        ("192.168.1.5", "192.168.1.1", False),
        ("8.8.4.8", "8.8.4.7", False),
        ("8.8.4.7", "8.8.4.7", False),
        ("0.0.0.0", "8.8.4.7", True),
        ("phone.example", "8.8.4.7", False),
    ],
)
def test_a_private_contact_from_the_outside_is_behind_something(contact: str, source: str, behind: bool) -> None:
    assert Surroundings(_Routes()).is_behind(contact, source) is behind
