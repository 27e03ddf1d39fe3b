"""Twilio, API version 2010-04-01: the object that `calls` talks to. Each part of the way of speaking is a file of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from roomtone.calls.dialect import CallFacts, Parameters
from roomtone.calls.document import Document, Verb
from roomtone.calls.verbs.pause import Pause
from roomtone.calls.verbs.play import Play
from roomtone.calls.verbs.redirect import Redirect
from roomtone.calls.verbs.say import Say
from roomtone.dialects.options import DialectOptions
from roomtone.dialects.twilio import errors, webhook
from roomtone.dialects.twilio.document import parse
from roomtone.dialects.twilio.signature import HEADER, sign
from roomtone.rooms.join import LeaveReason

__all__ = ["Twilio2010"]


class Twilio2010:
    """The dialect (twilio, 2010-04-01). Stateless; made once."""

    name = "twilio"
    api_version = "2010-04-01"
    answers_first = False  # A29: the first verb that answers does
    document_bytes_max: int | None = None
    forbidden_wait_code = 13238

    def __init__(self, options: DialectOptions) -> None:
        self._options = options

    def parse(self, body: bytes, content_type: str, url: str) -> Document:
        """See `document.parse`. DocumentError when nothing of it can be run."""
        return parse(body, content_type, url, participants_max=self._options.participants_max)

    def wait_verbs(self) -> frozenset[type[Verb]]:
        """What a waitUrl document may hold: the 2010 page's Play, Say and Redirect, and today's Pause."""
        return frozenset({Play, Say, Pause, Redirect})

    def call_parameters(self, call: CallFacts) -> Parameters:
        """See `webhook.call_parameters`."""
        return webhook.call_parameters(call, self.api_version)

    def gather_parameters(self, digits: str) -> Parameters:
        """See `webhook.gather_parameters`."""
        return webhook.gather_parameters(digits)

    def dial_parameters(self, reason: LeaveReason) -> Parameters:
        """See `webhook.dial_parameters`."""
        return webhook.dial_parameters(reason)

    def wait_parameters(self, conference_sid: str, friendly_name: str) -> Parameters:
        """See `webhook.wait_parameters`."""
        return webhook.wait_parameters(conference_sid, friendly_name)

    def fallback_parameters(self, code: int, url: str) -> Parameters:
        """See `webhook.fallback_parameters`."""
        return webhook.fallback_parameters(code, url)

    def status_parameters(self, call: CallFacts, duration_s: int) -> Parameters:
        """See `webhook.status_parameters`."""
        return webhook.status_parameters(call, duration_s)

    def level(self, code: int) -> Literal["warning", "error"]:
        """See `errors.level`."""
        return errors.level(code)

    def more_info(self, code: int) -> str:
        """See `errors.more_info`."""
        return errors.more_info(code)

    def headers(self, method: str, url: str, parameters: Sequence[tuple[str, str]], token: str) -> Mapping[str, str]:
        """The signature (`signature.sign`)."""
        return {HEADER: sign(url, () if method == "GET" else parameters, token)}
