"""The law of room names (A1, T12, and the 1 to 128 characters of Twilio's error 13237).

White space around a name does not count, white space inside does, and so does case. Names are compared in Unicode's
NFC, because the same name typed on two machines may arrive in two spellings.
"""

from __future__ import annotations

import unicodedata

__all__ = ["BAD_NAME", "NAME_CHARACTERS_MAX", "NO_SUCH_CONFERENCE", "ConferenceNameError", "room_name"]

NAME_CHARACTERS_MAX = 128

BAD_NAME = 13237
NO_SUCH_CONFERENCE = 13236


class ConferenceNameError(Exception):
    """The document names a room that cannot be joined: the Dial fails. `code` goes to the application's debug log."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def room_name(text: str) -> str:
    """The name by which a room is known. ConferenceNameError 13237."""
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise ConferenceNameError(BAD_NAME, "the name of the conference is empty")
    if len(name) > NAME_CHARACTERS_MAX:
        message = f"the name of the conference has {len(name)} characters; at most {NAME_CHARACTERS_MAX} are allowed"
        raise ConferenceNameError(BAD_NAME, message)
    return name
