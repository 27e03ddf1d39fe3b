"""Every setting there is, with its default: one class a section of the file.

A setting is known from the day it is in the reference, also when nothing stands behind it yet (`checks.py` lists those). Reading and merging of the sources
is `load.py`; here is only what a value may be. `None` in place of an address means: not opened.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from roomtone.settings.values import (
    AccountSid,
    Endpoint,
    HttpUrl,
    Method,
    Network,
    Number,
    OptionalEndpoint,
    OptionalSipEndpoint,
    OptionalUrl,
)

__all__ = [
    "Account",
    "Limits",
    "NumberEntry",
    "Recordings",
    "Rooms",
    "Server",
    "Settings",
    "Sip",
    "Tls",
    "Trunk",
    "User",
    "Webhooks",
]

Seconds = Annotated[float, Field(gt=0, le=3600)]
Port = Annotated[int, Field(ge=0, le=65535)]


class _Section(BaseModel):
    """An unknown name in it is an error. Secrets in files and relative paths are resolved before (`load.py`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(_Section):
    """What the process keeps, its HTTP port, its threads, and how long rooms may go on after SIGTERM."""

    data: Path | None = Path("data")  # None: nothing is kept (only `dev`)
    http: Endpoint = Field(default="127.0.0.1:8080", validate_default=True)
    public_url: OptionalUrl = ""
    admin: OptionalEndpoint = None
    admin_token: str = ""
    drain_seconds: Annotated[float, Field(ge=0)] = 1800
    database: str = ""
    synchronous: Literal["normal", "full"] = "normal"  # full: safe against power loss too, one disk flush a commit
    workers: Annotated[int, Field(ge=0, le=256)] = 0  # media threads; 0: one for each core


class Tls(_Section):
    """Paths of one pair for https, wss and sips. No effect yet."""

    certificate: str = ""
    key: str = ""


class Sip(_Section):
    """Where phones call, and the addresses and ports of their audio. `rtp_ports`: lowest and highest even port, two
    ports a call; (0, 0): any free ones.
    """

    udp: OptionalSipEndpoint = Field(default="127.0.0.1:5060", validate_default=True)
    tcp: OptionalSipEndpoint = Field(default="127.0.0.1:5060", validate_default=True)
    tls: OptionalSipEndpoint = None
    domain: str = ""
    advertise: str = ""
    local_networks: tuple[Network, ...] = Field(
        default=("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"), validate_default=True
    )
    rtp_ports: tuple[Port, Port] = (20000, 29998)
    rtp_timeout: Annotated[float, Field(gt=0)] = 60.0  # seconds without a packet until the call ends
    public: bool = False

    @field_validator("rtp_ports")
    @classmethod
    def _even_range(cls, ports: tuple[int, int]) -> tuple[int, int]:
        low, high = ports
        if ports == (0, 0):
            return ports
        if low < 1024 or high < low:
            raise ValueError("expects [lowest, highest] from 1024 up, or [0, 0] for any free ports")
        if low % 2:
            raise ValueError(f"the lowest port must be even (RTP; its RTCP is the next one), not {low}")
        return ports


class Webhooks(_Section):
    """Requests to applications: what they may reach, how long (seconds) and how large (bytes) an answer may be, and
    what is kept of both.
    """

    allow_networks: tuple[Network, ...] = ()
    connect_timeout: Seconds = 5.0
    total_timeout: Seconds = 15.0
    max_document_bytes: Annotated[int, Field(ge=1024)] = 65536
    max_media_bytes: Annotated[int, Field(ge=1024)] = 52428800
    capture: Literal["none", "metadata", "full"] = "metadata"
    capture_hours: Annotated[float, Field(gt=0)] = 72
    show_digits: bool = False  # dev: true. Whether keys pressed are readable in what is captured
    map: dict[HttpUrl, HttpUrl] = {}


class Rooms(_Section):
    """What holds in every room. `max_participants`: default and cap of `maxParticipants`."""

    max_participants: Annotated[int, Field(ge=2)] = 40
    music_when_alone: bool = False
    agc: bool = False
    noise_suppression: bool = False


class Limits(_Section):
    """Calls at a time, and new ones a second. Beyond each: 503 with Retry-After."""

    calls: Annotated[int, Field(ge=1)] = 2000
    calls_per_second: Annotated[float, Field(gt=0)] = 100
    calls_per_account: Annotated[int, Field(ge=0)] = 0  # 0: as many as `calls`


class Recordings(_Section):
    """Who may fetch recordings, for how long they are kept, and where. No effect yet."""

    require_auth: bool = False
    keep_days: Annotated[float, Field(ge=0)] = 0
    storage: str = ""


class Account(_Section):
    """Who owns numbers. `token`: password of the HTTP API and key of X-Twilio-Signature. `project_id`, `signing_key`
    and `auth_id` are for the other dialects; `accounts.identity` derives them when left out.
    """

    sid: AccountSid
    token: Annotated[str, Field(min_length=1)]
    project_id: str = ""
    signing_key: str = ""
    auth_id: str = ""
    name: str = ""

    @field_validator("auth_id")
    @classmethod
    def _twenty_characters(cls, text: str) -> str:
        if text and len(text) != 20:
            raise ValueError(f"expects 20 characters, as Plivo's names have, not {len(text)}")
        return text

    @field_validator("project_id")
    @classmethod
    def _is_uuid(cls, text: str) -> str:
        if not text:
            return text
        try:
            return str(uuid.UUID(text))
        except ValueError:
            raise ValueError(f'"{text}" is not a UUID, as SignalWire\'s project ids are') from None


class NumberEntry(_Section):
    """A number that can be called (digits with or without `+`, or a word), and where its documents come from.
    `account` may be left out when there is one.
    """

    number: Number
    account: str = ""
    dialect: Literal["twilio", "signalwire", "plivo"] = "twilio"
    api_version: str = ""  # empty: the dialect's newest
    voice_url: HttpUrl
    voice_method: Method = "POST"
    fallback_url: OptionalUrl = ""
    fallback_method: Method = "POST"
    status_callback: OptionalUrl = ""
    status_callback_method: Method = "POST"

    @model_validator(mode="after")
    def _known_version(self) -> Self:
        known = {"twilio": ("2010-04-01", "2008-08-01"), "signalwire": ("2010-04-01",), "plivo": ("v1",)}[self.dialect]
        if self.api_version and self.api_version not in known:
            raise ValueError(f'api_version "{self.api_version}" is none of {self.dialect}: {", ".join(known)}')
        return self

    @property
    def version(self) -> str:
        """`api_version`, or what it is when left out."""
        return self.api_version or ("v1" if self.dialect == "plivo" else "2010-04-01")


class User(_Section):
    """A phone that registers. No effect yet."""

    name: Annotated[str, Field(min_length=1)]
    password: str
    account: str = ""


class Trunk(_Section):
    """A carrier. `allow_from` alone has an effect yet: callers from there reach numbers while `sip.public` is false."""

    name: Annotated[str, Field(min_length=1)]
    account: str = ""
    prefix: str = "+"
    uri: str = ""
    uris: tuple[str, ...] = ()
    username: str = ""
    password: str = ""
    register_: bool = Field(default=False, alias="register")
    allow_from: tuple[Network, ...] = ()
    strip: Annotated[int, Field(ge=0)] = 0
    prepend: str = ""
    caller_id: str = ""
    allow_prefixes: tuple[str, ...] = ()
    srtp: Literal["off", "optional", "required"] = "off"
    calls_per_second: Annotated[float, Field(gt=0)] = 10
    ping_seconds: Annotated[float, Field(ge=0)] = 30


class Settings(_Section):
    """All of it. Made by `load.load` and `dev.dev_settings`, which also check what one section means for another."""

    server: Server = Server()
    tls: Tls = Tls()
    sip: Sip = Sip()
    webhooks: Webhooks = Webhooks()
    rooms: Rooms = Rooms()
    limits: Limits = Limits()
    recordings: Recordings = Recordings()
    accounts: tuple[Account, ...] = ()
    numbers: tuple[NumberEntry, ...] = ()
    users: tuple[User, ...] = ()
    trunks: tuple[Trunk, ...] = ()

    def named_urls(self) -> Iterator[str]:
        """Where the operator's own file sends requests: these may be on this machine or network, though it is not public."""
        for number in self.numbers:
            yield from filter(None, (number.voice_url, number.fallback_url, number.status_callback))
        yield from self.webhooks.map.values()
