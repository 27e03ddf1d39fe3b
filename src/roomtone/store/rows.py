"""What the store keeps, as frozen rows, and `StoreBatch`: the changes that become true together.

A row is whole: changing one is `dataclasses.replace` and a new commit, and the last row of a name wins. Rows hold plain values (no enum of another part),
so that the store imports nothing but these. Times are UTC and taken when the thing happened (A11). Every row names its account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

__all__ = [
    "AccountRow",
    "ApplicationRow",
    "CallRow",
    "ConferenceRow",
    "DebugRow",
    "EventRow",
    "NumberRow",
    "ParticipantRow",
    "RequestRow",
    "Source",
    "StoreBatch",
]

Source = Literal["dev", "file", "api"]
"""Who named it. What the file names belongs to the file: the APIs answer 409 for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """The owner of everything, under the names each platform has for it."""

    sid: str
    token: str
    project_id: str  # SignalWire's name
    signing_key: str  # SignalWire's webhook key
    auth_id: str  # Plivo's name
    name: str = ""
    source: Source = "file"
    enabled: bool = True
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow:
    """Where to fetch documents, and in which dialect they are written."""

    sid: str  # AP...
    account_sid: str
    dialect: str = "twilio"
    api_version: str = "2010-04-01"
    voice_url: str
    voice_method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRow:
    """An address that can be called."""

    number: str  # E.164 with +, a short number, or a word
    account_sid: str
    application_sid: str
    source: Source = "file"
    enabled: bool = True
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One signalling relation with one far end."""

    sid: str
    account_sid: str
    number: str
    direction: str = "inbound"
    status: str  # calls.dialect.CallStatus
    from_uri: str = ""
    to_uri: str = ""
    sip_call_id: str = ""
    peer: str = ""  # host:port of the far end's signalling
    dialect: str = ""
    api_version: str = ""
    created_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str = ""  # why it ended, in a few words of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceRow:
    """The resource that users see; it outlives the room."""

    sid: str
    account_sid: str
    friendly_name: str
    status: Literal["init", "in-progress", "completed"] = "init"
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason_ended: str = ""  # last-participant-left, conference-ended-via-api ...
    call_sid_ending: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantRow:
    """One stay of one call in one conference."""

    sid: str  # PA...
    account_sid: str
    conference_sid: str
    call_sid: str
    muted: bool = False
    held: bool = False
    start_on_enter: bool = True
    end_on_exit: bool = False
    joined_at: datetime
    left_at: datetime | None = None
    reason_left: str = ""  # LeaveReason in lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """Something that happened, for event streams and later callbacks. The store gives the `id` when it commits: growing, without doubles."""

    id: int = 0
    account_sid: str
    time: datetime
    event: str  # conference-start, participant-join, call-answered ...
    conference_sid: str | None = None
    call_sid: str | None = None
    sequence: int | None = None  # SequenceNumber of the conference, from 1 (T5)
    data: Mapping[str, Any] = field(default_factory=dict)  # JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One document request or callback with its answer and what became of each verb."""

    id: str  # RQ...
    account_sid: str
    time: datetime
    kind: str
    call_sid: str | None = None
    conference_sid: str | None = None
    number: str | None = None
    url: str
    sent_to: str = ""  # the private side of webhooks.map; equal to url without one
    method: str
    parameters: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)  # as sent
    status: int | None = None
    milliseconds: int | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None  # of the answer; None when `webhooks.capture` does not keep it
    error: Mapping[str, Any] | None = None  # {code, message}
    verbs: Sequence[Mapping[str, Any]] = ()  # {path, line, outcome, reason, code, started, ended}
    findings: Sequence[Mapping[str, Any]] = ()  # {code, level, message, path, line, column, attribute}
    replay_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugRow:
    """An entry of the account's debug log. The store gives the `id`."""

    id: int = 0
    account_sid: str
    time: datetime
    level: Literal["error", "warning"]
    code: int
    message: str
    more_info: str = ""
    call_sid: str | None = None
    conference_sid: str | None = None
    number: str | None = None
    request_id: str | None = None
    url: str | None = None
    status: int | None = None
    line: int | None = None
    column: int | None = None
    detail: str | None = None


@dataclass(slots=True)
class StoreBatch:
    """Changes that become visible in one transaction: new or changed rows, and appended events and debug entries, each kind in its order."""

    calls: list[CallRow] = field(default_factory=list)
    conferences: list[ConferenceRow] = field(default_factory=list)
    participants: list[ParticipantRow] = field(default_factory=list)
    requests: list[RequestRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    debug: list[DebugRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.calls or self.conferences or self.participants or self.requests or self.events or self.debug)
