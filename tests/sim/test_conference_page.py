"""The seven examples of the 2010-04-01 page of <Conference>, by their names, as callers hear them."""

from __future__ import annotations

from roomtone.testing.world import ACCOUNT, Asked, World, simulated


def _dial(conference: str, attributes: str = "") -> str:
    return f"<Response><Dial {attributes}>{conference}</Dial><Redirect>/after</Redirect></Response>"


def _after(world: World) -> None:
    """The next verb after the Dial: a document that hangs up."""
    world.application("<Response><Hangup/></Response>", "/after")


@simulated()
async def test_example_1_a_simple_conference(world: World) -> None:
    world.application(_dial("<Conference>Room 1234</Conference>"))
    await world.start()
    anna = await world.call(tone=500)
    await world.clock.sleep(3)
    assert anna.ear.music()
    assert anna.ear.beeps(440) == [], "no beep in a room that waits"
    joined = anna.now_s()
    berta = await world.call(tone=700)
    await world.clock.sleep(3)
    for call in (anna, berta):
        assert len(call.ear.beeps(440, joined)) == 1
        assert not call.ear.music()
    assert anna.ear.hears(700)
    assert anna.ear.hears_not(500)
    assert berta.ear.hears(500)
    assert berta.ear.hears_not(700)


@simulated()
async def test_example_1_the_one_who_leaves_is_heard_to_leave(world: World) -> None:
    world.application(_dial("<Conference>Room 1234</Conference>"))
    await world.start()
    anna = await world.call()
    berta = await world.call()
    await world.clock.sleep(2)
    left = anna.now_s()
    berta.hang_up()
    await world.clock.sleep(3)
    assert len(anna.ear.beeps(330, left)) == 1
    assert anna.ear.silence(), "alone in a started room there is no music"
    assert not anna.ended.done()


@simulated()
async def test_example_2_a_moderated_conference(world: World) -> None:
    def voice(asked: Asked) -> str:
        if asked.parameters["From"] == "+15550009":
            attributes = 'startConferenceOnEnter="true" endConferenceOnExit="true"'
            noun = f"<Conference {attributes}>\n  moderated-conference-room\n</Conference>"
        else:
            noun = '<Conference startConferenceOnEnter="false">moderated-conference-room</Conference>'
        return _dial(noun)

    world.application(voice)
    _after(world)
    await world.start()
    anna = await world.call(tone=500)
    berta = await world.call(tone=600)
    await world.clock.sleep(3)
    assert anna.ear.music()
    assert berta.ear.music()
    assert not anna.ear.hears(600)
    moderator = await world.call(tone=700, caller="+15550009")
    await world.clock.sleep(3)
    assert anna.ear.hears(600)
    assert anna.ear.hears(700)
    assert moderator.ear.hears(500)
    moderator.hang_up()
    assert await anna.ended == "the far end hung up"
    assert await berta.ended == "the far end hung up"
    assert len(world.requests("/after")) == 2


@simulated()
async def test_example_3_join_a_conference_muted(world: World) -> None:
    muted = '<Conference muted="true">SimpleRoom</Conference>'
    world.application(
        lambda asked: _dial(muted if asked.parameters["From"] == "+15550001" else "<Conference>SimpleRoom</Conference>")
    )
    await world.start()
    listener = await world.call(tone=500, caller="+15550001")
    speaker = await world.call(tone=700, caller="+15550002")
    await world.clock.sleep(3)
    assert listener.ear.hears(700)
    assert speaker.ear.hears_not(500)


@simulated()
async def test_example_3_the_muted_may_be_unmuted_and_muted_again_while_they_talk(world: World) -> None:
    """As the page says of an API; who is unmuted before the start is not heard before it."""
    world.application(_dial('<Conference muted="true">SimpleRoom</Conference>'))
    await world.start()
    anna = await world.call(tone=500)
    await world.clock.sleep(1)
    sid = world.requests("/voice")[0].parameters["CallSid"]
    await world.server.conferences.mute(ACCOUNT, "SimpleRoom", sid, muted=False, api_call="POST")
    await world.clock.sleep(1)
    assert anna.ear.music()
    berta = await world.call(tone=700)
    await world.clock.sleep(2)
    assert berta.ear.hears(500)
    assert anna.ear.silence()
    await world.server.conferences.mute(ACCOUNT, "SimpleRoom", sid, muted=True, api_call="POST")
    await world.clock.sleep(1.5)
    assert berta.ear.silence()


