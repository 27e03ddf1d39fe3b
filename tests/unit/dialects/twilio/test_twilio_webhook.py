"""What requests of 2010-04-01 carry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from roomtone.calls.dialect import CallFacts, CallStatus, Dialect, Party
from roomtone.dialects import DIALECTS, DialectOptions
from roomtone.rooms.join import LeaveReason

CALL = CallFacts(
    call_sid="CA1",
    account_sid="AC1",
    caller=Party("+15550101", "phone.example"),
    called=Party("15550100", "server.example"),
    status=CallStatus.RINGING,
)


@pytest.fixture
def dialect() -> Dialect:
    return DIALECTS["twilio", "2010-04-01"](DialectOptions())


def test_the_first_request(dialect: Dialect) -> None:
    assert dialect.call_parameters(CALL) == [
        ("CallSid", "CA1"),
        ("AccountSid", "AC1"),
        ("From", "+15550101"),
        ("To", "+15550100"),
        ("CallStatus", "ringing"),
        ("ApiVersion", "2010-04-01"),
        ("Direction", "inbound"),
        ("Caller", "+15550101"),
        ("Called", "+15550100"),
    ]


@pytest.mark.parametrize(
    ("party", "shown"),
    [
        (Party("+15550100", "h"), "+15550100"),
        (Party("15550100", "h"), "+15550100"),
        (Party("demo", "roomtone.example"), "sip:demo@roomtone.example"),
        (Party("alice.b", "192.0.2.1"), "sip:alice.b@192.0.2.1"),
        (Party("+1555x", "h"), "sip:+1555x@h"),
        (Party("٣٤", "h"), "sip:٣٤@h"),
        (Party("", "anonymous.invalid"), "sip:anonymous.invalid"),
    ],
)
def test_from_and_to(dialect: Dialect, party: Party, shown: str) -> None:
    parameters = dict(dialect.call_parameters(replace(CALL, caller=party)))
    assert parameters["From"] == parameters["Caller"] == shown


def test_what_is_sent_only_when_it_is_known(dialect: Dialect) -> None:
    known = replace(
        CALL,
        caller=Party("demo", "h", display="Ann"),
        parent_call_sid="CA0",
        sip_call_id="x@y",
        direction="outbound-dial",
    )
    parameters = dict(dialect.call_parameters(known))
    assert (parameters["CallerName"], parameters["ParentCallSid"], parameters["SipCallId"]) == ("Ann", "CA0", "x@y")
    assert parameters["Direction"] == "outbound-dial"


@pytest.mark.parametrize("reason", list(LeaveReason))
def test_a_dial_is_answered_unless_it_was_refused(dialect: Dialect, reason: LeaveReason) -> None:
    refused = reason in (LeaveReason.FULL, LeaveReason.FAILED)
    assert dialect.dial_parameters(reason) == [("DialCallStatus", "failed" if refused else "answered")]


def test_the_other_requests(dialect: Dialect) -> None:
    assert dialect.gather_parameters("12") == [("Digits", "12")]
    assert dialect.wait_parameters("CF1", "Room 1234") == [("ConferenceSid", "CF1"), ("FriendlyName", "Room 1234")]
    assert dialect.fallback_parameters(11200, "http://a/") == [("ErrorCode", "11200"), ("ErrorUrl", "http://a/")]
    status = dict(dialect.status_parameters(replace(CALL, status=CallStatus.COMPLETED), 61))
    assert (status["CallDuration"], status["Duration"]) == ("61", "2")
    assert "CallDuration" not in dict(dialect.status_parameters(replace(CALL, status=CallStatus.BUSY), 0))


def test_a_get_is_signed_by_its_url_alone(dialect: Dialect) -> None:
    url = "http://a.example/?CallSid=CA1"
    assert dialect.headers("GET", url, [("CallSid", "CA1")], "t") == dialect.headers("POST", url, [], "t")
