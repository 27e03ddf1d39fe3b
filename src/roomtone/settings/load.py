"""Reads the settings: file, environment, flags, in this order of strength, and one sentence for the first thing that is wrong.

Each source is a `Layer`: nested values, where they came from, and the folder that its relative paths start from. A secret `x` may stand in a file that
`x_file` names. Environment names without `__` are not settings (container platforms invent `ROOMTONE_PORT` and the like); with it, an unknown one is an error.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from roomtone.errors import SettingsError
from roomtone.settings.checks import check, notices, with_accounts
from roomtone.settings.faults import settings_errors
from roomtone.settings.model import Settings

__all__ = ["Layer", "Loaded", "environment_layer", "file_layer", "find_file", "load", "load_layers"]

SYSTEM_FILE = Path("/etc/roomtone/roomtone.toml")
FILE_BYTES_MAX = 1 << 20
_SECRETS = {
    "server": ("admin_token",),
    "accounts": ("token", "signing_key"),
    "users": ("password",),
    "trunks": ("password",),
}
_PATHS = {"server": ("data",), "tls": ("certificate", "key"), "recordings": ("storage",)}


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings. `origins`: name of a setting -> where it was given, for error messages and `config show`."""

    values: dict[str, Any]
    origins: dict[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings that hold, the file that was used, and what its author should know."""

    settings: Settings
    file: Path | None
    notices: tuple[str, ...]
    origins: Mapping[str, str]


def load(*, config: Path | None, flags: Layer, environment: Mapping[str, str], folder: Path) -> Loaded:
    """Settings of `serve` and `config`. `folder` is the current one. SettingsError."""
    file = find_file(config, environment, folder)
    layers = ([file_layer(file)] if file else []) + [environment_layer(environment, folder), flags]
    return load_layers(layers, file)


def load_layers(layers: list[Layer], file: Path | None) -> Loaded:
    """Merges, later layers winning, validates and checks. SettingsError."""
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        _merge(merged, _resolved(layer))
        origins |= layer.origins
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        first, *others = settings_errors(error, origins, merged)
        first.others = tuple(others)
        raise first from None
    settings = with_accounts(settings)
    check(settings)
    return Loaded(settings, file, tuple(notices(settings, origins)), origins)


def find_file(config: Path | None, environment: Mapping[str, str], folder: Path) -> Path | None:
    """--config, else $ROOMTONE_CONFIG, else ./roomtone.toml, else /etc. A file that is named must exist."""
    named = config or (Path(environment["ROOMTONE_CONFIG"]) if environment.get("ROOMTONE_CONFIG") else None)
    if named is not None:
        path = folder / named.expanduser()
        if not path.is_file():
            way = "--config" if config else "ROOMTONE_CONFIG"
            raise SettingsError(way, f"there is no file {named}", "Name an existing file, or leave it out.")
        return path
    for path in (folder / "roomtone.toml", SYSTEM_FILE):
        if path.is_file():
            return path
    return None


def file_layer(path: Path) -> Layer:
    """A TOML file. SettingsError when it cannot be read or parsed."""
    try:
        text = path.read_bytes()[:FILE_BYTES_MAX].decode()
        values = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(str(path), f"cannot be read ({error.strerror})", "Check who may read it.") from None
    except UnicodeDecodeError:
        raise SettingsError(str(path), "is not UTF-8 text", "Settings are a TOML file.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(path), f"is not TOML: {error}", "Texts stand in quotes; lists in [ ].") from None
    origins = {}
    for section, content in values.items():
        origins[section] = str(path)
        if isinstance(content, dict):
            origins |= {f"{section}.{name}": str(path) for name in content}
    return Layer(values, origins, path.parent.resolve())


def environment_layer(environment: Mapping[str, str], folder: Path) -> Layer:
    """`ROOMTONE_SERVER__HTTP=…`; lists and tables as JSON."""
    values: dict[str, Any] = {}
    origins = {}
    for name, text in sorted(environment.items()):
        if not name.startswith("ROOMTONE_") or "__" not in name:
            continue
        section, _, key = name.removeprefix("ROOMTONE_").lower().partition("__")
        value: Any = text
        if text.lstrip().startswith(("[", "{")):
            try:
                value = json.loads(text)
            except ValueError as error:
                raise SettingsError(name, f"is not JSON: {error}", 'Lists are written as in ["a", "b"].') from None
        values.setdefault(section, {})[key] = value
        origins[f"{section}.{key}"] = f"environment variable {name}"
        origins.setdefault(section, f"environment variable {name}")
    return Layer(values, origins, folder)


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = dict(value) if isinstance(value, dict) else value


def _resolved(layer: Layer) -> dict[str, Any]:
    """The layer's values with secrets read from their files and paths made absolute."""
    resolved = dict(layer.values)
    for section in (*_SECRETS, *_PATHS):
        content = resolved.get(section)
        if isinstance(content, dict):
            resolved[section] = _resolved_table(section, content, layer)
        elif isinstance(content, list):
            resolved[section] = [
                _resolved_table(section, entry, layer) if isinstance(entry, dict) else entry for entry in content
            ]
    return resolved


def _resolved_table(section: str, table: dict[str, Any], layer: Layer) -> dict[str, Any]:
    resolved = dict(table)
    for name in _SECRETS.get(section, ()):
        file_name = resolved.pop(f"{name}_file", None)
        if file_name is None or file_name == "":
            continue
        setting = f"{section}.{name}_file"
        if resolved.get(name):
            raise SettingsError(setting, f"is given, and {name} too", "Keep one of the two.")
        resolved[name] = _secret(setting, layer.folder / Path(str(file_name)).expanduser())
    for name in _PATHS.get(section, ()):
        value = resolved.get(name)
        if isinstance(value, str) and value and "://" not in value:
            path = layer.folder / Path(value).expanduser()
            resolved[name] = path if name == "data" else str(path)
    return resolved


def _secret(setting: str, path: Path) -> str:
    try:
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text"
        raise SettingsError(
            setting, f"cannot read {path} ({reason})", "Name a readable file with the secret."
        ) from None
    if not secret:
        raise SettingsError(setting, f"{path} is empty", "Write the secret into it.")
    return secret
