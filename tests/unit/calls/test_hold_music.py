"""The twimlet's address is answered from our own disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomtone.calls.hold_music import DEFAULT_WAIT_URL, HoldMusic
from roomtone.calls.verbs.redirect import Redirect
from roomtone.calls.verbs.say import Say
from roomtone.calls.verbs.sound import Sound


def _music() -> HoldMusic:
    return HoldMusic(lambda bucket: [Path(f"/music/{bucket}/1.ogg"), Path(f"/music/{bucket}/2.ogg")])


def test_the_default_plays_the_pieces_and_begins_again() -> None:
    document = _music().document(DEFAULT_WAIT_URL)
    assert document is not None
    files = [verb.file for verb in document.verbs if isinstance(verb, Sound)]
    assert files == [Path("/music/com.twilio.music.classical/1.ogg"), Path("/music/com.twilio.music.classical/2.ogg")]
    assert isinstance(document.verbs[-1], Redirect)


def test_messages_are_spoken_before_the_music() -> None:
    document = _music().document("http://twimlets.com/holdmusic?Bucket=rock&Message=Please+hold&Message1=Still+here")
    assert document is not None
    assert [verb.text for verb in document.verbs if isinstance(verb, Say)] == ["Please hold", "Still here"]
    assert isinstance(document.verbs[2], Sound)


@pytest.mark.parametrize(
    "url",
    ["http://example.com/holdmusic?Bucket=x", "http://twimlets.com/voicemail", "https://x.twimlets.com/holdmusic", ""],
)
def test_other_addresses_are_not_ours(url: str) -> None:
    assert _music().document(url) is None
