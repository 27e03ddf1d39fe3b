"""`roomtone config check` and `config show`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from roomtone.cli.help import Group
from roomtone.cli.options import ConfigOption, JsonOption
from roomtone.cli.output import print_json, print_note
from roomtone.errors import SettingsError

if TYPE_CHECKING:
    from roomtone.settings.load import Loaded

__all__ = ["app"]

app = typer.Typer(
    cls=Group, help="The settings.", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)

_SECRETS = ("token", "password", "signing_key", "admin_token")
_PASSWORD = re.compile(r"(://[^/@:\s]*:)[^/@\s]+@")
"""In a URL: of a database, or of an application that wants Basic authentication."""


@app.command("check")
def check(config: ConfigOption = None, json_: JsonOption = False) -> None:
    """Reads the settings as `serve` would, and says everything that is wrong. Leaves with 2 then."""
    try:
        loaded = _load(config)
    except SettingsError as error:
        faults = [error, *error.others]
        if json_:
            print_json(error.as_json() | {"faults": [fault.as_json()["error"] for fault in faults]})
        else:
            for fault in faults:
                print_note(f"roomtone: {fault.as_text()}")
        raise typer.Exit(error.exit_code) from None
    if json_:
        print_json({"file": str(loaded.file) if loaded.file else None, "notices": list(loaded.notices)})
        return
    for notice in loaded.notices:
        print_note(f"roomtone: warning: {notice}")
    print(f"{loaded.file or 'No settings file'}: the settings are good.")


@app.command("show")
def show(config: ConfigOption = None, json_: JsonOption = False) -> None:
    """Every setting with its value and where it comes from. Secrets are masked."""
    loaded = _load(config)
    values = _shown(loaded.settings.model_dump(mode="json", by_alias=True))
    if json_:
        print_json(values)
        return
    print(f"# {loaded.file or 'no settings file'}")
    for section, content in values.items():
        for table in content if isinstance(content, list) else [content]:
            print(f"\n[[{section}]]" if isinstance(content, list) else f"\n[{section}]")
            for name, value in table.items():
                print(_line(name, value, loaded.origins.get(f"{section}.{name}")))


def _load(config: Path | None) -> Loaded:
    from roomtone.settings.load import Layer, load  # noqa: PLC0415

    return load(config=config, flags=Layer({}), environment=os.environ, folder=Path.cwd())


def _shown(values: Any, name: str = "") -> Any:
    if isinstance(values, Mapping):
        return {key: _shown(value, key) for key, value in values.items()}
    if isinstance(values, list):
        if name in ("http", "admin", "udp", "tcp", "tls") and len(values) == 2:
            host, port = values
            return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
        return [_shown(value) for value in values]
    if name in _SECRETS and values:
        return "***"
    if isinstance(values, str):
        return _PASSWORD.sub(r"\1***@", values)
    return "" if values is None else values


def _line(name: str, value: Any, origin: str | None) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{json.dumps(key)} = {json.dumps(entry)}" for key, entry in value.items())
        text = f"{{ {pairs} }}" if pairs else "{}"
    return f"{name} = {text}{f'  # {origin}' if origin else ''}"
