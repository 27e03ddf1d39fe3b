"""`roomtone doctor`: what of the surroundings would stop a server here, and how to mend it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from roomtone.cli import open_files
from roomtone.cli.options import ConfigOption, DataOption, HttpOption, JsonOption, SipOption, connect
from roomtone.cli.output import console, print_json
from roomtone.clock import LiveClock
from roomtone.errors import ExitCode, RoomtoneError, ServerUnreachableError, SettingsError

if TYPE_CHECKING:
    from roomtone.settings.model import Settings
    from roomtone.settings.values import Address

__all__ = ["doctor"]

DISK_FREE_BYTES_MIN = 500 * 1024 * 1024
BUILT_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock that is before this is wrong."""

RTP_PORTS_TRIED = 8

Verdict = Literal["good", "warning", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` is empty when it is good."""

    name: str
    verdict: Verdict
    message: str
    remedy: str = ""


def doctor(
    config: ConfigOption = None,
    data: DataOption = None,
    http: HttpOption = None,
    sip: SipOption = None,
    json_: JsonOption = False,
) -> None:
    """Looks at ports, addresses, clock, disk and limits. Leaves with 1 when something would stop the server."""
    findings = list(_examine(config, data, http, sip))
    worst = ExitCode.CHECK_FAILED if any(finding.verdict == "bad" for finding in findings) else ExitCode.DONE
    if json_:
        print_json({"findings": [asdict(finding) for finding in findings]})
        raise typer.Exit(worst)
    out = console()
    signs = {"good": ("✓", "green"), "warning": ("!", "yellow"), "bad": ("✗", "red")}
    for finding in findings:
        sign, style = signs[finding.verdict]
        out.print(f"{sign} {finding.name}: {finding.message}", style=style, soft_wrap=True)
        if finding.remedy:
            out.print(f"  {finding.remedy}", soft_wrap=True)
    raise typer.Exit(worst)


def _examine(config: Path | None, data: Path | None, http: str | None, sip: str | None) -> Iterator[Finding]:
    from roomtone.cli.serve import flags_layer  # noqa: PLC0415
    from roomtone.settings.load import load  # noqa: PLC0415

    yield _core()
    folder = Path.cwd()
    try:
        loaded = load(config=config, flags=flags_layer(data, http, sip, folder), environment=os.environ, folder=folder)
    except SettingsError as error:
        yield Finding("settings", "bad", error.message, error.remedy)
        return
    yield Finding("settings", "good", f"{loaded.file or 'defaults, without a file'}")
    for notice in loaded.notices:
        yield Finding("settings", "warning", notice, "Nothing needs to be done, if that is known.")
    settings = loaded.settings
    yield from _ports(settings)
    yield from _addresses(settings)
    yield _clock()
    yield from _disk(settings)
    yield _files(settings)
    yield from _applications(settings)


def _core() -> Finding:
    try:
        import roomtone.media  # noqa: F401, PLC0415
    except RoomtoneError as error:
        return Finding("media core", "bad", error.message, error.remedy)
    return Finding("media core", "good", f"loaded; Python {sys.version.split()[0]}")


def _ports(settings: Settings) -> Iterator[Finding]:
    sip = settings.sip
    is_ours_running = _error(settings.server.http, socket.SOCK_STREAM) is not None and _is_roomtone(settings)
    yield _port("server.http", settings.server.http, socket.SOCK_STREAM, is_ours_running)
    if sip.udp is not None:
        yield _port("sip.udp", sip.udp, socket.SOCK_DGRAM, is_ours_running)
    if sip.tcp is not None:
        yield _port("sip.tcp", sip.tcp, socket.SOCK_STREAM, is_ours_running)
    low, high = sip.rtp_ports
    if not low:
        yield Finding("sip.rtp_ports", "good", "any free ports")
        return
    host = sip.udp.host if sip.udp else ""
    tried = range(low, min(high + 1, low + 2 * RTP_PORTS_TRIED), 2)
    taken = [port for port in tried if _error_of_binding(host, port, socket.SOCK_DGRAM)]
    if len(taken) == len(tried) and not is_ours_running:
        yield Finding("sip.rtp_ports", "bad", f"{low} to {tried[-1]} are all in use", "Name another range.")
    else:
        yield Finding("sip.rtp_ports", "good", f"{low} to {high}")


def _port(setting: str, address: Address, kind: socket.SocketKind, is_ours_running: bool) -> Finding:
    error = _error(address, kind)
    if error is None:
        return Finding(setting, "good", f"{address} is free")
    if is_ours_running:
        whose = "by a Roomtone server" if setting == "server.http" else "most likely by the same server"
        return Finding(
            setting, "warning", f"{address} is in use, {whose}", "Stop it before you start another one here."
        )
    return Finding(setting, "bad", f"{address}: {error}", "Stop what uses it, or name another address.")


def _is_roomtone(settings: Settings) -> bool:
    """Whether what answers at our HTTP address is a server like this one. It need not let us in: its refusal has the shape of ours."""
    address = settings.server.http
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)
    client = connect(f"http://{f'[{host}]' if ':' in host else host}:{address.port}", "", "")
    try:
        client.get("/server")
    except ServerUnreachableError:
        return False
    except RoomtoneError:
        return True
    return True


def _error(address: Address, kind: socket.SocketKind) -> str | None:
    return _error_of_binding(address.host, address.port, kind)


def _error_of_binding(host: str, port: int, kind: socket.SocketKind) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def _addresses(settings: Settings) -> Iterator[Finding]:
    addresses = [address for address in (settings.sip.udp, settings.sip.tcp) if address is not None]
    if all(address.is_loopback for address in addresses):
        yield Finding(
            "addresses",
            "warning",
            "only phones on this machine can call",
            'For others: sip.udp = "0.0.0.0:5060", and sip.advertise where there is NAT.',
        )
    elif settings.sip.advertise:
        yield from _advertised(settings.sip.advertise)
    else:
        yield Finding(
            "addresses", "good", "phones are told the address that reaches them; behind NAT, set sip.advertise"
        )


def _advertised(name: str) -> Iterator[Finding]:
    try:
        socket.getaddrinfo(name, None)
    except OSError as error:
        yield Finding("sip.advertise", "bad", f"{name} cannot be resolved ({error})", "Name an address.")
    else:
        yield Finding("sip.advertise", "good", name)


def _clock() -> Finding:
    now = LiveClock().wall()
    if now < BUILT_AT:
        return Finding("clock", "bad", f"{now:%Y-%m-%d} is in the past", "Set the clock; let a time service keep it.")
    return Finding("clock", "good", f"{now:%Y-%m-%d %H:%M} UTC")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.server.data
    if folder is None:
        return
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding("server.data", "bad", f"{existing} cannot be written to", "Name a folder of this user: --data.")
        return
    free = shutil.disk_usage(existing).free
    text = f"{folder}{'' if existing == folder else ' (made at the first start)'}, {free // 1024**2} MB free"
    if free < DISK_FREE_BYTES_MIN:
        yield Finding("server.data", "warning", text, "Make room, or name a folder on another disk.")
    else:
        yield Finding("server.data", "good", text)


def _files(settings: Settings) -> Finding:
    allowed, needed = open_files.allowed(), open_files.needed(settings)
    if allowed >= needed:
        return Finding("open files", "good", f"{needed} needed, and allowed when the server asks for them")
    calls = max((allowed - open_files.FILES_BESIDES) // open_files.FILES_PER_CALL, 0)
    message = f"{allowed} allowed at most: enough for {calls} calls, not for limits.calls"
    return Finding("open files", "warning", message, f"LimitNOFILE={needed} in the systemd unit, or limits.conf")


def _applications(settings: Settings) -> Iterator[Finding]:
    from roomtone.cli.application import answers  # noqa: PLC0415

    checked: Callable[[str], bool] = answers
    for url in dict.fromkeys(entry.voice_url for entry in settings.numbers):
        refusal = _refusal(url, settings)
        if refusal:
            yield Finding("application", "bad", f"{url} would not be asked: {refusal}", "Every call there would fail.")
        elif checked(url):
            yield Finding("application", "good", f"something answers at {url}")
        else:
            yield Finding("application", "warning", f"nothing answers at {url}", "Start it before the first call.")


def _refusal(url: str, settings: Settings) -> str:
    """Why the server would not ask there: what the guard says of every address that the name has. Empty: it would, or the name is unknown."""
    from urllib.parse import urlsplit  # noqa: PLC0415

    from roomtone.webhooks.guard import AddressRefusedError, Guard  # noqa: PLC0415
    from roomtone.webhooks.target import UrlMap  # noqa: PLC0415

    guard = Guard((str(network) for network in settings.webhooks.allow_networks), settings.named_urls())
    where = UrlMap(settings.webhooks.map).apply(url)
    try:
        parts = urlsplit(where)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        resolved = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError:
        return ""
    refusals = []
    for *_, address in resolved:
        try:
            guard.check(str(address[0]), port)
        except AddressRefusedError as refusal:
            refusals.append(str(refusal))
    return refusals[0] if len(refusals) == len(resolved) else ""
