"""Cookies per call: bounded, and forgotten with their call."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest

from roomtone.webhooks import cookies as cookies_module
from roomtone.webhooks.cookies import CookiesPerCall

URL = "http://app.example/voice"


async def test_a_call_does_not_take_more_than_its_share() -> None:
    kept = CookiesPerCall()
    kept.take("CA1", URL, SimpleCookie("a=1"))
    kept.take("CA1", URL, SimpleCookie("; ".join(f"c{number}=x" for number in range(60))))
    assert kept.header("CA1", URL) == "a=1"


async def test_only_so_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cookies_module, "JARS_MAX", 2)
    kept = CookiesPerCall()
    for call in ("CA1", "CA2"):
        kept.take(call, URL, SimpleCookie("a=1"))
    assert kept.header("CA1", URL) == "a=1"  # used, so CA2 is the oldest now
    kept.take("CA3", URL, SimpleCookie("a=1"))
    assert [kept.header(call, URL) for call in ("CA1", "CA2", "CA3")] == ["a=1", "", "a=1"]


async def test_other_sites_and_calls_get_none() -> None:
    kept = CookiesPerCall()
    kept.take("CA1", URL, SimpleCookie("a=1"))
    kept.take(None, URL, SimpleCookie("a=1"))
    assert kept.header("CA1", "http://other.example/") == ""
    assert kept.header("CA2", URL) == kept.header(None, URL) == ""
    kept.forget("CA1")
    kept.forget("CA1")
    assert kept.header("CA1", URL) == ""
