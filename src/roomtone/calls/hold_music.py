"""The default wait music: our own pieces, without leaving the machine.

A document that names no waitUrl, or the hold-music twimlet by its public address, is answered from here: the messages
of its query are spoken, the pieces of its bucket follow, and all of it again. `/holdmusic` on the HTTP port gives the
same as TwiML to whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from roomtone.calls.document import Document, Verb
from roomtone.calls.verbs.play import Play
from roomtone.calls.verbs.redirect import Redirect
from roomtone.calls.verbs.say import Say
from roomtone.calls.verbs.sound import Sound

__all__ = ["DEFAULT_BUCKET", "DEFAULT_WAIT_URL", "HoldMusic", "is_sound", "messages"]

DEFAULT_WAIT_URL = "http://twimlets.com/holdmusic?Bucket=com.twilio.music.classical"
_HOSTS = frozenset({"twimlets.com", "www.twimlets.com"})
_PATH = "/holdmusic"
DEFAULT_BUCKET = "com.twilio.music.classical"
MESSAGES_MAX = 20


def messages(query: Iterable[tuple[str, str]]) -> list[str]:
    """What the query asks to be said or played before the music."""
    return [text for name, text in query if name.startswith("Message") and text.strip()][:MESSAGES_MAX]


def is_sound(message: str) -> bool:
    """A message that is a URL is played, any other is spoken."""
    return message.startswith(("http://", "https://"))


class HoldMusic:
    """`pieces(bucket)`: the files of a bucket, in the order in which they are played."""

    def __init__(self, pieces: Callable[[str], Sequence[Path]]) -> None:
        self._pieces = pieces

    def document(self, url: str) -> Document | None:
        """What the twimlet at `url` plays; None when that is not the twimlet."""
        try:
            parts = urlsplit(url)
        except ValueError:  # no good URL: who asks for it is told so
            return None
        if (parts.hostname or "") not in _HOSTS or parts.path != _PATH:
            return None
        query = parse_qsl(parts.query)
        bucket = dict(query).get("Bucket", DEFAULT_BUCKET)
        verbs: list[Verb] = [_message(text) for text in messages(query)]
        verbs += [Sound(file=piece, path="/") for piece in self._pieces(bucket)]
        verbs.append(Redirect(path="/"))
        return Document(verbs=tuple(verbs))


def _message(text: str) -> Verb:
    return Play(url=text, path="/") if is_sound(text) else Say(text=text, path="/")
