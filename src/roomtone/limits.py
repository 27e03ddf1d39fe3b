"""Limits of the Python side that are no settings: what nobody should have to think about, and nothing may exceed.

What an operator may want to change is in `[limits]` and its neighbours (`settings/model.py`). Shares are of an account and of all accounts together: an
account that is at its own limit costs the others nothing.
"""

from __future__ import annotations

__all__ = [
    "DOWNLOADS_MAX",
    "DOWNLOADS_PER_ACCOUNT_MAX",
    "DOWNLOAD_BYTES_MAX",
    "DOWNLOAD_BYTES_PER_ACCOUNT_MAX",
    "SPEECH_TEXTS_MAX",
    "SPEECH_TEXTS_PER_ACCOUNT_MAX",
]

SPEECH_TEXTS_MAX = 500
SPEECH_TEXTS_PER_ACCOUNT_MAX = 100
"""Texts under way to speech. At the limit a Say is skipped with 12400 in the debug log, and the call goes on."""

DOWNLOADS_MAX = 64
DOWNLOADS_PER_ACCOUNT_MAX = 16
"""Sounds that are fetched at a time. At the limit a Play waits for its turn within webhooks.total_timeout, and fails with 11203 after it."""

DOWNLOAD_BYTES_MAX = 256 * 1024 * 1024
DOWNLOAD_BYTES_PER_ACCOUNT_MAX = 128 * 1024 * 1024
"""Of sounds that are fetched and not decoded yet; webhooks.max_media_bytes where that is more. At the limit as above."""
