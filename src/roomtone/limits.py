"""Limits of the Python side that are no settings: what nobody should have to think about, and nothing may exceed.

What an operator may want to change is in `[limits]` and its neighbours (`settings/model.py`). Shares are of an account and of all accounts together: an
account that is at its own limit costs the others nothing.
"""

from __future__ import annotations

__all__ = [
    "SPEECH_TEXTS_MAX",
    "SPEECH_TEXTS_PER_ACCOUNT_MAX",
]

SPEECH_TEXTS_MAX = 500
SPEECH_TEXTS_PER_ACCOUNT_MAX = 100
"""Texts under way to speech. At the limit a Say is skipped with 12400 in the debug log, and the call goes on."""
