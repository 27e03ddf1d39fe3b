"""baresip in a room with a caller who is not: each of its codecs against PCMU, hold and resume, keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from baresip import Baresip
from goertzel import RATE_HZ, share
from live import until
from shared import Guest, Shared

Hold = Callable[[Any], Any]

CODECS = {"PCMU": "PCMU/8000/1", "PCMA": "PCMA/8000/1", "opus": "opus/48000/2"}


@pytest.mark.parametrize("codec", CODECS)
def test_it_talks_is_held_and_presses_a_key(server: Shared, hold: Hold, tmp_path: Path, codec: str) -> None:
    guest = hold(Guest(server, tmp_path, "codecs", f"guest-{codec}", 700))
    phone = hold(Baresip(tmp_path / "baresip", f"anna-{codec}", tone_hz=500, codecs=CODECS[codec]))
    phone.dial(server.uri("codecs"))
    server.until_in_room("codecs", 2)
    guest.phone.until_hears(500)
    mark = guest.phone.length
    until(lambda: guest.phone.length > mark + RATE_HZ, "a second of talk")
    assert share(guest.phone.heard(mark), 500) > 0.95
    assert share(guest.phone.heard(mark), 700) == 0, "nobody hears themselves"

    phone.hold()
    guest.phone.until_silent()
    phone.resume()
    guest.phone.until_hears(500)
    phone.key("5")
    until(lambda: guest.phone.digits, "the key is made again for the other")
    phone.hang_up()
    server.until_ended(f"anna-{codec}")
    guest.hang_up()
    assert guest.phone.digits == "5"
    heard = phone.heard()
    assert share(heard, 500) == 0, "nobody hears themselves"
    assert share(heard, 700) > 0.4, "between the music before, and the silence of the hold"
