"""`roomtone migrate`: brings the database to this version's tables without starting the server. A start does it too."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from roomtone.cli.options import ConfigOption, DataOption, JsonOption
from roomtone.cli.output import print_json, print_note

__all__ = ["migrate"]


def migrate(config: ConfigOption = None, data: DataOption = None, json_: JsonOption = False) -> None:
    """Brings the database to this version's tables. A start of the server does it too."""
    from roomtone.cli.serve import flags_layer  # noqa: PLC0415
    from roomtone.clock import LiveClock  # noqa: PLC0415
    from roomtone.settings.load import load  # noqa: PLC0415
    from roomtone.store.database import FILE_NAME, Database  # noqa: PLC0415

    folder = Path.cwd()
    loaded = load(config=config, flags=flags_layer(data, None, None, folder), environment=os.environ, folder=folder)
    where = loaded.settings.server.data
    if where is None or (data is None and not (where / FILE_NAME).exists()):
        print_note(f"roomtone: there is no database in {where or 'memory'} yet; the server makes one when it starts")
        return

    async def open_and_close() -> None:
        await (await Database.open(where, LiveClock())).close()

    asyncio.run(open_and_close())
    if json_:
        print_json({"data": str(loaded.settings.server.data)})
    else:
        print_note(f"roomtone: the database in {where} is up to date")
