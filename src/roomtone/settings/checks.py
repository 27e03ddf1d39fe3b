"""What one setting means for another: contradictions that would only show later, and settings that are known and have no effect yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from roomtone.errors import SettingsError
from roomtone.settings.model import Settings
from roomtone.settings.values import Address

__all__ = ["NO_EFFECT_YET", "check", "notices", "with_accounts"]

_ANY_HOST = ("0.0.0.0", "::", "*")

NO_EFFECT_YET = (
    "server.public_url",
    "server.admin",
    "server.database",
    "tls",
    "sip.tls",
    "sip.domain",
    "rooms.agc",
    "rooms.noise_suppression",
    "recordings",
    "users",
)
"""Settings, or whole sections, that nothing stands behind yet; the start says so when one is given."""


def with_accounts(settings: Settings) -> Settings:
    """Fills in the account of numbers, users and trunks that leave it out, when there is one to mean. SettingsError when there are several."""
    accounts = settings.accounts
    changed = {}
    for section in ("numbers", "users", "trunks"):
        entries = getattr(settings, section)
        if len(accounts) == 1:
            entries = tuple(e if e.account else e.model_copy(update={"account": accounts[0].sid}) for e in entries)
        elif len(accounts) > 1 and section != "trunks":
            for entry in entries:
                if not entry.account:
                    name = getattr(entry, "number", None) or entry.name
                    raise SettingsError(
                        f"{section}.account",
                        f"is missing for {name}, and there are {len(accounts)} accounts",
                        "Write the sid of the account that it belongs to.",
                    )
        changed[section] = entries
    return settings.model_copy(update=changed)


def check(settings: Settings) -> None:
    """SettingsError for the first contradiction."""
    _check_identity(settings)
    _check_ports(settings)
    if bool(settings.tls.certificate) != bool(settings.tls.key):
        missing = "key" if settings.tls.certificate else "certificate"
        raise SettingsError(f"tls.{missing}", "is missing, and the other half is given", "Give both, or none.")
    if settings.webhooks.connect_timeout > settings.webhooks.total_timeout:
        raise SettingsError(
            "webhooks.connect_timeout",
            f"{settings.webhooks.connect_timeout:g} s is longer than webhooks.total_timeout "
            f"({settings.webhooks.total_timeout:g} s), of which it is a part",
            "Make it shorter, or the total longer.",
        )
    for trunk in settings.trunks:
        if not trunk.uri and not trunk.uris:
            raise SettingsError("trunks.uri", f"is missing for the trunk {trunk.name}", 'uri = "sip:HOST:PORT".')


def _check_identity(settings: Settings) -> None:
    sids = [account.sid for account in settings.accounts]
    for sid in sids:
        if sids.count(sid) > 1:
            raise SettingsError("accounts.sid", f"{sid} is there twice", "Every account has a sid of its own.")
    seen: dict[str, str] = {}
    for entry in settings.numbers:
        plain = entry.number.removeprefix("+")
        if plain in seen:
            raise SettingsError(
                "numbers.number",
                f"{entry.number} and {seen[plain]} are the same address",
                "Keep one of the two: a call to either spelling reaches it.",
            )
        seen[plain] = entry.number
    _check_names_and_owners(settings, sids)


def _check_names_and_owners(settings: Settings, sids: list[str]) -> None:
    for section in ("users", "trunks"):
        names = [entry.name for entry in getattr(settings, section)]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise SettingsError(f"{section}.name", f"{twice} is there twice", "Give one of them another name.")
    for section in ("numbers", "users", "trunks"):
        for entry in getattr(settings, section):
            if sids and entry.account and entry.account not in sids:
                name = entry.number if section == "numbers" else entry.name
                raise SettingsError(
                    f"{section}.account",
                    f"{entry.account} of {name} is no account of this file",
                    "Add an [[accounts]] entry with that sid, or correct it.",
                )


def _check_ports(settings: Settings) -> None:
    server, sip = settings.server, settings.sip
    if sip.udp is None and sip.tcp is None and sip.tls is None:
        raise SettingsError("sip.udp", "is empty, and so are sip.tcp and sip.tls", "Phones need one address at least.")
    streams = {"server.http": server.http, "server.admin": server.admin, "sip.tcp": sip.tcp, "sip.tls": sip.tls}
    for (one, first), (other, second) in combinations(streams.items(), 2):
        if first is not None and second is not None and _clash(first, second):
            raise SettingsError(one, f"{first} is also the address of {other}", "Give one of them another port.")
    low, high = sip.rtp_ports
    for name, address in (("sip.udp", sip.udp),):
        if address is not None and address.port and low <= address.port <= high + 1 and low:
            raise SettingsError(
                "sip.rtp_ports", f"the port of {name} ({address.port}) lies within {low} to {high}", "Move one of them."
            )


def _clash(one: Address, other: Address) -> bool:
    same_host = one.host == other.host or one.host in _ANY_HOST or other.host in _ANY_HOST
    return same_host and one.port == other.port != 0


def notices(settings: Settings, origins: Mapping[str, str]) -> Iterator[str]:
    """What the start should say about settings that are fine and do not do what their author may think."""
    for name in NO_EFFECT_YET:
        section, _, key = name.partition(".")
        given = [entry for entry in origins if entry == name or (not key and entry.startswith(f"{name}."))]
        if given and getattr(settings, section) != type(settings).model_fields[section].get_default(
            call_default_factory=True
        ):
            yield f"{name} ({origins[given[0]]}) is known, and has no effect yet"
    if settings.trunks:
        yield "trunks: only allow_from has an effect yet"
    for entry in settings.numbers:
        if entry.dialect != "twilio" or entry.version != "2010-04-01":
            yield f"numbers: {entry.dialect} {entry.version} is not spoken yet; calls to {entry.number} are refused"
        if entry.status_callback:
            yield f"numbers.status_callback of {entry.number} is known, and has no effect yet"
    low, high = settings.sip.rtp_ports
    calls_max = (high - low) // 2 + 1
    if low and calls_max < settings.limits.calls:
        yield f"sip.rtp_ports has room for {calls_max} calls, fewer than limits.calls ({settings.limits.calls})"
