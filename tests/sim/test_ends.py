"""How calls end, and what everybody else notices of it."""

from __future__ import annotations

import pytest
from tone_file import tone_file

from roomtone.calls.dialect import CallStatus
from roomtone.store.rows import CallRow
from roomtone.testing.caller import RefusedError
from roomtone.testing.world import Answer, World, simulated

ROOM = '<Response><Dial action="/left"><Conference beep="false">Room</Conference></Dial></Response>'
MUTED = {"+1": 'muted="true"'}


async def _rows(world: World) -> list[CallRow]:
    """Oldest first."""
    await world.server.store.flush()
    return sorted(await world.server.store.calls.list(None), key=lambda row: row.created_at)


@simulated()
async def test_a_hang_up_in_a_room_asks_the_action_once_and_runs_nothing_of_it(world: World) -> None:
    """A7, T14."""
    world.application(ROOM)
    world.application("<Response><Redirect>/never</Redirect></Response>", "/left")
    await world.start()
    anna = await world.call()
    berta = await world.call()
    await world.clock.sleep(1)
    berta.hang_up()
    await world.clock.sleep(2)
    (asked,) = world.requests("/left")
    assert asked.parameters["CallStatus"] == "completed"
    assert asked.parameters["DialCallStatus"] == "answered"
    assert world.requests("/never") == []
    assert not anna.ended.done()
    assert [row.status for row in await _rows(world)] == ["in-progress", "completed"]
    assert len(world.server.switchboard) == 1


@simulated()
async def test_a_hang_up_while_waiting_alone_ends_room_and_call(world: World) -> None:
    world.application(ROOM)
    world.application("<Response/>", "/left")
    await world.start()
    anna = await world.call()
    await world.clock.sleep(2)
    anna.hang_up()
    await world.clock.sleep(1)
    assert world.server.conferences.rooms_active == 0
    assert len(world.server.switchboard) == 0
    stats = world.server.core.stats()
    assert (stats["legs"], stats["buses"]) == (0, 0)


@simulated()
async def test_a_hang_up_in_a_prompt_stops_the_document_at_once(world: World) -> None:
    world.application("<Response><Play loop='0'>/tone</Play><Redirect>/never</Redirect></Response>")
    world.application(tone_file(400, 1.0), "/tone")
    await world.start()
    call = await world.call()
    await world.clock.sleep(2)
    call.hang_up()
    await world.clock.sleep(1)
    (row,) = await _rows(world)
    assert (row.status, row.end_reason) == ("completed", "the caller hung up")
    (request,) = [row for row in world.server.journal.rows() if row.kind == "voice"]
    assert [(verb["outcome"], verb["reason"]) for verb in request.verbs] == [("ran", "cut short"), ("not_reached", "")]
    assert world.requests("/never") == []


@simulated()
async def test_a_hang_up_while_the_application_thinks_is_taken_at_once(world: World) -> None:
    world.application('<Response><Gather numDigits="1" action="/slow"/></Response>')
    world.application(
        Answer("<Response><Redirect>/never</Redirect></Response>", headers={"X-Roomtone-Test-Delay": "5"}), "/slow"
    )
    await world.start()
    call = await world.call(keys="?1")
    await world.clock.sleep(1)
    assert len(world.requests("/slow")) == 1
    call.hang_up()
    await world.clock.sleep(1)
    assert [row.status for row in await _rows(world)] == ["completed"]
    assert len(world.server.switchboard) == 0
    await world.clock.sleep(10)
    assert world.requests("/never") == []


@simulated()
async def test_a_caller_who_gives_up_before_the_answer(world: World) -> None:
    world.application('<Response><Pause length="30"/><Redirect>/never</Redirect></Response>')
    await world.start()
    with pytest.raises(RefusedError) as refused:
        await world.phone.dial("sip:+15550100@10.0.0.1", answer_s_max=5)
    assert refused.value.status == 408
    await world.clock.sleep(60)
    assert world.requests("/never") == []
    (row,) = await _rows(world)
    assert (row.status, row.answered_at) == (CallStatus.CANCELED, None)
    assert world.server.core.stats()["legs"] == 0


@simulated()
async def test_a_caller_that_vanishes_ends_by_rule_and_others_hear_nothing_odd(world: World) -> None:
    """A25."""
    world.application(ROOM)
    world.application("<Response/>", "/left")
    await world.start()
    anna = await world.call(tone=500)
    berta = await world.call(tone=700)
    carla = await world.call()
    await world.clock.sleep(2)
    gone = world.clock.now()
    anna.vanish()
    await world.clock.sleep(70)
    rows = await _rows(world)
    assert rows[0].end_reason == "no packets from the caller"
    assert rows[0].status == "completed"
    assert rows[0].ended_at is not None
    seconds = (rows[0].ended_at - world.clock.EPOCH).total_seconds() - gone
    assert seconds == pytest.approx(60, abs=2)
    assert carla.ear.hears(700, gone - 1)
    assert carla.ear.hears_not(500, gone + 1)
    assert not berta.ended.done()


