"""Gather: which keys count, when it is over, and what the application is asked."""

from __future__ import annotations

import pytest
from tone_file import tone_file

from roomtone.testing.caller import RobotCall
from roomtone.testing.world import World, simulated

LONG_PROMPT = '<Say loop="5">Please press a key, any key at all, whenever you like.</Say>'
THEN = "<Response><Pause/></Response>"


async def _gather(
    world: World, attributes: str, inside: str = "", after: str = "<Redirect>/empty</Redirect>"
) -> RobotCall:
    """A caller whose document gathers."""
    world.application(f'<Response><Gather action="/keys" {attributes}>{inside}</Gather>{after}</Response>')
    world.application(THEN, "/keys")
    world.application(THEN, "/empty")
    await world.start()
    return await world.call()


def _digits(world: World) -> list[str]:
    return [asked.parameters["Digits"] for asked in world.requests("/keys")]


@simulated()
async def test_num_digits_ends_it_at_once(world: World) -> None:
    call = await _gather(world, 'numDigits="3"')
    await call.keys("W123")
    pressed = world.clock.now()
    await call.ended
    assert _digits(world) == ["123"]
    assert world.requests("/keys")[0].time_s < pressed + 0.1


@simulated()
async def test_finish_on_key_ends_it_and_is_not_sent(world: World) -> None:
    call = await _gather(world, "")
    await call.keys("W42#")
    await call.ended
    assert _digits(world) == ["42"]


@simulated()
async def test_an_empty_finish_on_key_lets_every_key_count(world: World) -> None:
    call = await _gather(world, 'finishOnKey="" timeout="2"')
    await call.keys("W4#*")
    await call.ended
    assert _digits(world) == ["4#*"]


@simulated()
async def test_the_timeout_counts_again_after_each_key(world: World) -> None:
    call = await _gather(world, 'timeout="3"')
    await call.keys("WW1WW2WW3")
    last = world.clock.now()
    await call.ended
    assert _digits(world) == ["123"]
    assert world.requests("/keys")[0].time_s == pytest.approx(last - 0.2 + 3.0, abs=0.2)


@simulated()
async def test_without_a_key_the_next_verb_follows_after_the_prompts_and_the_timeout(world: World) -> None:
    call = await _gather(world, 'timeout="4"', '<Pause length="3"/>')
    answered = world.clock.now()
    await call.ended
    assert _digits(world) == []
    assert world.requests("/empty")[0].time_s == pytest.approx(answered + 7.0, abs=0.2)


@simulated()
async def test_action_on_empty_result_asks_the_action_all_the_same(world: World) -> None:
    call = await _gather(world, 'timeout="1" actionOnEmptyResult="true"')
    await call.ended
    assert _digits(world) == [""]
    assert world.requests("/empty") == []


@simulated()
async def test_only_the_finishing_key_is_like_no_key(world: World) -> None:
    call = await _gather(world, "")
    await call.keys("W#")
    await call.ended
    assert _digits(world) == []
    assert len(world.requests("/empty")) == 1


@simulated()
async def test_a_key_ends_the_prompts_in_the_moment_in_which_it_begins(world: World) -> None:
    call = await _gather(world, 'timeout="5"', LONG_PROMPT)
    await call.until(lambda ear: ear.level_dbm0() > -40)
    await call.keys("1")
    pressed = call.now_s() - 0.2
    await call.until(lambda ear: ear.silent_for_s() >= 1.0)
    quiet_since = call.now_s() - call.ear.silent_for_s()
    assert quiet_since - pressed < 0.4
    await call.ended
    assert _digits(world) == ["1"]


@simulated()
async def test_keys_of_the_last_half_second_before_it_count(world: World) -> None:
    """A27."""
    world.application('<Response><Play>/tone</Play><Gather action="/keys" numDigits="2"/></Response>')
    world.application(tone_file(400, 2.0), "/tone")
    world.application(THEN, "/keys")
    await world.start()
    call = await world.call()
    await call.until(lambda ear: ear.hears(400))
    await call.keys("6")
    await call.until(lambda ear: len(ear.heard(0.0)) >= 17)
    await call.keys("7W8")
    await call.ended
    assert _digits(world) == ["78"], "6 came too early"


