"""Commands whose names are settled and that nothing stands behind yet: they say so, and leave with 2."""

from __future__ import annotations

from collections.abc import Callable

import typer

from roomtone.cli.help import NOT_YET
from roomtone.errors import NotYetBuiltError

__all__ = ["NAMES", "add_to"]

NAMES = {
    "users": "SIP users that register",
    "trunks": "trunks to carriers",
    "recordings": "recordings",
    "callbacks": "callbacks",
    "lint": "checking documents offline",
    "reload": "reloading the settings by a command; send the server SIGHUP",
    "backup": "backups",
    "bench": "benchmarks of the installed server",
    "test": "call flows in virtual time",
    "exec": "running a program with its SDK pointed here",
    "listen": "listening into a room",
    "trace": "traces of a call",
}


def add_to(app: typer.Typer) -> None:
    """Each takes any arguments, so that a script learns why, and not that a flag is unknown."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    for name, what in NAMES.items():
        app.command(name, help=f"{NOT_YET}{what}.", context_settings=settings)(_command(name, what))


def _command(name: str, what: str) -> Callable[[typer.Context], None]:
    def command(_context: typer.Context) -> None:
        raise NotYetBuiltError(
            "not_yet", f"`roomtone {name}` ({what}) is not built yet.", "CHANGELOG.md says what each version has."
        )

    return command
