"""The names of one account on the three platforms. What an operator does not give is derived from the sid, so that it is the same on every start."""

from __future__ import annotations

import base64
import hashlib
import uuid
from datetime import datetime

from roomtone.settings.model import Account
from roomtone.store.rows import AccountRow, Source

__all__ = ["account_row", "auth_id_of", "project_id_of"]

AUTH_ID_CHARACTERS = 20


def project_id_of(sid: str) -> str:
    """SignalWire's name: the 32 digits of the sid as a UUID."""
    return str(uuid.UUID(sid.removeprefix("AC")))


def auth_id_of(sid: str) -> str:
    """Plivo's name: MA and 18 capital letters and digits."""
    digest = base64.b32encode(hashlib.sha256(sid.encode()).digest()).decode()
    return f"MA{digest}"[:AUTH_ID_CHARACTERS]


def account_row(account: Account, source: Source, created_at: datetime) -> AccountRow:
    """An account of the settings as it is kept."""
    return AccountRow(
        sid=account.sid,
        token=account.token,
        project_id=account.project_id or project_id_of(account.sid),
        signing_key=account.signing_key or account.token,
        auth_id=account.auth_id or auth_id_of(account.sid),
        name=account.name,
        source=source,
        created_at=created_at,
    )
