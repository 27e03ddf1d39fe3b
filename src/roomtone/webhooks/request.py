"""A webhook as it is asked for, as it is answered, and as it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from roomtone.webhooks.downloads import Room

__all__ = ["Answer", "Kind", "Signer", "Webhook", "WebhookError"]

Kind = Literal["voice", "action", "redirect", "fallback", "wait", "media", "status", "gather"]

Signer = Callable[[str, str, Sequence[tuple[str, str]]], Mapping[str, str]]
"""(method, public URL, form parameters) -> headers. Called again for each redirect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One HTTP request to make. GET parameters join the query; POST sends a form."""

    kind: Kind
    url: str  # the public side; `webhooks.map` says where it really goes
    method: Literal["GET", "POST"]
    parameters: tuple[tuple[str, str], ...] = ()
    account_sid: str = ""
    call_sid: str | None = None
    conference_sid: str | None = None
    number: str | None = None
    bytes_max: int = 65536
    signer: Signer | None = None
    etag: str = ""  # of the copy we hold: asks only for what is newer; the answer may then be a 304
    last_modified: str = ""
    replay_of: str | None = (
        None  # the request that this one repeats by hand: cookies of its call are neither sent nor kept
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 2xx answer, read whole; or a 304 to a webhook that named the copy it holds. To be closed when its body is not needed any more."""

    request_id: str  # RQ...: the resource that /api/v1/requests shows
    # After redirects, public side, with the credentials of the URL if it had any, and without the parameters of a GET: the document's own URL.
    url: str
    status: int
    content_type: str  # without parameters, lower case; "" when there was none
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    room: Room | None = None  # what a sound takes in memory

    def close(self) -> None:
        """Gives back the room that a sound took. Again is harmless."""
        if self.room is not None:
            self.room.give_back()


class WebhookError(Exception):
    """No usable answer. `code` is the platform's number (11200 ...)."""

    def __init__(self, code: int, message: str, *, request_id: str, url: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id
        self.url = url
        self.status = status
