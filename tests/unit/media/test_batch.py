"""What a batch refuses when it is written, and not without a word when it is carried out."""

from __future__ import annotations

import pytest

from roomtone.media.core import Batch


@pytest.mark.parametrize("digit", ["x", "", "12", "w", "é", "٣"])
def test_what_is_no_key_is_refused(digit: str) -> None:
    batch = Batch()
    with pytest.raises(ValueError, match="press: one key of"):
        batch.press(1, digit)
    with pytest.raises(ValueError, match="relay_digit: one key of"):
        batch.relay_digit(1, digit, 2)


@pytest.mark.parametrize("digit", "0123456789*#ABCDabcd")
def test_every_key_of_a_telephone_is_taken(digit: str) -> None:
    batch = Batch()
    batch.press(1, digit)
    batch.relay_digit(1, digit, 2)
