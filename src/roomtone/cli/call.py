"""`roomtone call TARGET`: a robot caller with ears. It tells what it hears, and leaves with 1 when an expectation was not met."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from roomtone.cli.options import AccountOption, JsonOption, TokenOption, UrlOption, connect
from roomtone.errors import UsageError

__all__ = ["call"]

CALLS_MAX = 500


class Codec(StrEnum):
    OPUS = "opus"
    PCMU = "PCMU"
    PCMA = "PCMA"


def call(
    target: Annotated[str, typer.Argument(help="A number or user of the server, or a SIP URI.")],
    caller: Annotated[str, typer.Option("--from", help="Who calls.")] = "robot",
    say: Annotated[str | None, typer.Option("--say", metavar="TEXT", help="Speaks.")] = None,
    tone: Annotated[float | None, typer.Option("--tone", metavar="HZ", min=50, max=20000, help="Hums.")] = None,
    play: Annotated[Path | None, typer.Option("--play", help="Plays a sound file, again and again.")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="Writes what it hears: WAV.")] = None,
    keys: Annotated[
        str,
        typer.Option("--keys", help='Keys to press; w half a second, W a second, ? until keys are listened for: "?1".'),
    ] = "",
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="How long it stays after the answer.")] = 30.0,
    ring: Annotated[float, typer.Option("--ring", min=0.1, help="How long it rings, unanswered, at most.")] = 60.0,
    codec: Annotated[Codec | None, typer.Option("--codec", case_sensitive=False, help="Offers only this one.")] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, max=CALLS_MAX, help="So many calls at once: X-1, X-2 ...")
    ] = 1,
    expect: Annotated[
        list[str] | None,
        typer.Option("--expect", help="answered, hears:HZ, silence, music, digits:12, ended. May be repeated."),
    ] = None,
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """Makes a real SIP call with audio, and tells what it hears."""
    from roomtone.cli.expectations import parse  # noqa: PLC0415
    from roomtone.cli.robot import Orders, bad_target, run  # noqa: PLC0415

    if not target.strip() or any(character.isspace() for character in target):
        raise bad_target(target)
    if sum(given is not None for given in (say, tone, play)) > 1:
        raise UsageError("too_many_sounds", "A robot has one voice.", "Give one of --say, --tone and --play.")
    if play is not None and not play.is_file():
        raise UsageError("no_such_file", f"There is no file {play}.", "Name a WAV, MP3, Ogg Vorbis or FLAC file.")
    if record is not None:
        _check_can_write(record)
    if unknown := set(keys) - set("0123456789*#ABCDwW?"):
        raise UsageError(
            "bad_keys", f"There is no key {''.join(sorted(unknown))}.", "0-9 * # A-D, and w W ? for waiting."
        )
    orders = Orders(
        target=target,
        caller=caller,
        say=say,
        tone_hz=tone,
        play=play,
        record=record,
        keys=keys,
        seconds=seconds,
        ring_s=ring,
        codecs=(codec.value,) if codec else ("PCMU", "PCMA", "opus"),
        count=count,
        expectations=[parse(text) for text in expect or []],
    )
    raise typer.Exit(run(orders, connect(url, account, token), json_=json_))


def _check_can_write(path: Path) -> None:
    """UsageError: better than after the call."""
    folder = path.parent
    if not folder.is_dir():
        trouble = f"there is no folder {folder}"
    elif path.is_dir():
        trouble = "it is a folder"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        trouble = "it may not be written to"
    else:
        return
    raise UsageError("cannot_record", f"{path} cannot be recorded to: {trouble}.", "Name another file with --record.")