@simulated(settings={"sip": {"rtp_timeout": 5}})
async def test_the_operator_decides_how_long_a_caller_may_be_silent(world: World) -> None:
    """A25: the switch."""
    world.application('<Response><Gather timeout="600"/></Response>')
    await world.start()
    anna = await world.call()
    await world.clock.sleep(20)
    assert not anna.ended.done()
    anna.vanish()
    await world.clock.sleep(6)
    assert [row.end_reason for row in await _rows(world)] == ["no packets from the caller"]


@simulated()
async def test_a_caller_on_hold_is_not_missed(world: World) -> None:
    """A25: suspended while its direction says that it sends nothing."""
    world.application(ROOM)
    world.application("<Response/>", "/left")
    await world.start()
    anna = await world.call(tone=500)
    berta = await world.call(tone=700)
    await world.clock.sleep(2)
    anna.hold("inactive")
    await world.clock.sleep(90)
    assert not anna.ended.done()
    assert berta.ear.silence()
    anna.hold("sendrecv")
    await world.clock.sleep(3)
    assert berta.ear.hears(500)
    assert anna.ear.hears(700)


@pytest.mark.parametrize("number", ["+15550199", "nobody", "15550100x"])
def test_an_unknown_number_is_not_found(number: str) -> None:
    """A23: a number, a name, and what is neither, all alike."""

    @simulated()
    async def scenario(world: World) -> None:
        await world.start()
        with pytest.raises(RefusedError) as refused:
            await world.call(number)
        assert refused.value.status == 404
        assert world.asked == []
        assert await _rows(world) == []
        assert world.server.core.stats()["legs"] == 0

    scenario()


@simulated(settings={"sip": {"public": False}})
async def test_where_strangers_may_not_call_every_number_is_unknown(world: World) -> None:
    world.application("<Response/>")
    await world.start()
    with pytest.raises(RefusedError) as refused:
        await world.call()
    assert refused.value.status == 404
    assert world.asked == []


@simulated(settings={"limits": {"calls": 1}})
async def test_beyond_the_limit_callers_are_asked_to_come_again(world: World) -> None:
    world.application(ROOM)
    world.application("<Response/>", "/left")
    await world.start()
    anna = await world.call()
    with pytest.raises(RefusedError) as refused:
        await world.call()
    assert refused.value.status == 503
    anna.hang_up()
    await world.clock.sleep(1)
    await world.call()


@simulated()
async def test_a_number_whose_dialect_is_not_built_is_refused_and_the_log_says_so(world: World) -> None:
    world.number_settings["dialect"] = "plivo"
    world.application("<Response/>")
    await world.start()
    with pytest.raises(RefusedError) as refused:
        await world.call()
    assert refused.value.status == 480
    await world.server.store.flush()
    (entry,) = await world.server.store.debug.list(None)
    assert "plivo" in entry.message


@simulated()
async def test_when_the_server_stops_everybody_gets_a_bye(world: World) -> None:
    world.application(ROOM)
    world.application("<Response/>", "/left")
    await world.start()
    anna = await world.call()
    berta = await world.call()
    await world.clock.sleep(1)
    await world.server.switchboard.stop()
    assert await anna.ended == "the far end hung up"
    assert await berta.ended == "the far end hung up"


@simulated()
async def test_keys_are_passed_on_in_a_room_but_not_those_of_the_muted(world: World) -> None:
    """A26."""
    world.application(
        lambda asked: (
            f"<Response><Dial><Conference {MUTED.get(asked.parameters['From'], '')}>R</Conference></Dial></Response>"
        )
    )
    await world.start()
    muted = await world.call(caller="+1")
    anna = await world.call(caller="+2")
    berta = await world.call(caller="+3")
    await world.clock.sleep(1)
    await muted.keys("9")
    await anna.keys("5#")
    await world.clock.sleep(1)
    assert (muted.ear.digits, anna.ear.digits, berta.ear.digits) == ("5#", "", "5#")


@simulated()
async def test_a_full_room_refuses_and_the_document_goes_on(world: World) -> None:
    """T4."""
    world.application('<Response><Dial action="/left"><Conference maxParticipants="2">R</Conference></Dial></Response>')
    world.application("<Response><Hangup/></Response>", "/left")
    await world.start()
    await world.call()
    await world.call()
    third = await world.call()
    await third.ended
    (asked,) = world.requests("/left")
    assert asked.parameters["DialCallStatus"] == "failed"
    await world.server.store.flush()
    assert [row.code for row in await world.server.store.debug.list(None)] == [16020]
    assert world.server.conferences.participants_active == 2


@simulated()
async def test_a_room_for_one_says_so_in_the_singular(world: World) -> None:
    world.application('<Response><Dial><Conference maxParticipants="1">R</Conference></Dial></Response>')
    await world.start()
    await world.call()
    second = await world.call()
    await second.ended
    await world.server.store.flush()
    (entry,) = await world.server.store.debug.list(None)
    assert entry.message.endswith("is full: 1 participant")
