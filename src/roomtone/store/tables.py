"""The tables, one a row class, and the way between row and statement.

Columns have the names of the rows' fields. Times are stored as UTC without a zone; mappings and lists as JSON text. A change here needs a migration; a test
compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from roomtone.store.rows import (
    AccountRow,
    ApplicationRow,
    CallRow,
    ConferenceRow,
    DebugRow,
    EventRow,
    NumberRow,
    ParticipantRow,
    RequestRow,
)

__all__ = ["TABLES", "from_record", "metadata", "to_record"]

Row = TypeVar("Row")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC; naive on disk."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


metadata = MetaData()


def _name(name: str, **options: Any) -> Column[str]:
    return Column(name, String(64), **options)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, **{"nullable": False} | options)


def _time(name: str, **options: Any) -> Column[datetime]:
    return Column(name, UtcDateTime, **{"nullable": False} | options)


accounts = Table(
    "accounts",
    metadata,
    _name("sid", primary_key=True),
    _text("token"),
    _text("project_id"),
    _text("signing_key"),
    _text("auth_id"),
    _text("name"),
    _text("source"),
    Column("enabled", Boolean, nullable=False),
    _time("created_at"),
)

applications = Table(
    "applications",
    metadata,
    _name("sid", primary_key=True),
    _name("account_sid", nullable=False),
    _text("dialect"),
    _text("api_version"),
    _text("voice_url"),
    _text("voice_method"),
    _text("fallback_url"),
    _text("fallback_method"),
    _text("status_callback"),
    _text("status_callback_method"),
    _time("created_at"),
)

numbers = Table(
    "numbers",
    metadata,
    _name("number", primary_key=True),
    _name("account_sid", nullable=False),
    _name("application_sid", nullable=False),
    _text("source"),
    Column("enabled", Boolean, nullable=False),
    _time("created_at"),
)

calls = Table(
    "calls",
    metadata,
    _name("sid", primary_key=True),
    _name("account_sid", nullable=False),
    _text("number"),
    _text("direction"),
    _text("status"),
    _text("from_uri"),
    _text("to_uri"),
    _text("sip_call_id"),
    _text("peer"),
    _text("dialect"),
    _text("api_version"),
    _time("created_at"),
    _time("answered_at", nullable=True),
    _time("ended_at", nullable=True),
    _text("end_reason"),
    Index("calls_by_account", "account_sid", "created_at"),
    Index("calls_by_sip_call_id", "sip_call_id"),
    Index("calls_by_end", "ended_at"),
)

conferences = Table(
    "conferences",
    metadata,
    _name("sid", primary_key=True),
    _name("account_sid", nullable=False),
    _text("friendly_name"),
    _text("status"),
    _time("created_at"),
    _time("started_at", nullable=True),
    _time("ended_at", nullable=True),
    _text("reason_ended"),
    _name("call_sid_ending", nullable=True),
    Index("conferences_by_account", "account_sid", "created_at"),
    Index("conferences_by_end", "ended_at"),
)

participants = Table(
    "participants",
    metadata,
    _name("sid", primary_key=True),
    _name("account_sid", nullable=False),
    _name("conference_sid", nullable=False),
    _name("call_sid", nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("start_on_enter", Boolean, nullable=False),
    Column("end_on_exit", Boolean, nullable=False),
    _time("joined_at"),
    _time("left_at", nullable=True),
    _text("reason_left"),
    Index("participants_by_conference", "conference_sid"),
    Index("participants_by_leaving", "left_at"),
)

requests = Table(
    "requests",
    metadata,
    _name("id", primary_key=True),
    _name("account_sid", nullable=False),
    _time("time"),
    _text("kind"),
    _name("call_sid", nullable=True),
    _name("conference_sid", nullable=True),
    _text("number", nullable=True),
    _text("url"),
    _text("sent_to"),
    _text("method"),
    Column("parameters", JSON, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("status", Integer),
    Column("milliseconds", Integer),
    Column("answer_headers", JSON, nullable=False),
    _text("body", nullable=True),
    Column("error", JSON(none_as_null=True)),
    Column("verbs", JSON, nullable=False),
    Column("findings", JSON, nullable=False, server_default="[]"),
    _name("replay_of", nullable=True),
    Index("requests_by_account", "account_sid", "time", "id"),
    Index("requests_by_call", "call_sid"),
    Index("requests_by_time", "time"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _name("account_sid", nullable=False),
    _time("time"),
    _text("event"),
    _name("conference_sid", nullable=True),
    _name("call_sid", nullable=True),
    Column("sequence", Integer),
    Column("data", JSON, nullable=False),
    Index("events_by_account", "account_sid", "id"),
)

debug_log = Table(
    "debug_log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _name("account_sid", nullable=False),
    _time("time"),
    _text("level"),
    Column("code", Integer, nullable=False),
    _text("message"),
    _text("more_info"),
    _name("call_sid", nullable=True),
    _name("conference_sid", nullable=True),
    _text("number", nullable=True),
    _name("request_id", nullable=True),
    _text("url", nullable=True),
    Column("status", Integer),
    Column("line", Integer),
    Column("column", Integer),
    _text("detail", nullable=True),
    Index("debug_by_account", "account_sid", "id"),
)

TABLES: Mapping[type[Any], Table] = {
    AccountRow: accounts,
    ApplicationRow: applications,
    NumberRow: numbers,
    CallRow: calls,
    ConferenceRow: conferences,
    ParticipantRow: participants,
    RequestRow: requests,
    EventRow: events,
    DebugRow: debug_log,
}
"""Which row is kept where."""


def to_record(row: Any) -> dict[str, Any]:
    """A row as values of its table's columns."""
    record = {name: getattr(row, name) for name in _FIELDS[type(row)]}
    for name in _JSON_LISTS & record.keys():
        record[name] = list(record[name])
    for name in _JSON_MAPPINGS & record.keys():
        record[name] = None if record[name] is None else dict(record[name])
    return record


def from_record(row: type[Row], record: Mapping[Any, Any]) -> Row:
    """The other way."""
    values = {name: record[name] for name in _FIELDS[row]}
    if "parameters" in values:
        values["parameters"] = tuple((name, value) for name, value in values["parameters"])
    for name in _JSON_OBJECTS & values.keys():
        values[name] = tuple(values[name])
    return row(**values)


_FIELDS = {row: tuple(field.name for field in fields(row)) for row in TABLES}
_JSON_OBJECTS = {"verbs", "findings"}
_JSON_LISTS = {"parameters", *_JSON_OBJECTS}
_JSON_MAPPINGS = {"headers", "answer_headers", "data", "error"}
