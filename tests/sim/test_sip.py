"""Dialogs as a far end sees them that keeps every rule, or breaks one."""

from __future__ import annotations

import re
import struct

import pytest
from sip_peer import HOST, Peer, Talk
from structlog.testing import capture_logs

from roomtone._native import Batch
from roomtone.testing.world import SERVER_HOST, World, simulated

LONG = '<Response><Pause length="0"/><Gather timeout="3600"/></Response>'
SESSION = b"v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"


async def _talk(world: World, document: str = LONG) -> Talk:
    world.application(document)
    await world.start()
    return Talk(Peer(world))


def _direction(body: bytes) -> str:
    match = re.search(rb"a=(sendrecv|sendonly|recvonly|inactive)", body)
    return match[1].decode() if match else "sendrecv"


# --- answer and end ---------------------------------------------------------------------------------------------------


@simulated()
async def test_invite_answer_and_bye(world: World) -> None:
    talk = await _talk(world)
    answer = await talk.invite()
    assert answer.status == 200
    assert answer.to_tag
    assert answer.contact_uri.startswith(f"sip:{SERVER_HOST}:5060")
    assert "UPDATE" in (answer.header("Allow") or "")
    assert (await talk.ask("BYE")).status == 200
    await world.clock.sleep(1)
    assert len(world.server.switchboard) == 0
    assert (await talk.ask("BYE")).status == 481


@simulated()
async def test_an_invite_without_an_offer_is_answered_with_one(world: World) -> None:
    talk = await _talk(world)
    answer = await talk.invite(b"", ack=False)
    assert answer.status == 200
    assert b"m=audio" in answer.body
    (call,) = world.server.switchboard
    assert not call.answered, "nothing is settled before the ACK"
    talk.ack(talk.sdp())
    await world.clock.sleep(0.5)
    assert call.answered


@simulated()
async def test_an_ack_without_the_answer_ends_the_call(world: World) -> None:
    talk = await _talk(world)
    await talk.invite(b"")
    await talk.peer.next_request("BYE")
    await world.clock.sleep(1)
    assert len(world.server.switchboard) == 0


@simulated()
async def test_without_an_ack_there_is_a_bye_after_thirty_two_seconds(world: World) -> None:
    talk = await _talk(world)
    await talk.invite(ack=False)
    before = world.clock.now()
    await talk.peer.next_request("BYE")
    assert world.clock.now() - before == pytest.approx(32, abs=1)
    await world.server.store.flush()
    (row,) = await world.server.store.calls.list(None)
    assert (row.status, row.end_reason) == ("failed", "the answer was never acknowledged")


@simulated()
async def test_our_bye_waits_for_the_ack(world: World) -> None:
    talk = await _talk(world)
    await talk.invite(ack=False)
    (call,) = world.server.switchboard
    call.hang_up("test")
    await world.clock.sleep(2)
    assert not talk.peer.asked
    talk.ack()
    await talk.peer.next_request("BYE")


@simulated()
async def test_a_cancel_gives_487(world: World) -> None:
    talk = await _talk(world, '<Response><Pause length="30"/></Response>')
    transaction, sent = talk.peer.begin("INVITE", talk.target, talk.headers("INVITE"), talk.sdp())
    await world.clock.sleep(2)
    assert 180 in sent.provisional
    talk.peer.core.sip_cancel(transaction)
    message = await sent.answer
    assert message is not None
    assert message.status == 487
    await world.clock.sleep(1)
    assert len(world.server.switchboard) == 0


@simulated()
async def test_our_bye_follows_the_route_set(world: World) -> None:
    talk = await _talk(world)
    talk.extra = (("Record-Route", f"<sip:{HOST}:5060;lr>"),)
    await talk.invite()
    talk.extra = ()
    (call,) = world.server.switchboard
    await world.clock.sleep(0.5)
    call.hang_up("test")
    bye = await talk.peer.next_request("BYE")
    assert bye.message.header("Route") == f"<sip:{HOST}:5060;lr>"
    assert bye.message.uri == f"sip:peer@{HOST}:5060"
    assert bye.message.to_tag == "peer"


