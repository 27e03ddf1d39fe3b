"""What follows a refusal of our refresh (RFC 4028 section 7, RFC 3261 12.2.1.2 and 14.1)."""

from __future__ import annotations

import pytest

from roomtone.sip.session_timer import AfterRefusal, after_refusal

TABLE = {
    AfterRefusal.END: {408, 481},
    AfterRefusal.GLARE: {491},
    AfterRefusal.LATER: {500, 503},
    AfterRefusal.OTHER_METHOD: {405, 501},
    AfterRefusal.LONGER: {422},
}


@pytest.mark.parametrize("status", range(300, 700))
def test_after_a_refusal(status: int) -> None:
    expected = next((after for after, statuses in TABLE.items() if status in statuses), AfterRefusal.NOTHING)
    assert after_refusal(status) is expected
