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
app.command("dev")(dev.dev)
app.command("serve")(serve.serve)
app.command("call")(call.call)
app.command("rooms")(rooms.list_rooms)
app.command("room")(rooms.show_room)
app.command("why")(rooms.why)
app.command("watch")(watch.watch)
app.add_typer(requests.app, name="requests")
app.add_typer(calls.app, name="calls")
app.command("debug")(debug.debug)
app.add_typer(numbers.app, name="numbers")
app.add_typer(accounts.app, name="accounts")
app.add_typer(config.app, name="config")
app.command("doctor")(doctor.doctor)
app.command("migrate")(migrate.migrate)
app.command("completion")(completion.completion)
not_yet.add_to(app)


@app.command()
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
