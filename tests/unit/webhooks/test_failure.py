"""What went wrong on the wire, in numbers and words."""

from __future__ import annotations

import aiohttp

from roomtone.webhooks.failure import failure_of


def test_a_url_that_cannot_be_asked_for_does_not_tell_what_a_caller_pressed() -> None:
    failure = failure_of(aiohttp.InvalidURL("http:///voice?Digits=4711"))
    assert failure.code == 11100
    assert "4711" not in failure.message
