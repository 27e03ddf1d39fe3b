"""The vectors of the platform's own libraries, and what is left out of a URL before it is signed."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator

from roomtone.dialects.twilio.signature import sign, signed_url

CALL = [("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("To", "+18005551212")]


def with_caller(number: str) -> list[tuple[str, str]]:
    return [*CALL, ("Caller", number), ("From", number)]


@pytest.mark.parametrize(
    ("url", "parameters", "expected"),
    [
        ("https://mycompany.com/myapp.php?foo=1&bar=2", with_caller("+14158675309"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://example.com/myapp.php?foo=1&bar=2", with_caller("+14158675310"), "L/OH5YylLD5NRKLltdqwSvS0BnU="),
        (
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")],
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
    ],
)
def test_vectors(url: str, parameters: list[tuple[str, str]], expected: str) -> None:
    assert sign(url, parameters, "12345") == expected
    assert sign(url, list(reversed(parameters)), "12345") == expected


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("https://example.com:8443/a?b=c", "https://example.com/a?b=c"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:8080/a", "http://example.com:8080/a"),
        ("http://example.com:80/a", "http://example.com:80/a"),
        ("https://user:pa%40ss@example.com:443/a#ct=100", "https://example.com/a"),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]/a"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
        ("http://example.com/a?x=%2F&y=a%20b", "http://example.com/a?x=%2F&y=a%20b"),
    ],
)
def test_what_is_signed_of_a_url(url: str, signed: str) -> None:
    assert signed_url(url) == signed
    assert sign(url, [], "t") == sign(signed, [], "t")


def test_upper_case_sorts_before_lower_and_values_keep_their_white_space() -> None:
    parameters = [("b", " x "), ("B", "1"), ("a", ""), ("A", "ü")]
    url = "https://example.com/"
    assert RequestValidator("key").validate(url, dict(parameters), sign(url, parameters, "key"))
