"""The parameters of requests to an application, in the words of API version 2010-04-01.

Source: twilio.com/docs/voice/twiml (request parameters); what real requests carry besides (Caller and Called, the older names of From and To) is sent too,
since applications written for 2008-08-01 still read it. Where a caller comes from geographically is unknown to us and left out, as the page allows.
"""

from __future__ import annotations

import math

from roomtone.calls.dialect import CallFacts, Parameters, Party
from roomtone.rooms.join import LeaveReason

__all__ = [
    "address",
    "call_parameters",
    "dial_parameters",
    "fallback_parameters",
    "gather_parameters",
    "status_parameters",
    "wait_parameters",
]

_REFUSED = frozenset({LeaveReason.FULL, LeaveReason.FAILED})


def address(party: Party) -> str:
    """A party as From and To name it (A12): a number in E.164, anybody else as a SIP address."""
    digits = party.user.removeprefix("+")
    if digits.isascii() and digits.isdigit():
        return f"+{digits}"
    return f"sip:{party.user}@{party.host}" if party.user else f"sip:{party.host}"


def call_parameters(call: CallFacts, api_version: str) -> Parameters:
    """What every request about a call carries."""
    caller, called = address(call.caller), address(call.called)
    parameters = [
        ("CallSid", call.call_sid),
        ("AccountSid", call.account_sid),
        ("From", caller),
        ("To", called),
        ("CallStatus", call.status.value),
        ("ApiVersion", api_version),
        ("Direction", call.direction),
        ("Caller", caller),
        ("Called", called),
    ]
    if call.caller.display:
        parameters.append(("CallerName", call.caller.display))
    if call.parent_call_sid:
        parameters.append(("ParentCallSid", call.parent_call_sid))
    if call.sip_call_id:
        parameters.append(("SipCallId", call.sip_call_id))
    return parameters


def gather_parameters(digits: str) -> Parameters:
    """The keys, without the one that finished them; sent empty when actionOnEmptyResult asks although nothing was pressed."""
    return [("Digits", digits)]


def dial_parameters(reason: LeaveReason) -> Parameters:
    """How the Dial ended. After a conference it is `answered`, whichever way it was left (T14), and `failed` when it was not entered (T4). DialCallSid and
    DialCallDuration are not sent after a conference."""
    return [("DialCallStatus", "failed" if reason in _REFUSED else "answered")]


def wait_parameters(conference_sid: str, friendly_name: str) -> Parameters:
    """Which conference the music is for (T6)."""
    return [("ConferenceSid", conference_sid), ("FriendlyName", friendly_name)]


def fallback_parameters(code: int, url: str) -> Parameters:
    """Why the fallback is asked."""
    return [("ErrorCode", str(code)), ("ErrorUrl", url)]


def status_parameters(call: CallFacts, duration_s: int) -> Parameters:
    """The end of a call (T16); `Duration` is in begun minutes, as seen in real requests. `call.status` is in the call's own parameters."""
    if call.status.value != "completed":
        return [("CallbackSource", "call-progress-events"), ("SequenceNumber", "0")]
    return [
        ("CallDuration", str(duration_s)),
        ("Duration", str(math.ceil(duration_s / 60))),
        ("CallbackSource", "call-progress-events"),
        ("SequenceNumber", "0"),
    ]
