"""Secrets that the server makes for itself at the first start, and keeps under `server.data`, readable by its own user alone."""

from __future__ import annotations

import os
from pathlib import Path

from roomtone.errors import SettingsError
from roomtone.ids import Ids
from roomtone.settings.model import Settings

__all__ = ["ADMIN_TOKEN_FILE", "admin_token", "keep_secret"]

ADMIN_TOKEN_FILE = "admin_token"


def admin_token(settings: Settings, ids: Ids) -> str:
    """`server.admin_token`, else that of the last start, else a new one. SettingsError."""
    server = settings.server
    if server.admin_token or server.data is None:
        return server.admin_token or ids.token()
    path = server.data / ADMIN_TOKEN_FILE
    try:
        kept = path.read_text().strip()
    except FileNotFoundError:
        kept = ""
    except OSError as error:
        raise SettingsError(
            "server.admin_token", f"{path} cannot be read ({error.strerror})", "Give it to the user of the server."
        ) from None
    return kept or keep_secret(path, ids.token())


def keep_secret(path: Path, secret: str) -> str:
    """Writes the secret with mode 0600, and returns it. SettingsError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(f"{secret}\n")
    except OSError as error:
        raise SettingsError(
            "server.data", f"{path} cannot be written ({error.strerror})", "Name a folder that this user can write to."
        ) from None
    return secret
