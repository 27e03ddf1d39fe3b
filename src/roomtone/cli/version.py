"""The version of what is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["installed_version"]


def installed_version() -> str:
    """As in pyproject.toml; `0+source` when run from a tree that is not installed."""
    try:
        return version("roomtone")
    except PackageNotFoundError:
        return "0+source"
