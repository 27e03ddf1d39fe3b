"""From what pydantic says about a value to what a user can act on: the setting's name as in the file, what is wrong, where it was given, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from roomtone.errors import SettingsError
from roomtone.settings.model import Settings

__all__ = ["known_names", "settings_errors"]

_SEE = "`roomtone config show` lists every setting."


def known_names() -> Iterator[str]:
    """`server.http`, `numbers.voice_url` ..., in the order of the reference."""
    for section, content in Settings.model_fields.items():
        model = content.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            (model, *_) = get_args(model)
        for name, setting in model.model_fields.items():
            yield f"{section}.{setting.alias or name}"


def settings_errors(
    error: ValidationError, origins: Mapping[str, str], values: Mapping[str, Any]
) -> list[SettingsError]:
    """All that is wrong, unknown names first (they explain what is missing)."""
    details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
    return [_settings_error(detail, origins, values) for detail in details]


def _settings_error(detail: ErrorDetails, origins: Mapping[str, str], values: Mapping[str, Any]) -> SettingsError:
    place = [part for part in detail["loc"] if not (isinstance(part, str) and part.startswith("["))]
    names = [part for part in place if isinstance(part, str)][:2]
    setting = ".".join(names)
    entry = _entry(place, values)
    origin = origins.get(setting) or origins.get(names[0], "")
    where = f" ({entry + ', ' if entry else ''}{origin})" if origin else f" ({entry})" if entry else ""
    match detail["type"]:
        case "extra_forbidden":
            return SettingsError(setting, f"there is no such setting{where}", _nearest(setting))
        case "missing" if isinstance(place[-1], int):
            return SettingsError(setting, f"has too few values{where}", _remedy(setting, origin))
        case "missing":
            return SettingsError(setting, f"is missing{where}", _MISSING.get(setting, "Write it into that section."))
        case "value_error":
            return SettingsError(setting, f"{detail['ctx']['error']}{where}", _remedy(setting, origin))
        case "tuple_type" | "list_type" | "dict_type" | "model_type" | "model_attributes_type":
            kind = "a list" if detail["type"] in ("tuple_type", "list_type") else "a table"
            return SettingsError(setting, f"expects {kind}{where}", "In the environment, lists and tables are JSON.")
        case _:
            message = detail["msg"].replace("Input should be", "should be").replace("String should", "should")
            return SettingsError(setting, f"{message[0].lower()}{message[1:]}{where}", _remedy(setting, origin))


_MISSING = {
    "numbers.voice_url": 'Every number needs the URL of its application: voice_url = "http://localhost:5000/voice".',
    "accounts.token": 'Give the account a secret: token = "…", or token_file = "…".',
}


def _entry(place: list[Any], values: Mapping[str, Any]) -> str:
    """Which entry of a list is meant, in the words of the file: `[[numbers]] +15550100`."""
    if len(place) < 2 or not isinstance(place[1], int):
        return ""
    section, index = str(place[0]), place[1]
    entry = values[section][index]
    name = next((entry[key] for key in ("number", "sid", "name") if isinstance(entry, dict) and entry.get(key)), None)
    return f"[[{section}]] {name if name is not None else f'entry {index + 1}'}"


def _nearest(setting: str) -> str:
    known = list(known_names())
    sections = list(Settings.model_fields)
    if "." not in setting:
        close = difflib.get_close_matches(setting, sections, 1, 0.5)
        return f"Did you mean [{close[0]}]? {_SEE}" if close else f"Sections are {', '.join(sections)}."
    section, _, name = setting.partition(".")
    names = [entry.partition(".")[2] for entry in known if entry.startswith(f"{section}.")]
    if close := difflib.get_close_matches(name, names, 1, 0.6):
        return f"Did you mean {section}.{close[0]}? {_SEE}"
    if elsewhere := [entry for entry in known if entry.endswith(f".{name}")]:
        return f"Did you mean {elsewhere[0]}? {_SEE}"
    close = difflib.get_close_matches(setting, known, 1, 0.0)
    return f"The nearest known one is {close[0]}. {_SEE}"


def _remedy(setting: str, origin: str) -> str:
    return f"Correct {setting}{' in ' + origin if origin and not origin.startswith('--') else ''}."
