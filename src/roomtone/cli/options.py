"""Options that several commands share, and the connection they make."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from roomtone.cli.client import Client
from roomtone.settings import identity

__all__ = [
    "AccountOption",
    "ConfigOption",
    "DataOption",
    "HttpOption",
    "JsonOption",
    "SipOption",
    "TokenOption",
    "UrlOption",
    "connect",
]

ADMIN = "admin"

UrlOption = Annotated[str, typer.Option("--url", help="The server (ROOMTONE_URL; else the dev server).")]
AccountOption = Annotated[str, typer.Option("--account", help="Account sid, or admin (ROOMTONE_ACCOUNT).")]
TokenOption = Annotated[str, typer.Option("--token", help="Its token (ROOMTONE_TOKEN).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object, or one a line.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="The settings' file.")]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the database and caches.")]
HttpOption = Annotated[str | None, typer.Option("--http", help="HOST:PORT of the HTTP API; port 0: a free one.")]
SipOption = Annotated[str | None, typer.Option("--sip", help="HOST:PORT for SIP over UDP and TCP; port 0: a free one.")]


def connect(url: str, account: str, token: str, *, as_operator: bool = False) -> Client:
    """Flags, else the environment, else the dev server and its identity. `as_operator`: admin unless another is named."""
    default = ADMIN if as_operator else identity.ACCOUNT_SID
    return Client(
        url or os.environ.get("ROOMTONE_URL") or identity.URL,
        account or os.environ.get("ROOMTONE_ACCOUNT") or default,
        token or os.environ.get("ROOMTONE_TOKEN") or identity.TOKEN,
    )
