"""All commands, in the order of the help; how an error leaves."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import typer

from roomtone.cli import (
    accounts,
    call,
    calls,
    completion,
    config,
    debug,
    dev,
    doctor,
    migrate,
    not_yet,
    numbers,
    requests,
    rooms,
    serve,
    watch,
)
from roomtone.cli.help import Group
from roomtone.cli.options import JsonOption
from roomtone.cli.output import print_json, print_note
from roomtone.errors import ExitCode, RoomtoneError, UsageError

__all__ = ["app", "main"]

app = typer.Typer(
    name="roomtone",
    cls=Group,
    help="A voice server for conference calls that speaks TwiML.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_STARTING, _LOOKING, _KEEPING = "Start a server", "Call it, and see what happens", "Set it up"
app.command("dev", rich_help_panel=_STARTING)(dev.dev)
app.command("serve", rich_help_panel=_STARTING)(serve.serve)
app.command("call", rich_help_panel=_LOOKING)(call.call)
app.command("rooms", rich_help_panel=_LOOKING)(rooms.list_rooms)
app.command("room", rich_help_panel=_LOOKING)(rooms.show_room)
app.command("why", rich_help_panel=_LOOKING)(rooms.why)
app.command("watch", rich_help_panel=_LOOKING)(watch.watch)
app.add_typer(requests.app, name="requests", rich_help_panel=_LOOKING)
app.add_typer(calls.app, name="calls", rich_help_panel=_LOOKING)
app.command("debug", rich_help_panel=_LOOKING)(debug.debug)
app.add_typer(numbers.app, name="numbers", rich_help_panel=_KEEPING)
app.add_typer(accounts.app, name="accounts", rich_help_panel=_KEEPING)
app.add_typer(config.app, name="config", rich_help_panel=_KEEPING)
app.command("doctor", rich_help_panel=_KEEPING)(doctor.doctor)
app.command("migrate", rich_help_panel=_KEEPING)(migrate.migrate)
app.command("completion", rich_help_panel=_KEEPING)(completion.completion)
not_yet.add_to(app)


@app.command("version", rich_help_panel=_KEEPING)
def version(json_: JsonOption = False) -> None:
    """The version of Roomtone."""
    from roomtone.cli.version import installed_version  # noqa: PLC0415

    if json_:
        print_json({"version": installed_version()})
    else:
        print(f"roomtone {installed_version()}")


def main() -> None:
    """Runs the command of the process's arguments, and leaves with its exit code."""
    arguments, own_command = _split(sys.argv[1:])
    as_json = "--json" in arguments
    try:
        sys.exit(app(arguments, prog_name="roomtone", obj=own_command, standalone_mode=not as_json))
    except _Misuse as misuse:  # only with --json; else it has been shown, with the usage
        _leave(UsageError("usage", str(misuse.format_message()), _help(misuse)), as_json=True)
    except RoomtoneError as error:
        _leave(error, as_json=as_json)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


_Misuse: Any = typer.BadParameter.__mro__[1]
"""Of every mistake on a command line; the library does not export it."""


def _help(misuse: Any) -> str:
    return f"`{misuse.ctx.command_path if misuse.ctx else 'roomtone'} --help` says how it is used."


def _leave(error: RoomtoneError, *, as_json: bool) -> NoReturn:
    if as_json:
        print_json(error.as_json())
    else:
        print_note(f"roomtone: {error.as_text()}")
    sys.exit(error.exit_code)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """`dev [APP_URL] -- CMD…`: what stands after `--` is a command of the user's, whatever it looks like."""
    if "--" in arguments and arguments[0] == "dev":
        place = arguments.index("--")
        return arguments[:place], arguments[place + 1 :]
    return arguments, []
