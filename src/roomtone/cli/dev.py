"""`roomtone dev`: everything on this machine with one known account, and a view of what happens."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roomtone.cli.options import HttpOption, JsonOption, SipOption
from roomtone.errors import ExitCode, UsageError
from roomtone.settings import identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roomtone.cli.application import Application
    from roomtone.server import ReadyInfo
    from roomtone.settings.dev import DevOptions
    from roomtone.settings.model import Settings

__all__ = ["dev"]


VIEW_END_S_MAX = 2.0


class Dialect(StrEnum):
    TWILIO = "twilio"
    SIGNALWIRE = "signalwire"
    PLIVO = "plivo"


def dev(
    context: typer.Context,
    app_url: Annotated[
        str | None,
        typer.Argument(metavar="[APP_URL]", help="Your application; without it the demo application answers."),
    ] = None,
    dialect: Annotated[Dialect, typer.Option("--dialect", help="How it speaks.")] = Dialect.TWILIO,
    number: Annotated[str, typer.Option("--number", help="The number it answers; also demo.")] = identity.NUMBER,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="PUBLIC=LOCAL", help="Fetch LOCAL where a document says PUBLIC."),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Keep data in this folder; without it in memory.")] = None,
    http: HttpOption = None,
    sip: SipOption = None,
    token: Annotated[
        str, typer.Option("--token", help="Another token than the known one; then not on loopback only.")
    ] = identity.TOKEN,
    json_: JsonOption = False,
) -> None:
    """Starts a server for development. What stands after -- is started too: roomtone dev http://localhost:5000/voice -- flask run"""
    from roomtone.settings.dev import DevOptions  # noqa: PLC0415

    command: list[str] = context.obj or []
    if command and app_url is None:
        raise UsageError(
            "app_url_missing",
            "Where does the application after -- answer?",
            "roomtone dev http://localhost:5000/voice -- CMD",
        )
    application, url = _application(app_url, command)
    ended = threading.Event()
    try:
        options = DevOptions(
            app_url=url,
            dialect=dialect.value,
            number=number,
            token=token,
            data=data,
            http=http,
            sip=sip,
            map=_pairs(map_ or []),
        )
        code = _run(options, application, ended, is_demo=app_url is None, json_=json_)
    finally:
        ended.set()
        if application is not None:
            application.end()
    raise typer.Exit(code)


def _application(app_url: str | None, command: Sequence[str]) -> tuple[Application | None, str]:
    from roomtone.cli.application import Application, demo  # noqa: PLC0415

    if app_url is None:
        return demo()
    return (Application(command) if command else None), _url(app_url)


def _url(text: str) -> str:
    """A URL with its scheme; UsageError for a word, which may be a command that was mistyped."""
    if "://" in text:
        return text
    if re.match(r"(?:\[[0-9a-fA-F:]+\]|[^\s/:]+):\d+(?:/|$)", text):
        return f"http://{text}"
    raise UsageError(
        "bad_url",
        f"{text} is not the URL of an application.",
        "roomtone dev http://localhost:5000/voice, or HOST:PORT/PATH; without a URL the demo application answers.",
    )


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        public, equals, local = text.partition("=")
        if not equals:
            raise UsageError(
                "bad_map", f"{text} is not PUBLIC=LOCAL.", "--map https://app.example.com=http://localhost:5000"
            )
        pairs[public] = local
    return pairs


def _run(
    options: DevOptions, application: Application | None, ended: threading.Event, *, is_demo: bool, json_: bool
) -> ExitCode:
    from roomtone import log  # noqa: PLC0415
    from roomtone.cli.application import watch_over  # noqa: PLC0415
    from roomtone.cli.output import is_live, print_note  # noqa: PLC0415
    from roomtone.cli.running import Run  # noqa: PLC0415
    from roomtone.cli.view import follow_in_thread, restore_terminal  # noqa: PLC0415
    from roomtone.settings.dev import dev_settings  # noqa: PLC0415

    folder = Path.cwd()

    def read() -> Settings:
        loaded = dev_settings(options, environment=os.environ, folder=folder)
        log.configure(text=True, level="warning", colors=is_live(stderr=True))
        if loaded.file:
            print_note(f"roomtone: settings of {loaded.file}")
        for notice in loaded.notices:
            print_note(f"roomtone: warning: {notice}")
        return loaded.settings

    run = Run(read, identities="dev", number=options.number)
    run.at_once.append(restore_terminal)
    if application is not None:
        run.at_once.append(application.kill)
        run.before_ready = lambda: application.start(_mapped(options), lambda: run.is_stopping)
    views: list[threading.Thread] = []

    def on_ready(info: ReadyInfo) -> None:
        print_note(_what_to_try(info, options, is_demo=is_demo))
        if application is not None:
            application.when_failed(lambda: run.stop(ExitCode.APPLICATION_FAILED))
        watch_over(_mapped(options), ended)
        views.append(follow_in_thread(info.http, options.token, json_=json_))

    code = run.run(on_ready)
    for view in views:
        view.join(VIEW_END_S_MAX)
    return code


def _mapped(options: DevOptions) -> str:
    """Where the application really is, by --map."""
    from roomtone.webhooks.target import UrlMap  # noqa: PLC0415

    return UrlMap(options.map).apply(options.app_url)


def _what_to_try(info: ReadyInfo, options: DevOptions, *, is_demo: bool) -> str:
    """Commands that work as they stand, also when the ports are not the usual ones."""
    environment = "" if info.http == identity.URL else f"ROOMTONE_URL={info.http} "
    if options.token != identity.TOKEN:
        environment += f"ROOMTONE_TOKEN={options.token} "
    command = f"{environment}{_own_name()}"
    lines = [
        f"Calls to {options.number} and demo are answered by {'the demo application' if is_demo else options.app_url}."
    ]
    if is_demo:
        lines += [
            "In three other terminals: a listener, a speaker and a moderator.",
            f'  {command} call demo --from anna --keys "?1" --seconds 300',
            f'  {command} call demo --from ben --keys "?2" --tone 500 --seconds 300',
            f'  {command} call demo --from carla --keys "?3" --tone 700 --seconds 30',
            "When the moderator hangs up, after 30 seconds, the others hear the end of the conference.",
            f"Who hears whom: {command} room moderated",
        ]
    else:
        lines.append(f"Call it: {command} call demo --tone 500")
    lines.append(f"Softphones: {info.sip.replace('sip:', 'sip:demo@', 1)}")
    return "\n".join(lines)


def _own_name() -> str:
    """What starts this program in the terminal beside: its name where it is in the path, else the file that was started."""
    if shutil.which("roomtone"):
        return "roomtone"
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{sys.executable} -m roomtone"
    try:
        return str(started.relative_to(Path.cwd()))
    except ValueError:
        return str(started)
