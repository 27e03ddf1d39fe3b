"""What `calls` needs of a platform's way of speaking. `dialects/` implements it; nothing else of a dialect is known
here.

A dialect object is one (platform, API version), stateless, made once by the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from roomtone.calls.document import Document, Verb
from roomtone.rooms.join import LeaveReason

__all__ = ["CallFacts", "CallStatus", "Dialect", "Parameters", "Party"]

Parameters = list[tuple[str, str]]


class CallStatus(StrEnum):
    """Life of a call, in the words that all three platforms share."""

    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a call: the user part of its SIP address, its host, and the name it shows."""

    user: str
    host: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a dialect may tell the application about a call."""

    call_sid: str
    account_sid: str
    caller: Party
    called: Party
    status: CallStatus
    direction: str = "inbound"
    parent_call_sid: str | None = None
    sip_call_id: str = ""


class Dialect(Protocol):
    """One platform at one API version."""

    name: str  # twilio | signalwire | plivo
    api_version: str
    answers_first: bool  # the call is answered before its first request (A29)
    document_bytes_max: int | None  # None: webhooks.max_document_bytes

    def parse(self, body: bytes, content_type: str, url: str) -> Document:
        """The answer of a document request as verbs; relative URLs are resolved against `url`. DocumentError when
        nothing of it can be run (A14).
        """

    def wait_verbs(self) -> frozenset[type[Verb]]:
        """Verbs allowed in the document of a waitUrl; another is skipped with `forbidden_wait_code`."""

    @property
    def forbidden_wait_code(self) -> int:
        """13238 and its kin."""

    def call_parameters(self, call: CallFacts) -> Parameters:
        """What every request about a call carries."""

    def gather_parameters(self, digits: str) -> Parameters:
        """What a Gather's action carries besides."""

    def dial_parameters(self, reason: LeaveReason) -> Parameters:
        """What a Dial's action carries besides, after a conference was left (or not entered) for `reason`."""

    def wait_parameters(self, conference_sid: str, friendly_name: str) -> Parameters:
        """What a waitUrl request carries besides (T6)."""

    def fallback_parameters(self, code: int, url: str) -> Parameters:
        """ErrorCode and ErrorUrl."""

    def status_parameters(self, call: CallFacts, duration_s: int) -> Parameters:
        """What the status callback of a number carries besides."""

    def level(self, code: int) -> Literal["warning", "error"]:
        """How the platform's debug log marks an error number."""

    def more_info(self, code: int) -> str:
        """The page that explains an error number; "" when there is none."""

    def headers(self, method: str, url: str, parameters: Sequence[tuple[str, str]], token: str) -> Mapping[str, str]:
        """The signature, over the public URL and the form parameters (none for GET: they are in the URL)."""
