"""What the API answers with, field by field. Fields are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roomtone.conferences.views import ConferenceView, HearingView, ParticipantView
from roomtone.store.rows import AccountRow, ApplicationRow, CallRow, EventRow, NumberRow, RequestRow

__all__ = [
    "AccountShape",
    "CallShape",
    "EventShape",
    "NumberShape",
    "PairShape",
    "ParticipantShape",
    "RequestShape",
    "RoomShape",
    "account_shape",
    "call_shape",
    "event_shape",
    "number_shape",
    "pair_shape",
    "request_shape",
    "room_shape",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantShape:
    """A call in a live room. `muted` is its own mute; while the room waits for its start (`waiting`) nobody is heard
    anyway. `music`: it hears wait music now.
    """

    call_sid: str
    caller: str
    muted: bool
    waiting: bool
    music: bool
    start_on_enter: bool
    end_on_exit: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomShape:
    """A live room, its participants in the order of joining. `status`: `init` until it starts, then `in-progress`."""

    name: str
    conference_sid: str
    account_sid: str
    status: str
    created_at: datetime
    started_at: datetime | None
    participants: list[ParticipantShape]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairShape:
    """`talker` speaks, `listener` hears it or does not: call SIDs."""

    talker: str
    listener: str
    heard: bool
    gain_db: float | None
    reason: str
    cause: dict[str, str | int | None]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallShape:
    """A call, live while `ended_at` is null. `listening`: a Gather takes its keys now; `peer`: host and port of the far
    end's signalling.
    """

    sid: str
    account_sid: str
    number: str
    direction: str
    status: str
    from_uri: str
    to_uri: str
    sip_call_id: str
    peer: str
    dialect: str
    api_version: str
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    listening: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestShape:
    """A request to an application, its answer, and what became of each verb. While it is under way `milliseconds` is
    null. `sent_to`: where it really went, with `webhooks.map`. What `webhooks.capture` does not keep is null or empty.
    """

    id: str
    account_sid: str
    time: datetime
    kind: str
    call_sid: str | None
    conference_sid: str | None
    number: str | None
    url: str
    sent_to: str
    method: str
    parameters: dict[str, str | list[str]]
    headers: dict[str, str]
    status: int | None
    milliseconds: int | None
    answer_headers: dict[str, str]
    body: str | None
    error: dict[str, Any] | None
    verbs: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    replay_of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventShape:
    """A line of `/events`; there it also has `type`."""

    id: int
    time: datetime
    event: str
    account_sid: str
    conference_sid: str | None
    call_sid: str | None
    sequence: int | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberShape:
    """A number with the application that answers it. Only those whose `source` is `api` can be changed here. Not
    `enabled`: the settings name it no more, and nobody may call it.
    """

    number: str
    account_sid: str
    application_sid: str
    dialect: str
    api_version: str
    voice_url: str
    voice_method: str
    fallback_url: str
    fallback_method: str
    status_callback: str
    status_callback_method: str
    source: str
    enabled: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountShape:
    """`token` is shown once: in the answer that made it."""

    sid: str
    name: str
    project_id: str
    auth_id: str
    source: str
    enabled: bool
    created_at: datetime
    token: str | None = None


def room_shape(view: ConferenceView) -> RoomShape:
    """As the view was made; its `friendly_name` is called `name` here."""
    return RoomShape(
        name=view.friendly_name,
        conference_sid=view.conference_sid,
        account_sid=view.account_sid,
        status=view.status,
        created_at=view.created_at,
        started_at=view.started_at,
        participants=[_participant_shape(participant) for participant in view.participants],
    )


def _participant_shape(view: ParticipantView) -> ParticipantShape:
    return ParticipantShape(
        call_sid=view.call_sid,
        caller=view.caller,
        muted=view.muted,
        waiting=view.waiting,
        music=view.music,
        start_on_enter=view.start_on_enter,
        end_on_exit=view.end_on_exit,
        joined_at=view.joined_at,
    )


def pair_shape(view: HearingView) -> PairShape:
    """The reason as its word; the cause as `{request_id, line}`, or `{api_call}`."""
    return PairShape(
        talker=view.talker,
        listener=view.listener,
        heard=view.heard,
        gain_db=view.gain_db,
        reason=str(view.reason),
        cause=view.cause.as_json(),
        sentence=view.sentence,
    )


def call_shape(row: CallRow, *, listening: bool) -> CallShape:
    """`listening` comes from the live call, if there is one: no row knows it."""
    return CallShape(
        sid=row.sid,
        account_sid=row.account_sid,
        number=row.number,
        direction=row.direction,
        status=row.status,
        from_uri=row.from_uri,
        to_uri=row.to_uri,
        sip_call_id=row.sip_call_id,
        peer=row.peer,
        dialect=row.dialect,
        api_version=row.api_version,
        created_at=row.created_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        listening=listening,
    )


def request_shape(row: RequestRow) -> RequestShape:
    """The parameters become an object, in which a name that came more than once has a list."""
    return RequestShape(
        id=row.id,
        account_sid=row.account_sid,
        time=row.time,
        kind=row.kind,
        call_sid=row.call_sid,
        conference_sid=row.conference_sid,
        number=row.number,
        url=row.url,
        sent_to=row.sent_to,
        method=row.method,
        parameters=_named(row.parameters),
        headers=dict(row.headers),
        status=row.status,
        milliseconds=row.milliseconds,
        answer_headers=dict(row.answer_headers),
        body=row.body,
        error=None if row.error is None else dict(row.error),
        verbs=[dict(verb) for verb in row.verbs],
        findings=[dict(finding) for finding in row.findings],
        replay_of=row.replay_of,
    )


def _named(parameters: Sequence[tuple[str, str]]) -> dict[str, str | list[str]]:
    """By name; a name that comes more than once has a list."""
    named: dict[str, str | list[str]] = {}
    for name, value in parameters:
        known = named.get(name)
        if known is None:
            named[name] = value
        else:
            named[name] = [*known, value] if isinstance(known, list) else [known, value]
    return named


def number_shape(number: NumberRow, application: ApplicationRow) -> NumberShape:
    """Two rows in one: who uses the API knows no applications, but for their sid."""
    return NumberShape(
        number=number.number,
        account_sid=number.account_sid,
        application_sid=application.sid,
        dialect=application.dialect,
        api_version=application.api_version,
        voice_url=application.voice_url,
        voice_method=application.voice_method,
        fallback_url=application.fallback_url,
        fallback_method=application.fallback_method,
        status_callback=application.status_callback,
        status_callback_method=application.status_callback_method,
        source=number.source,
        enabled=number.enabled,
        created_at=number.created_at,
    )


def account_shape(row: AccountRow, *, token: str | None = None) -> AccountShape:
    """The row's token and signing key stay here; `token` is for the one answer that shows it."""
    return AccountShape(
        sid=row.sid,
        name=row.name,
        project_id=row.project_id,
        auth_id=row.auth_id,
        source=row.source,
        enabled=row.enabled,
        created_at=row.created_at,
        token=token,
    )


def event_shape(row: EventRow) -> EventShape:
    """Of a row that is committed: before, its `id` is 0."""
    return EventShape(
        id=row.id,
        time=row.time,
        event=row.event,
        account_sid=row.account_sid,
        conference_sid=row.conference_sid,
        call_sid=row.call_sid,
        sequence=row.sequence,
        data=dict(row.data),
    )
