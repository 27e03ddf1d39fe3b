"""The settings of `roomtone dev`: everything on loopback, one account that is always the same, nothing kept.

File and environment hold here too, but for `server.data` (in memory unless `--data`) and the accounts: the dev identity is the only one. It exists only in
`dev`, whose token everybody knows; so a dev server binds to loopback, unless `--token` makes its token a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roomtone.errors import SettingsError
from roomtone.settings.identity import ACCOUNT_SID, NUMBER, PLIVO_AUTH_ID, PROJECT_ID, TOKEN, WORD
from roomtone.settings.load import Layer, Loaded, environment_layer, file_layer, find_file, load_layers
from roomtone.settings.model import Account

__all__ = ["DevOptions", "dev_settings"]

_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """What the command line of `dev` asks for. `app_url` is already that of the demo application when none was given."""

    app_url: str
    dialect: str = "twilio"
    number: str = NUMBER
    token: str = TOKEN
    data: Path | None = None
    http: str | None = None
    sip: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)


def dev_settings(options: DevOptions, *, environment: Mapping[str, str], folder: Path) -> Loaded:
    """Settings of `dev`. SettingsError."""
    file = find_file(None, environment, folder)
    layers = [_defaults(options)]
    if file is not None:
        layers.append(_without_identity(file_layer(file), options))
    layers += [environment_layer(environment, folder), _identity_and_flags(options, layers, folder)]
    loaded = load_layers(layers, file)
    if options.token == TOKEN:
        _check_loopback(loaded)
    return loaded


def _defaults(options: DevOptions) -> Layer:
    return Layer(
        {
            "server": {"drain_seconds": 0, "admin_token": options.token},
            "sip": {"public": True},
            "webhooks": {"allow_networks": _PRIVATE_NETWORKS, "capture": "full", "show_digits": True},
        }
    )


def _without_identity(layer: Layer, options: DevOptions) -> Layer:
    """The file without its accounts, and without numbers of theirs or of ours."""
    ours = {options.number.removeprefix("+"), WORD}
    numbers = [
        entry
        for entry in layer.values.get("numbers", [])
        if not isinstance(entry, dict)
        or (
            entry.get("account", "") in ("", ACCOUNT_SID) and str(entry.get("number", "")).removeprefix("+") not in ours
        )
    ]
    kept = {name: value for name, value in layer.values.items() if name not in ("accounts", "numbers")}
    return Layer(kept | ({"numbers": numbers} if numbers else {}), layer.origins, layer.folder)


def _identity_and_flags(options: DevOptions, layers: list[Layer], folder: Path) -> Layer:
    own: list[dict[str, Any]] = [
        {"number": number, "dialect": options.dialect, "voice_url": options.app_url}
        for number in dict.fromkeys((options.number, WORD))
    ]
    account = Account(
        sid=ACCOUNT_SID, token=options.token, project_id=PROJECT_ID, auth_id=PLIVO_AUTH_ID, name="Development"
    )
    values: dict[str, Any] = {
        "server": {"data": str(options.data) if options.data else None},
        "accounts": [account],
        "numbers": [*own, *(entry for layer in layers for entry in layer.values.get("numbers", []))],
    }
    origins = {}
    if options.http:
        values["server"]["http"] = options.http
        origins["server.http"] = "--http"
    if options.sip:
        values["sip"] = {"udp": options.sip, "tcp": options.sip}
        origins |= {"sip.udp": "--sip", "sip.tcp": "--sip"}
    if options.map:
        values["webhooks"] = {"map": dict(options.map)}
        origins["webhooks.map"] = "--map"
    return Layer(values, origins, folder)


def _check_loopback(loaded: Loaded) -> None:
    server, sip = loaded.settings.server, loaded.settings.sip
    addresses = {"server.http": server.http, "server.admin": server.admin, "sip.udp": sip.udp, "sip.tcp": sip.tcp}
    for setting, address in addresses.items():
        if address is not None and not address.is_loopback:
            raise SettingsError(
                setting,
                f"{address} can be reached from outside, and everybody knows the token of `dev`",
                "Use 127.0.0.1, or give `dev` a token of its own with --token.",
            )
