"""Documents that fail, that never end, and what the application is told."""

from __future__ import annotations

import pytest
from tone_file import tone_file

from roomtone.testing.caller import RefusedError
from roomtone.testing.world import ACCOUNT, Answer, Asked, World, simulated


async def _codes(world: World) -> list[int]:
    await world.server.store.flush()
    return [row.code for row in reversed(await world.server.store.debug.list(None))]


BAD = {
    "status 500": (Answer(status=500), 11200),
    "empty": (Answer(""), 11770),
    "not well formed": ("<Response><Say>", 12100),
    "DOCTYPE": ("<!DOCTYPE x [<!ENTITY a 'b'>]><Response/>", 12100),
    "wrong root": ("<Answer/>", 12102),
    "no content type": (Answer("<Response/>", content_type="application/octet-stream"), 12300),
    "too large": ("<Response>" + " " * 70_000 + "</Response>", 11750),
}


@pytest.mark.parametrize("name", BAD)
def test_without_a_fallback_the_call_ends_and_the_log_says_why(name: str) -> None:
    answer, code = BAD[name]

    @simulated()
    async def scenario(world: World) -> None:
        world.application(answer)
        await world.start()
        with pytest.raises(RefusedError) as refused:
            await world.call()
        assert refused.value.status == 500
        assert await _codes(world) == [code]
        (row,) = await world.server.store.calls.list(None)
        assert row.status == "failed"

    scenario()


@simulated()
async def test_the_fallback_is_asked_once_with_code_and_url(world: World) -> None:
    world.application("<Response><oops")
    world.application("<Response><Play>/tone</Play></Response>", "/fallback")
    world.application(tone_file(400, 1.0), "/tone")
    await _start_with_fallback(world)
    call = await world.call()
    await call.ended
    assert len([window for window in call.ear.windows if window.tone_dbm0(400) > -30]) >= 9
    (asked,) = world.requests("/fallback")
    assert asked.parameters["ErrorCode"] == "12100"
    assert asked.parameters["ErrorUrl"] == f"{world.url}/voice"
    assert asked.parameters["CallStatus"] == "ringing"


@simulated()
async def test_a_fallback_that_fails_too_ends_the_call(world: World) -> None:
    world.application(Answer(status=404))
    world.application("<Nonsense/>", "/fallback")
    await _start_with_fallback(world)
    with pytest.raises(RefusedError):
        await world.call()
    assert len(world.requests("/fallback")) == 1
    assert await _codes(world) == [11200, 12102]


@simulated()
async def test_a_failure_after_the_answer_hangs_up(world: World) -> None:
    world.application("<Response><Play>/tone</Play><Redirect>/gone</Redirect></Response>")
    world.application(tone_file(400, 0.5), "/tone")
    await world.start()
    call = await world.call()
    assert await call.ended == "the far end hung up"
    await world.server.store.flush()
    (row,) = await world.server.store.calls.list(None)
    assert row.status == "completed"
    assert "404" in row.end_reason


@simulated()
async def test_an_application_that_is_too_slow_is_cut_after_fifteen_seconds(world: World) -> None:
    world.application(Answer("<Response/>", headers={"X-Roomtone-Test-Delay": "20"}))
    await world.start()
    before = world.clock.now()
    with pytest.raises(RefusedError):
        await world.call()
    assert world.clock.now() - before == pytest.approx(15.0, abs=0.1)
    assert await _codes(world) == [11203]


@simulated()
async def test_an_application_that_takes_its_time_is_waited_for(world: World) -> None:
    world.application(Answer("<Response><Hangup/></Response>", headers={"X-Roomtone-Test-Delay": "10"}))
    await world.start()
    before = world.clock.now()
    call = await world.call()
    assert world.clock.now() - before == pytest.approx(10.0, abs=0.1)
    await call.ended


@simulated()
async def test_an_endless_chain_is_paced_and_then_ended(world: World) -> None:
    world.application("<Response><Redirect/></Response>")
    await world.start()
    with pytest.raises(RefusedError):
        await world.phone.dial("sip:+15550100@10.0.0.1", caller="x", answer_s_max=1000)
    times = [asked.time_s for asked in world.requests("/voice")]
    assert len(times) == 500
    assert times[19] < 1.0
    assert times[-1] == pytest.approx(480, abs=2)
    assert await _codes(world) == [11215, 11215]  # that it is slowed, and that it is over


@simulated()
async def test_a_caller_who_gives_up_stops_an_endless_chain(world: World) -> None:
    world.application("<Response><Redirect/></Response>")
    await world.start()
    with pytest.raises(RefusedError):
        await world.phone.dial("sip:+15550100@10.0.0.1", caller="x", answer_s_max=30)
    asked = len(world.asked)
    await world.clock.sleep(10)
    assert len(world.asked) - asked <= 1
    await world.server.store.flush()
    (row,) = await world.server.store.calls.list(None)
    assert row.status == "canceled"


@simulated()
async def test_what_the_first_request_carries(world: World) -> None:
    world.application("<Response><Hangup/></Response>")
    await world.start()
    call = await world.call(caller="+15550111")
    await call.ended
    (asked,) = world.requests("/voice")
    assert asked.method == "POST"
    told = asked.parameters
    assert told["AccountSid"] == ACCOUNT
    assert told["CallStatus"] == "ringing"
    assert told["Direction"] == "inbound"
    assert told["ApiVersion"] == "2010-04-01"
    assert (told["From"], told["To"]) == ("+15550111", "+15550100")
    assert "X-Twilio-Signature" in asked.headers


@simulated()
async def test_a_caller_with_a_name_is_told_as_an_address(world: World) -> None:
    world.application("<Response><Hangup/></Response>")
    await world.start()
    call = await world.call(caller="alice", number="15550100")
    await call.ended
    (asked,) = world.requests("/voice")
    assert asked.parameters["From"] == "sip:alice@10.0.0.2"
    assert asked.parameters["To"] == "+15550100"


@simulated()
async def test_cookies_are_kept_for_the_call(world: World) -> None:
    def voice(asked: Asked) -> Answer:
        if "Digits" in asked.parameters:
            return Answer("<Response><Hangup/></Response>")
        return Answer('<Response><Gather numDigits="1"/></Response>', headers={"Set-Cookie": "session=42"})

    world.application(voice)
    await world.start()
    call = await world.call(keys="?1")
    await call.ended
    again = await world.call()
    again.hang_up()
    await world.clock.sleep(1)
    assert [asked.headers.get("Cookie") for asked in world.requests("/voice")] == [None, "session=42", None]


async def _start_with_fallback(world: World) -> None:
    world.number_settings["fallback_url"] = f"{world.url}/fallback"
    await world.start()