# --- offers that cannot be taken ------------------------------------------------------------------------------------


@simulated()
async def test_an_offer_without_usable_audio_is_refused(world: World) -> None:
    talk = await _talk(world)
    offer = SESSION + b"m=audio 4000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n"
    assert (await talk.invite(offer)).status == 488
    assert (await Talk(talk.peer, "other").invite(b"no description at all")).status == 400
    assert world.server.core.stats()["legs"] == 0
    assert world.asked == [], "nobody is asked about a call that cannot be"


@simulated()
async def test_a_name_instead_of_a_media_address_is_refused_and_the_log_says_why(world: World) -> None:
    talk = await _talk(world)
    offer = talk.sdp().replace(f"c=IN IP4 {HOST}".encode(), b"c=IN IP4 phone.example.com")
    with capture_logs() as log:
        answer = await talk.invite(offer)
    assert answer.status == 488
    (said,) = [row for row in log if row["event"] == "sip.rejected"]
    assert "is a name; names are not looked up" in said["reason"]
    assert said["reason"] in (answer.header("Warning") or "")


@simulated()
async def test_t38_within_the_call_is_refused_and_the_call_goes_on(world: World) -> None:
    talk = await _talk(world)
    await talk.invite()
    fax = SESSION + b"m=image 4000 udptl t38\r\n"
    assert (await talk.ask("INVITE", fax)).status == 488
    assert (await talk.ask("OPTIONS")).status == 200
    assert len(world.server.switchboard) == 1


# --- changes within the call ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(
    ("ours", "theirs"), [("sendonly", "recvonly"), ("inactive", "inactive"), ("recvonly", "sendonly")]
)
def test_hold_and_resume(method: str, ours: str, theirs: str) -> None:
    @simulated()
    async def scenario(world: World) -> None:
        talk = await _talk(world)
        await talk.invite()
        held = await talk.ask(method, talk.sdp(ours, version=2))
        assert held.status == 200
        assert _direction(held.body) == theirs
        if method == "INVITE":
            talk.ack()
        resumed = await talk.ask(method, talk.sdp("sendrecv", version=3))
        assert _direction(resumed.body) == "sendrecv"
        if method == "INVITE":
            talk.ack()
        await world.clock.sleep(40)
        assert len(world.server.switchboard) == 1

    scenario()


@simulated()
async def test_the_old_spelling_of_hold(world: World) -> None:
    talk = await _talk(world)
    await talk.invite()
    held = await talk.ask(
        "INVITE", talk.sdp(version=2).replace(f"IN IP4 {HOST}\r\nt=".encode(), b"IN IP4 0.0.0.0\r\nt=")
    )
    assert held.status == 200
    assert _direction(held.body) == "recvonly"
    talk.ack()


@simulated()
async def test_the_codec_may_change(world: World) -> None:
    talk = await _talk(world)
    first = await talk.invite()
    assert b"RTP/AVP 0" in first.body
    second = await talk.ask("INVITE", talk.sdp(codecs=("PCMA",), version=2))
    assert b"RTP/AVP 8" in second.body
    talk.ack()


@simulated()
async def test_a_reinvite_without_an_offer_gets_one(world: World) -> None:
    talk = await _talk(world)
    await talk.invite()
    answer = await talk.ask("INVITE")
    assert answer.status == 200
    assert b"m=audio" in answer.body
    talk.ack(talk.sdp(version=2))
    await world.clock.sleep(1)
    assert (await talk.ask("UPDATE", talk.sdp(version=3))).status == 200


@simulated()
async def test_glare_is_refused_with_491(world: World) -> None:
    talk = await _talk(world)
    await talk.invite()
    assert (await talk.ask("INVITE")).status == 200  # our offer is open until the ACK
    opened = talk.cseq
    assert (await talk.ask("UPDATE", talk.sdp(version=2))).status == 491
    talk.ack(talk.sdp(version=2), opened)


@simulated()
async def test_an_old_cseq_is_refused(world: World) -> None:
    talk = await _talk(world)
    await talk.invite()
    await talk.ask("OPTIONS")
    talk.cseq = 0
    assert (await talk.ask("OPTIONS")).status == 500


