"""sipp's dialogs with the server, over UDP and over TCP: how they begin, change and end, and what is refused.

Each scenario is one call, or one request; sipp judges every answer. Where the call lives on, the scenario proves it with an OPTIONS within the dialog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from goertzel import RATE_HZ
from live import until
from rtp_phone import RtpPhone
from shared import Shared
from sipp import ACK, BYE, Sipp, ack, answer, audio, expect, invite, nudge, refused, request, wait_for

Hold = Callable[[Any], Any]
Call = Callable[..., Sipp]

TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp"])
FAX = "v=0\no=sipp 1 2 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=image 4000 udptl t38\na=T38FaxVersion:0\n"
G729 = (
    "v=0\no=sipp 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 4000 RTP/AVP 18\na=rtpmap:18 G729/8000\n"
)


def hangs_up(cseq: int) -> str:
    """A BYE of ours, and its answer."""
    return request("BYE", cseq=cseq) + expect(200)


def is_alive(cseq: int) -> str:
    """A request that only a dialog that lives answers with 200."""
    return request("OPTIONS", cseq=cseq) + expect(200)


@pytest.fixture
def call(server: Shared, hold: Hold, tmp_path: Path) -> Call:
    """Starts a scenario towards a number of the server; it is stopped at the end."""

    def start(number: str, caller: str, *steps: str, **options: Any) -> Sipp:
        sipp: Sipp = hold(Sipp(tmp_path / caller, server.address, number, caller, *steps, **options))
        return sipp

    return start


@pytest.fixture(scope="module", autouse=True)
def never_acknowledged(server: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sipp]:
    """A caller who never sends the ACK, begun before all others, because its end is 32 seconds away."""
    steps = (invite(), expect(200), wait_for("BYE"), answer())
    sipp = Sipp(tmp_path_factory.mktemp("unacknowledged"), server.address, "stay", "nina", *steps)
    yield sipp
    sipp.stop()


# --- how a call begins and ends ---------------------------------------------------------------------------------------


@TRANSPORTS
def test_a_call_is_answered_and_hung_up_by_the_caller(server: Shared, call: Call, transport: str) -> None:
    steps = (invite(), expect(200, has=["m=audio", "Allow:.*UPDATE", "Contact: *<sip:127.0.0.1"]), ACK, hangs_up(2))
    call("stay", f"plain-{transport}", *steps, transport=transport).succeeds()
    ended = server.until_ended(f"plain-{transport}")
    assert (ended["status"], ended["end_reason"]) == ("completed", "the caller hung up")


@TRANSPORTS
def test_a_call_is_hung_up_by_the_document(server: Shared, call: Call, transport: str) -> None:
    call("goodbye", f"bye-{transport}", invite(), expect(200), ACK, BYE, transport=transport).succeeds()
    assert server.until_ended(f"bye-{transport}")["end_reason"] == "the document hung up"


@TRANSPORTS
def test_an_invite_without_an_offer(server: Shared, hold: Hold, call: Call, transport: str) -> None:
    """The offer comes with the 200, the answer goes with the ACK, and there is sound after it."""
    caller = f"blank-{transport}"
    ear = hold(RtpPhone())
    offered = expect(200, has=["m=audio", "a=rtpmap:101 telephone-event/8000"])
    steps = [invite(""), offered, ack(audio()), *([nudge(), hangs_up(2)] if transport == "udp" else [BYE])]
    sipp = call("demo", caller, *steps, transport=transport, media=ear.port)
    server.until_listening(caller)
    ear.press("2")
    server.until_in_room("moderated", 1)
    ear.until_sounds()
    if transport == "udp":
        sipp.nudge()
    else:
        moderator = call(
            "demo", "chair", invite(), expect(200), ACK, nudge(), hangs_up(2), media=(mouth := hold(RtpPhone())).port
        )
        server.until_listening("chair")
        mouth.press("3")
        server.until_in_room("moderated", 2)
        moderator.nudge()
        moderator.succeeds()
    sipp.succeeds()
    server.until_no_room("moderated")


@TRANSPORTS
def test_a_cancel(server: Shared, call: Call, transport: str) -> None:
    """While it rings: 200 for the CANCEL, 487 for the INVITE."""
    caller = f"cancel-{transport}"
    ringing = '<recv response="100" optional="true"/><recv response="180"/>'
    cancel = """<send><![CDATA[
CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 CANCEL
Max-Forwards: 70
Content-Length: 0

]]></send>"""
    call(
        "ring",
        caller,
        invite(),
        ringing,
        cancel,
        expect(200, early=()),
        expect(487, early=()),
        refused(),
        transport=transport,
    ).succeeds()
    assert server.until_ended(caller)["status"] == "canceled"


def test_a_lost_ack_is_made_good_by_the_second_one(server: Shared, call: Call) -> None:
    """The 200 comes again (RFC 3261 13.3.1.4), and the call goes on with the ACK of that one."""
    sipp = call("stay", "acklost", invite(), expect(200), nudge(), ACK, nudge(), is_alive(2), hangs_up(3))
    until(lambda: sipp.trace.count("SIP/2.0 200 OK") >= 3, "the 200 again, and once more")
    sipp.nudge()
    until(lambda: "CSeq: 1 ACK" in sipp.trace, "the ACK goes out")
    sipp.nudge()
    sipp.succeeds()
    assert server.until_ended("acklost")["status"] == "completed"


def test_on_a_line_that_loses_every_tenth_message(server: Shared, call: Call) -> None:
    """Ten calls at once: what was lost is sent again by both sides, and each call is one call."""
    steps = (invite(), expect(200), ACK, is_alive(2), hangs_up(3))
    call("stay", "lossy", *steps, calls=10, lost_percent=10).succeeds()

    def lossy(**query: bool) -> list[Any]:
        return [entry for entry in server.calls(**query) if ":lossy@" in entry["from_uri"]]

    until(lambda: len(lossy(live=False)) == 10, "all end")
    assert {entry["status"] for entry in lossy()} == {"completed"}
    assert len(lossy()) == 10


# --- changes within the call ------------------------------------------------------------------------------------------

HOLDS = {
    "sendonly": (audio("sendonly", version=2), "a=recvonly"),
    "inactive": (audio("inactive", version=2), "a=inactive"),
    "zero-address": (audio(version=2, host="0.0.0.0"), "a=(recvonly|inactive)"),
}


@TRANSPORTS
@pytest.mark.parametrize("spelling", HOLDS)
def test_hold_and_resume(server: Shared, hold: Hold, call: Call, spelling: str, transport: str) -> None:
    """While it is held it gets no packet; afterwards it hears again."""
    body, answered = HOLDS[spelling]
    caller = f"{spelling}-{transport}"
    ear = hold(RtpPhone())
    held = (invite(body, cseq=2, within=True), expect(200, has=[answered]), ack(cseq=2))
    resumed = (
        invite(audio("sendrecv", version=3), cseq=3, within=True),
        expect(200, lacks=["a=(recvonly|inactive|sendonly)"]),
        ack(cseq=3),
    )
    wait = nudge() if transport == "udp" else ""
    steps = (invite(), expect(200), ACK, wait, *held, wait, *resumed, wait, is_alive(4), hangs_up(5))
    sipp = call("hold", caller, *steps, transport=transport, media=ear.port)
    if transport == "udp":
        server.until_in_room("hold", 1)
        ear.until_sounds()
        sipp.nudge()
        until(lambda: "CSeq: 2 ACK" in sipp.trace, "it is held")
        ear.until_quiet()
        sipp.nudge()
        until(lambda: "CSeq: 3 ACK" in sipp.trace, "it is resumed")
        mark = ear.length
        until(lambda: ear.length > mark + RATE_HZ, "packets after the resume")
        ear.until_sounds()
        sipp.nudge()
    sipp.succeeds()
    assert server.until_ended(caller)["end_reason"] == "the caller hung up"


def test_fax_within_the_call_is_refused_and_the_call_goes_on(call: Call) -> None:
    steps = (invite(FAX, cseq=2, within=True), expect(488), refused(cseq=2, within=True), is_alive(3), hangs_up(4))
    call("stay", "fax", invite(), expect(200), ACK, *steps).succeeds()


def test_another_codec_within_the_call(call: Call) -> None:
    alaw = audio(version=2, formats="8 101")
    steps = (invite(alaw, cseq=2, within=True), expect(200, has=["m=audio [0-9]+ RTP/AVP 8"]), ack(cseq=2), hangs_up(3))
    call("stay", "alaw", invite(), expect(200, has=["m=audio [0-9]+ RTP/AVP 0"]), ACK, *steps).succeeds()


def test_a_session_timer_is_agreed_on_and_refreshed(call: Call) -> None:
    """RFC 4028: by a re-INVITE and by an UPDATE without a body; 422 for less than 90 seconds."""
    timer = "Supported: timer\nSession-Expires: {}\n"
    agreed = expect(200, has=["Session-Expires: *90 *; *refresher=uac", "Require: *timer"])
    short = (invite(headers=timer.format(30)), expect(422, has=["Min-SE: *90"]), refused())
    call("stay", "short", *short).succeeds()
    refresh = timer.format("90;refresher=uac")
    steps = [invite(headers=timer.format(90)), agreed, ACK]
    steps += [invite(audio(), cseq=2, headers=refresh, within=True), agreed, ack(cseq=2)]
    steps += [request("UPDATE", cseq=3, headers=refresh), agreed, hangs_up(4)]
    call("stay", "timer", *steps).succeeds()


def test_a_transfer_is_declined_and_the_call_goes_on(call: Call) -> None:
    refer = request("REFER", cseq=2, headers="Refer-To: <sip:elsewhere@127.0.0.1>\n")
    call("stay", "refer", invite(), expect(200), ACK, refer, expect(603), is_alive(3), hangs_up(4)).succeeds()


# --- what is refused, and what is asked outside of calls --------------------------------------------------------------


def test_reliable_provisional_answers_cannot_be_required(call: Call) -> None:
    steps = (invite(headers="Require: 100rel\n"), expect(420, has=["Unsupported: *100rel"]), refused())
    call("stay", "prack", *steps).succeeds()


def test_an_unknown_number_is_not_found(call: Call) -> None:
    call("nobody-has-this", "lost", invite(), expect(404), refused()).succeeds()


def test_no_codec_in_common(call: Call) -> None:
    call("stay", "g729", invite(G729), expect(488), refused()).succeeds()


@TRANSPORTS
def test_options_outside_of_a_call(call: Call, transport: str) -> None:
    has = ["Allow:.*INVITE", "Accept: *application/sdp", "Supported:.*timer"]
    call(
        "demo",
        f"options-{transport}",
        request("OPTIONS", cseq=1, within=False),
        expect(200, has=has),
        transport=transport,
    ).succeeds()


@pytest.mark.parametrize(
    ("method", "status"), [("BYE", 481), ("INFO", 481), ("UPDATE", 481), ("DANCE", 501), ("MESSAGE", 405)]
)
def test_outside_of_a_call_there_is_nothing_to_change(call: Call, method: str, status: int) -> None:
    stray = request(method, cseq=1, within=False).replace(
        "[remote_port]>\nCall-ID", "[remote_port]>;tag=nobody\nCall-ID"
    )
    call("demo", f"stray-{method.lower()}", stray, expect(status)).succeeds()


# --- last, because it takes its time ----------------------------------------------------------------------------------


def test_without_any_ack_the_server_hangs_up(server: Shared, never_acknowledged: Sipp) -> None:
    """After 64 T1, with a BYE (RFC 3261 13.3.1.4)."""
    never_acknowledged.succeeds()
    ended = server.until_ended("nina")
    assert (ended["status"], ended["end_reason"]) == ("failed", "the answer was never acknowledged")