@simulated()
async def test_without_an_action_the_document_itself_is_asked(world: World) -> None:
    world.application(
        lambda asked: (
            "<Response><Hangup/></Response>"
            if "Digits" in asked.parameters
            else '<Response><Gather numDigits="1"/></Response>'
        )
    )
    await world.start()
    call = await world.call()
    await call.keys("W5")
    await call.ended
    assert [asked.parameters.get("Digits") for asked in world.requests("/voice")] == [None, "5"]


@simulated()
async def test_the_call_says_that_it_listens_only_while_it_does(world: World) -> None:
    call = await _gather(world, 'timeout="2"', after='<Pause length="2"/>')
    (live,) = world.server.switchboard
    await world.clock.sleep(1)
    assert live.listening
    await world.clock.sleep(2)
    assert not live.listening
    await call.ended


@simulated()
async def test_the_action_may_be_asked_by_get(world: World) -> None:
    call = await _gather(world, 'method="GET" numDigits="2"')
    await call.keys("W*1")
    await call.ended
    (asked,) = world.requests("/keys")
    assert (asked.method, asked.parameters["Digits"], asked.parameters["CallStatus"]) == ("GET", "*1", "in-progress")


@simulated()
async def test_another_finishing_key_leaves_the_usual_one_a_digit(world: World) -> None:
    call = await _gather(world, 'finishOnKey="*"')
    await call.keys("W4#2*")
    await call.ended
    assert _digits(world) == ["4#2"]


@simulated()
async def test_the_finishing_key_submits_before_all_digits_are_there(world: World) -> None:
    call = await _gather(world, 'numDigits="5"')
    await call.keys("W12#")
    pressed = world.clock.now()
    await call.ended
    assert _digits(world) == ["12"]
    assert world.requests("/keys")[0].time_s < pressed + 0.1


@simulated()
async def test_fewer_digits_than_asked_for_are_sent_after_the_timeout(world: World) -> None:
    call = await _gather(world, 'numDigits="5" timeout="2"')
    await call.keys("W12")
    await call.ended
    assert _digits(world) == ["12"]


@simulated()
async def test_prompts_of_all_kinds_play_in_their_order_and_what_may_not_stand_there_is_left_out(world: World) -> None:
    inside = "<Play>/tone</Play><Pause length='1'/><Dial>1</Dial><Play loop='2'>/tone</Play>"
    world.application(tone_file(400, 1.0), "/tone")
    call = await _gather(world, 'timeout="1"', inside)
    await call.ended
    start = next(window.time_s for window in call.ear.windows if window.dbm0 > -30)
    assert call.ear.hears(400, start + 0.1, start + 0.9)
    assert call.ear.silence(start + 1.1, start + 1.9)
    assert call.ear.hears(400, start + 2.1, start + 3.9)
    assert call.ear.silence(start + 4.2)
    await world.server.store.flush()
    assert [row.code for row in await world.server.store.debug.list(None)] == [13320]


@simulated()
async def test_without_a_key_at_the_end_of_a_document_the_call_ends(world: World) -> None:
    call = await _gather(world, 'timeout="1"', after="")
    await call.ended
    assert [asked.path for asked in world.asked] == ["/voice"]


@simulated()
async def test_wrong_values_leave_the_defaults_in_force(world: World) -> None:
    """A8: five seconds, #, any number of digits, POST."""
    call = await _gather(world, 'timeout="soon" finishOnKey="hash" numDigits="0" method="PUT"')
    await call.keys("W1WW2#")
    await call.ended
    (asked,) = world.requests("/keys")
    assert (asked.method, asked.parameters["Digits"]) == ("POST", "12")
    await world.server.store.flush()
    assert sorted(row.code for row in await world.server.store.debug.list(None)) == [13310, 13312, 13313, 13314]