@simulated()
async def test_an_update_before_the_answer_is_asked_to_wait(world: World) -> None:
    talk = await _talk(world, '<Response><Pause length="5"/><Gather timeout="60"/></Response>')
    _, sent = talk.peer.begin("INVITE", talk.target, talk.headers("INVITE"), talk.sdp())
    await world.clock.sleep(1)
    talk.tag = next(iter(world.server.signalling.lines.values())).dialog.local_tag
    early = await talk.ask("UPDATE", talk.sdp(version=2))
    assert early.status == 500
    assert early.header("Retry-After") is not None
    message = await sent.answer
    assert message is not None
    assert message.status == 200


# --- session timers -------------------------------------------------------------------------------------------------


TIMER = ("Supported", "timer")


@simulated()
async def test_too_short_a_session_is_refused(world: World) -> None:
    talk = await _talk(world)
    refused = await talk.invite(None, TIMER, ("Session-Expires", "30"))
    assert refused.status == 422
    assert refused.header("Min-SE") == "90"


@simulated()
async def test_the_caller_refreshes_or_the_call_ends(world: World) -> None:
    talk = await _talk(world)
    answer = await talk.invite(None, TIMER, ("Session-Expires", "90"))
    assert answer.header("Session-Expires") == "90;refresher=uac"
    assert answer.header("Require") == "timer"
    await world.clock.sleep(50)
    refreshed = await talk.ask("UPDATE", b"", TIMER, ("Session-Expires", "90;refresher=uac"))
    assert refreshed.status == 200
    before = world.clock.now()
    await talk.peer.next_request("BYE")
    assert world.clock.now() - before == pytest.approx(60, abs=2)


@simulated()
async def test_we_refresh_when_it_is_ours_to_do(world: World) -> None:
    talk = await _talk(world)
    answer = await talk.invite(
        None, TIMER, ("Session-Expires", "100;refresher=uas"), ("Allow", "INVITE, ACK, BYE, UPDATE")
    )
    assert answer.header("Session-Expires") == "100;refresher=uas"
    before = world.clock.now()
    update = await talk.peer.next_request("UPDATE")
    assert world.clock.now() - before == pytest.approx(50, abs=1)
    assert update.message.header("Session-Expires") == "100;refresher=uac"
    timer = [("Session-Expires", "100;refresher=uac"), ("Contact", f"<sip:peer@{HOST}:5060>")]
    talk.peer.core.sip_respond(update.transaction, 200, "", timer)
    again = await talk.peer.next_request("UPDATE")
    talk.peer.core.sip_respond(again.transaction, 422, "", [("Min-SE", "200")])
    longer = await talk.peer.next_request("UPDATE")
    assert longer.message.header("Session-Expires") == "200;refresher=uac"
    talk.peer.core.sip_respond(longer.transaction, 481)
    await talk.peer.next_request("BYE")


@simulated()
async def test_a_refresh_by_reinvite_where_the_far_end_has_no_update(world: World) -> None:
    talk = await _talk(world)
    await talk.invite(None, TIMER, ("Session-Expires", "100;refresher=uas"))
    event = await talk.peer.next_request("INVITE")
    assert b"m=audio" in event.message.body
    talk.peer.core.sip_respond(
        event.transaction,
        200,
        "",
        [("Contact", f"<sip:peer@{HOST}:5060>"), ("Content-Type", "application/sdp")],
        talk.sdp(version=2),
        "peer",
    )
    await world.clock.sleep(1)
    assert len(talk.peer.acknowledged) == 1
    assert len(world.server.switchboard) == 1


WE_REFRESH = (TIMER, ("Session-Expires", "100;refresher=uas"), ("Allow", "INVITE, ACK, BYE, UPDATE"))


AGREED = [("Session-Expires", "100;refresher=uac"), ("Contact", f"<sip:peer@{HOST}:5060>")]


