"""Whether the native module was built from the border that this Python was written against.

Python changes by a `git pull`, the module only by a build. What was built from another page may lack a class, or have one with other fields: it is refused
before anything of it is used, whatever still fits.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from roomtone.errors import RoomtoneError

__all__ = ["StaleCoreError", "check"]

_PAGE = Path(__file__).parent.with_name("_native.pyi")


class StaleCoreError(RoomtoneError):
    """The module is missing, or older or newer than the Python beside it."""

    def __init__(self, message: str) -> None:
        super().__init__("stale_core", message, "Build it: make build")


def check() -> None:
    """StaleCoreError. A package without the page cannot be checked."""
    try:
        from roomtone import _native  # noqa: PLC0415
    except ImportError as error:
        raise StaleCoreError(f"The media core cannot be loaded ({error}).") from None
    try:
        page = _PAGE.read_bytes()
    except OSError:
        return
    if getattr(_native, "BORDER", "") != sha256(page).hexdigest():
        raise StaleCoreError("The media core (roomtone._native) was built from another version of the sources.")
