"""Who asks: an account with its token, or the operator."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ADMIN", "Principal"]

ADMIN = "admin"
"""The operator's user name."""


@dataclass(frozen=True, slots=True)
class Principal:
    """`account_sid` None: the operator, who sees all accounts."""

    account_sid: str | None

    @property
    def is_admin(self) -> bool:
        """Whether the operator asks: alone let into `/accounts`, and into `/metrics` from another machine."""
        return self.account_sid is None