@pytest.mark.parametrize("status", [405, 501])
def test_a_refresh_by_a_method_that_the_far_end_does_not_know_is_tried_by_the_other(status: int) -> None:
    @simulated()
    async def scenario(world: World) -> None:
        talk = await _talk(world)
        await talk.invite(None, *WE_REFRESH)
        update = await talk.peer.next_request("UPDATE")
        talk.peer.core.sip_respond(update.transaction, status)
        before = world.clock.now()
        invite = await talk.peer.next_request("INVITE")
        assert world.clock.now() - before < 1
        talk.peer.core.sip_respond(
            invite.transaction,
            200,
            "",
            [*AGREED, ("Content-Type", "application/sdp")],
            talk.sdp(version=2),
            "",
        )
        again = await talk.peer.next_request("INVITE")
        assert again.message.cseq > invite.message.cseq, "the next one by the same method at once"
        talk.peer.core.sip_respond(again.transaction, status)
        await talk.peer.next_request("BYE")
        assert not [event for event in talk.peer.asked if event.message.method == "UPDATE"], "each is tried once"

    scenario()


@pytest.mark.parametrize("status", [500, 503, 491])
def test_a_refresh_that_cannot_be_now_is_tried_again_within_the_interval(status: int) -> None:
    @simulated()
    async def scenario(world: World) -> None:
        talk = await _talk(world)
        await talk.invite(None, *WE_REFRESH)
        first = await talk.peer.next_request("UPDATE")
        talk.peer.core.sip_respond(first.transaction, status)
        before = world.clock.now()
        again = await talk.peer.next_request("UPDATE")
        assert world.clock.now() - before < 15
        talk.peer.core.sip_respond(again.transaction, 200, "", AGREED)
        await world.clock.sleep(20)
        assert len(world.server.switchboard) == 1

    scenario()


@simulated()
async def test_a_refresh_waits_as_long_as_it_is_told_and_its_session_runs_out_in_the_end(world: World) -> None:
    talk = await _talk(world)
    await talk.invite(None, *WE_REFRESH)
    began = world.clock.now()
    first = await talk.peer.next_request("UPDATE")
    talk.peer.core.sip_respond(first.transaction, 503, "", [("Retry-After", "7")])
    before = world.clock.now()
    talk.peer.answers["UPDATE"] = 500
    await talk.peer.next_request("UPDATE")
    assert world.clock.now() - before == pytest.approx(7, abs=0.5)
    await talk.peer.next_request("BYE")
    assert world.clock.now() - began == pytest.approx(100 - 32, abs=2)


@pytest.mark.parametrize("status", [408, 481])
def test_a_refresh_to_somebody_who_knows_nothing_of_the_call_ends_it(status: int) -> None:
    @simulated()
    async def scenario(world: World) -> None:
        talk = await _talk(world)
        await talk.invite(None, *WE_REFRESH)
        talk.peer.answers["UPDATE"] = status
        await talk.peer.next_request("UPDATE")
        before = world.clock.now()
        await talk.peer.next_request("BYE")
        assert world.clock.now() - before < 1

    scenario()


@simulated()
async def test_a_far_end_that_never_has_long_enough_is_not_asked_for_ever(world: World) -> None:
    talk = await _talk(world)
    await talk.invite(None, *WE_REFRESH)
    for least_s in range(200, 700, 100):
        update = await talk.peer.next_request("UPDATE")
        talk.peer.core.sip_respond(update.transaction, 422, "", [("Min-SE", str(least_s))])
    last = await talk.peer.next_request("UPDATE")
    assert last.message.header("Session-Expires") == "600;refresher=uac"
    assert last.message.header("Min-SE") == "600"
    talk.peer.core.sip_respond(last.transaction, 422, "", [("Min-SE", "700")])
    await talk.peer.next_request("BYE")
    assert not [event for event in talk.peer.asked if event.message.method == "UPDATE"]


# --- media that stays away -------------------------------------------------------------------------------------------


