"""Names of resources: two letters and 32 hexadecimal digits, as on the platforms.

A live server draws them from the system's randomness, so that nobody can guess one; a test hands in a seeded `Random` and gets the same names each time.
"""

from __future__ import annotations

import random
import re
import secrets

__all__ = ["Ids", "is_sid"]

_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")


class Ids:
    """Makes new names. `source` None: the system's randomness; else that seeded generator."""

    def __init__(self, source: random.Random | None = None) -> None:
        self._source = source

    def new(self, prefix: str) -> str:
        """`prefix` (two capital letters) and 128 random bits as 32 hexadecimal digits."""
        bits = secrets.randbits(128) if self._source is None else self._source.getrandbits(128)
        return f"{prefix}{bits:032x}"

    def account(self) -> str:
        """AC…, for an account whose maker did not name one."""
        return self.new("AC")

    def application(self) -> str:
        """AP…, for what answers one number."""
        return self.new("AP")

    def call(self) -> str:
        """CA…, one far end from its INVITE to its end."""
        return self.new("CA")

    def conference(self) -> str:
        """CF…, one life of a room; the next room of that name gets another."""
        return self.new("CF")

    def participation(self) -> str:
        """One stay of one call in one conference; a call that comes back gets another."""
        return self.new("PA")

    def request(self) -> str:
        """RQ…, one request to an application with its redirects; sent again by a replay it gets another."""
        return self.new("RQ")

    def token(self) -> str:
        """A secret of 128 random bits, 32 hexadecimal digits."""
        return self.new("")


def is_sid(text: str, prefix: str) -> bool:
    """Whether `text` looks like a name made with `prefix`."""
    return text.startswith(prefix) and _SID.fullmatch(text) is not None