@simulated()
async def test_example_4_bridging_calls(world: World) -> None:
    attributes = 'beep="false" waitUrl="" startConferenceOnEnter="true" endConferenceOnExit="true"'
    world.application(_dial(f"<Conference {attributes}>NoMusicNoBeepRoom</Conference>"))
    _after(world)
    await world.start()
    anna = await world.call(tone=500)
    await world.clock.sleep(3)
    assert anna.ear.silence(0.5), "no music"
    berta = await world.call(tone=700)
    await world.clock.sleep(3)
    assert anna.ear.hears(700)
    assert berta.ear.hears(500)
    assert anna.ear.beeps(440) == []
    assert berta.ear.beeps(440) == []
    berta.hang_up()
    assert await anna.ended == "the far end hung up"
    assert len(world.requests("/after")) == 1, "anna's document went on"


@simulated()
async def test_example_5_call_on_hold(world: World) -> None:
    def voice(asked: Asked) -> str:
        attribute = 'endConferenceOnExit="true"' if asked.parameters["From"] == "+15550009" else ""
        return _dial(f'<Conference beep="false" {attribute}>\n  Customer Waiting Room\n</Conference>')

    world.application(voice)
    _after(world)
    await world.start()
    customer = await world.call(tone=500)
    await world.clock.sleep(4)
    assert customer.ear.music()
    agent = await world.call(tone=700, caller="+15550009")
    await world.clock.sleep(2)
    assert customer.ear.hears(700)
    assert customer.ear.beeps(440) == [], "the caller does not hear a ding when the agent answers"
    assert agent.ear.hears(500)
    agent.hang_up()
    assert await customer.ended == "the far end hung up"


ATTRIBUTES = 'action="/left" method="POST" hangupOnStar="true" timeLimit="30"'


@simulated()
async def test_example_6_the_star_leaves_the_room_and_the_action_goes_on(world: World) -> None:
    world.application(_dial("<Conference>LoveTwilio</Conference>", ATTRIBUTES))
    world.application('<Response><Pause length="3"/></Response>', "/left")
    _after(world)
    await world.start()
    anna = await world.call(tone=500)
    berta = await world.call()
    await world.clock.sleep(2)
    await anna.keys("*")
    await world.clock.sleep(2)
    (asked,) = world.requests("/left")
    assert asked.parameters["DialCallStatus"] == "answered"
    assert asked.parameters["CallStatus"] == "in-progress"
    assert "DialCallSid" not in asked.parameters
    assert berta.ear.silence()
    assert berta.ear.digits == "", "the key that was acted on is not passed on"
    await anna.ended
    assert world.requests("/after") == [], "what follows the Dial is not reached after an action"


@simulated()
async def test_example_6_the_time_limit_removes_from_the_room(world: World) -> None:
    world.application(_dial("<Conference>LoveTwilio</Conference>", ATTRIBUTES))
    world.application("<Response><Hangup/></Response>", "/left")
    await world.start()
    anna = await world.call()
    entered = world.clock.now()
    berta = await world.call()
    await anna.ended
    assert 29.5 < world.clock.now() - entered < 31
    assert world.requests("/left")[0].parameters["DialCallStatus"] == "answered"
    await berta.ended


@simulated()
async def test_example_7_recording_a_conference(world: World) -> None:
    noun = '<Conference record="record-from-start" eventCallbackUrl="/saved">LoveTwilio</Conference>'
    world.application(_dial(noun))
    await world.start()
    anna = await world.call(tone=500)
    berta = await world.call(tone=700)
    await world.clock.sleep(3)
    assert anna.ear.hears(700)
    assert berta.ear.hears(500)
    berta.hang_up()
    anna.hang_up()
    await world.clock.sleep(1)
    assert world.requests("/saved") == [], "recording is not built yet, and does no harm"
    log = await world.server.store.debug.list(None)
    said = [row.message for row in log if "record" in row.message]
    assert len(said) == 2, "once for each document that asked for it"
