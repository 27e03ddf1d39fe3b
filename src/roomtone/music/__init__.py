"""The hold music: pieces that are free to ship, in buckets named as on Twilio's page.

One bucket has music of its own, `classical`. Every other answers with it: a caller who waits should hear music, not an error. How the files come to be is in `render.py`; at run time only the finished files are read.
"""

from __future__ import annotations

from pathlib import Path

from roomtone.errors import InstallationError

__all__ = ["BUCKETS", "pieces"]

_TWILIO_PREFIX = "com.twilio.music."
_FALLBACK = "classical"
_FOLDER = Path(__file__).parent

BUCKETS: dict[str, str] = {  # the page's buckets -> the one that plays
    "classical": "classical",
    "ambient": _FALLBACK,
    "electronica": _FALLBACK,
    "guitars": _FALLBACK,
    "rock": _FALLBACK,
    "soft-rock": _FALLBACK,
}


def pieces(bucket: str) -> list[Path]:
    """The files of a bucket, in the order of playing; never empty. InstallationError when they are missing.

    `bucket` with or without `com.twilio.music.`; one that has no music of its own, or is not known, gives the classical pieces.
    """
    folder = _FOLDER / BUCKETS.get(_short(bucket), _FALLBACK)
    files = sorted(folder.glob("*.ogg"))
    if not files:
        raise InstallationError("no_hold_music", f"The hold music is missing: there is no .ogg file in {folder}.")
    return files


def _short(bucket: str) -> str:
    return bucket.strip().removeprefix(_TWILIO_PREFIX)
