"""What accounts share, and how much of it one of them has. No settings: nobody should have to think about it, and nothing may exceed it.

One account has at most an eighth, so that one, or seven, at their own limit leave the others theirs; with eight of them there the others wait in turn, each
within the time-out of its request. Every other limit stands at the head of the file whose thing it bounds, as `…_MAX`, or is one that an operator sets:
`[limits]` and its neighbours (`settings/model.py`).
"""

from __future__ import annotations

__all__ = [
    "DOWNLOADS_PER_ACCOUNT_MAX",
    "DOWNLOAD_BYTES_PER_ACCOUNT_MAX",
    "SHARES",
    "SPEECH_TEXTS_MAX",
    "SPEECH_TEXTS_PER_ACCOUNT_MAX",
]

SHARES = 8
"""There is so many times as much for all as one account has."""

SPEECH_TEXTS_PER_ACCOUNT_MAX = 100
SPEECH_TEXTS_MAX = SHARES * SPEECH_TEXTS_PER_ACCOUNT_MAX
"""Texts under way to speech. At the limit a Say is skipped with 12400 in the debug log, and the call goes on. They are spoken one at a
time, accounts in turn."""

DOWNLOADS_PER_ACCOUNT_MAX = 16
"""Sounds that are fetched at a time. At the limit a Play waits for its turn within webhooks.total_timeout, and fails with 11203 after it."""

DOWNLOAD_BYTES_PER_ACCOUNT_MAX = 64 * 1024 * 1024
"""Of sounds that are fetched and not decoded yet; webhooks.max_media_bytes where that is more. At the limit as above."""
