"""Keys in the bodies of INFO, as telephones write them."""

from __future__ import annotations

import pytest

from roomtone.sip.info import UnknownTypeError, read_key

RELAY = "application/dtmf-relay"
BARE = "application/dtmf"


@pytest.mark.parametrize(
    ("content_type", "body", "key"),
    [
        (RELAY, b"Signal=5\r\nDuration=160\r\n", "5"),
        (RELAY, b"Signal= *\r\nDuration= 250", "*"),
        (RELAY, b"duration=100\nsignal=b\n", "B"),
        (RELAY, b"Signal=11\r\n", "#"),
        (RELAY, b"Signal=16\r\nDuration=160\r\n", ""),
        ("Application/DTMF; x=y", b"0", "0"),
        (BARE, b" #\r\n", "#"),
        (BARE, b"10", "*"),
        (BARE, b"!", ""),
        (RELAY, b"", ""),
        ("", b"", ""),
    ],
)
def test_keys(content_type: str, body: bytes, key: str) -> None:
    assert read_key(content_type, body) == key


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (RELAY, b"Duration=160\r\n"),
        (RELAY, b"Signal=\r\n"),
        (RELAY, b"Signal=55\r\n"),
        (RELAY, b"Signal=5\r\nDuration=long\r\n"),
        (RELAY, b"Signal 5"),
        (BARE, b"12345"),
        (BARE, b"E"),
        (BARE, "²".encode()),
        (BARE, b" "),
        (BARE, b"5" + b" " * 300),
    ],
)
def test_bodies_without_a_key_are_faults(content_type: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_key(content_type, body)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/dtmf-relayed"])
def test_other_bodies_are_not_ours(content_type: str) -> None:
    with pytest.raises(UnknownTypeError):
        read_key(content_type, b"5")
