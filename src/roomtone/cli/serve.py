"""`roomtone serve`: the server for production."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from roomtone.cli.options import ConfigOption, DataOption, HttpOption, JsonOption, SipOption

if TYPE_CHECKING:
    from roomtone.settings.load import Layer
    from roomtone.settings.model import Settings

__all__ = ["flags_layer", "serve"]


def serve(
    config: ConfigOption = None,
    data: DataOption = None,
    http: HttpOption = None,
    sip: SipOption = None,
    json_: JsonOption = False,  # noqa: ARG001  # for its errors (`cli.main`); the log is JSON anyway
) -> None:
    """Serves until it is told to stop: SIGTERM drains, a second SIGINT leaves at once."""
    import structlog  # noqa: PLC0415

    from roomtone import log  # noqa: PLC0415
    from roomtone.cli.running import Run  # noqa: PLC0415
    from roomtone.settings.load import load  # noqa: PLC0415

    folder = Path.cwd()

    def read() -> Settings:
        loaded = load(config=config, flags=flags_layer(data, http, sip, folder), environment=os.environ, folder=folder)
        log.configure(text=False)
        logger = structlog.get_logger("roomtone.settings")
        logger.info("settings.read", file=str(loaded.file) if loaded.file else None)
        for notice in loaded.notices:
            logger.warning("settings.notice", reason=notice)
        return loaded.settings

    raise typer.Exit(Run(read, identities="file").run(lambda _info: None))


def flags_layer(data: Path | None, http: str | None, sip: str | None, folder: Path) -> Layer:
    """Flags as settings, the strongest of all."""
    from roomtone.settings.load import Layer  # noqa: PLC0415

    given = {
        "server.data": (str(data) if data else None, "--data"),
        "server.http": (http, "--http"),
        "sip.udp": (sip, "--sip"),
        "sip.tcp": (sip, "--sip"),
    }
    values: dict[str, dict[str, str]] = {}
    origins = {}
    for name, (value, flag) in given.items():
        if value is not None:
            section, _, key = name.partition(".")
            values.setdefault(section, {})[key] = value
            origins[name] = flag
    return Layer(values, origins, folder)
