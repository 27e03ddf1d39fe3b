"""Who asks, by HTTP Basic: an account's sid and token, or `admin` and the admin token."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from roomtone.accounts.directory import Directory
from roomtone.accounts.principal import Principal
from roomtone.errors import ForbiddenError, UnauthorizedError

__all__ = ["Credentials", "Guard", "Scope", "is_loopback", "principal_of", "scope_of"]

_basic = HTTPBasic(realm="roomtone", auto_error=False)

Credentials = Annotated[HTTPBasicCredentials | None, Depends(_basic)]
Scope = str | None
"""Whose resources a request is about; None: all accounts'."""

Guard = Callable[..., Principal]


def principal_of(directory: Directory, credentials: HTTPBasicCredentials | None) -> Principal:
    """UnauthorizedError."""
    principal = directory.principal(credentials.username, credentials.password) if credentials else None
    if principal is None:
        raise UnauthorizedError(
            "unauthorized",
            "The account or its token is wrong." if credentials else "This needs an account and its token.",
            "HTTP Basic: the account's sid and token, or admin and the admin token.",
        )
    return principal


def scope_of(directory: Directory) -> Callable[..., Scope]:
    """A dependency: the account that the request is about. The operator may name one with `?account=`."""

    def scope(
        credentials: Credentials,
        account: Annotated[str | None, Query(description="For the operator: only this account")] = None,
    ) -> Scope:
        principal = principal_of(directory, credentials)
        if principal.is_admin:
            return account
        if account not in (None, principal.account_sid):
            raise ForbiddenError("forbidden", f"{account} is another account.", "Ask with its own sid and token.")
        return principal.account_sid

    return scope


def is_loopback(request: Request) -> bool:
    """Whether the request comes from this machine."""
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
