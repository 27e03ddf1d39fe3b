"""The hold music: pieces that are free to ship, in buckets named as on Twilio's page.

One bucket has music of its own, `classical`. The page's other buckets are known and answer with it, and `note` says so: a caller who waits should
hear music, not an error. How the files come to be is in `render.py`; at run time only the finished files are read.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["BUCKETS", "note", "pieces"]

_TWILIO_PREFIX = "com.twilio.music."
_FALLBACK = "classical"

BUCKETS: dict[str, str] = {  # the page's buckets -> the one that plays
    "classical": "classical",
    "ambient": _FALLBACK,
    "electronica": _FALLBACK,
    "guitars": _FALLBACK,
    "rock": _FALLBACK,
    "soft-rock": _FALLBACK,
}


def pieces(bucket: str) -> list[Path]:
    """The files of a bucket, in the order of playing; never empty.

    `bucket` with or without `com.twilio.music.`; one that has no music of its own, or is not known, gives the classical pieces.
    """
    folder = Path(__file__).parent / BUCKETS.get(_short(bucket), _FALLBACK)
    return sorted(folder.glob("*.ogg"))


def note(bucket: str) -> str:
    """What the user should know of a bucket that plays something else than it says; empty when it plays itself."""
    name = _short(bucket)
    plays = BUCKETS.get(name)
    if plays == name:
        return ""
    if plays is None:
        return f"There is no bucket {bucket!r} here; {_FALLBACK} plays instead. Give waitUrl a URL of your own for other music."
    return f"The bucket {name!r} has no music of its own here; {plays} plays instead."


def _short(bucket: str) -> str:
    return bucket.strip().removeprefix(_TWILIO_PREFIX)