@simulated()
async def test_reports_alone_keep_a_call_whose_packets_stay_away(world: World) -> None:
    """A25: RTCP is a sign of life like RTP; a minute after the last of either the call ends."""
    talk = await _talk(world)
    answer = await talk.invite()
    port = int(re.search(rb"m=audio (\d+)", answer.body)[1])  # type: ignore[index]
    batch = Batch()
    batch.close_leg(talk.leg)
    talk.peer.core.submit(batch)
    report = struct.pack("!BBHI", 0x80, 201, 1, 1)
    for _ in range(6):
        await world.clock.sleep(30)
        world.network.inject((HOST, talk.port + 1), (SERVER_HOST, port + 1), report)
    before = world.clock.now()
    await talk.peer.next_request("BYE")
    assert world.clock.now() - before == pytest.approx(60, abs=2)


# --- other methods --------------------------------------------------------------------------------------------------


@simulated()
async def test_other_methods_within_the_call(world: World) -> None:
    talk = await _talk(world)
    await talk.invite()
    assert (await talk.ask("REFER", b"", ("Refer-To", "<sip:x@y>"))).status == 603
    assert (await talk.ask("INFO")).status == 200
    assert (
        await talk.peer.request(
            "INFO", talk.target, [*talk.headers("INFO"), ("Content-Type", "application/dtmf-relay")], b""
        )
    ).status == 200
    assert (await talk.ask("OPTIONS")).header("Allow") is not None


RELAY = ("Content-Type", "application/dtmf-relay")
BARE = ("Content-Type", "application/dtmf")


@simulated()
async def test_a_caller_who_sends_keys_by_info_passes_the_menu(world: World) -> None:
    menu = '<Response><Gather action="/join" numDigits="2"><Say loop="9">Press any two keys, please</Say></Gather></Response>'
    talk = await _talk(world, menu)
    world.application(LONG, "/join")
    await talk.invite()
    await world.clock.sleep(2)
    assert (await talk.ask("INFO", b"Signal=5\r\nDuration=160\r\n", RELAY)).status == 200
    await world.clock.sleep(1)
    assert world.requests("/join") == []
    assert (await talk.ask("INFO", b"#x", BARE)).status == 400
    assert (await talk.ask("INFO", b"Signal\r\n", RELAY)).status == 400
    other = await talk.ask("INFO", b"5", ("Content-Type", "application/media_control+xml"))
    assert other.status == 415
    assert "application/dtmf-relay" in (other.header("Accept") or "")
    assert (await talk.ask("INFO", b"11", BARE)).status == 200
    await world.clock.sleep(1)
    assert world.requests("/join")[0].parameters["Digits"] == "5", "11 is the #, which finishes"


@simulated()
async def test_in_a_room_keys_by_info_are_made_again_for_the_others_and_the_star_leaves(world: World) -> None:
    room = '<Dial action="/left" hangupOnStar="true"><Conference beep="false">R</Conference></Dial>'
    talk = await _talk(world, f"<Response>{room}</Response>")
    world.application(LONG, "/left")
    berta = await world.call()
    await talk.invite()
    await world.clock.sleep(1)
    await talk.ask("INFO", b"Signal= 7\nDuration= 250\n", RELAY)
    await world.clock.sleep(1)
    assert berta.ear.digits == "7"
    await talk.ask("INFO", b"*", BARE)
    await world.clock.sleep(1)
    assert len(world.requests("/left")) == 1


@simulated()
async def test_outside_of_a_call(world: World) -> None:
    """A22."""
    talk = await _talk(world)
    options = await talk.ask("OPTIONS")
    assert options.status == 200
    assert "INVITE" in (options.header("Allow") or "")
    assert options.header("Accept") == "application/sdp, multipart/mixed"
    assert options.header("Supported") == "timer"
    talk.tag = "unknown"
    for method in ("BYE", "INFO", "UPDATE", "OPTIONS", "REFER"):
        assert (await talk.ask(method)).status == 481
    assert (await talk.ask("INVITE", talk.sdp())).status == 481
    assert (await talk.ask("MESSAGE")).status == 405
    assert (await talk.ask("DANCE")).status == 501


@simulated()
async def test_reliable_provisional_answers_are_refused(world: World) -> None:
    talk = await _talk(world)
    refused = await talk.invite(None, ("Require", "100rel"))
    assert refused.status == 420
    assert refused.header("Unsupported") == "100rel"
