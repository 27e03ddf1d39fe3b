"""The moderated-conferencing how-to, as its callers hear it, with the documents of the demo application."""

from __future__ import annotations

from roomtone.testing.caller import RobotCall
from roomtone.testing.world import Asked, World, simulated

ROOM = "moderated"
CONFERENCE = {
    "1": '<Conference muted="true" startConferenceOnEnter="false">moderated</Conference>',
    "2": '<Conference startConferenceOnEnter="false">moderated</Conference>',
    "3": '<Conference startConferenceOnEnter="true" endConferenceOnExit="true">moderated</Conference>',
}
MENU = """<Response>
  <Gather action="/voice" numDigits="1"><Say>You may press 1, 2 or 3.</Say></Gather>
  <Redirect/>
</Response>"""


def _menu(asked: Asked) -> str:
    noun = CONFERENCE.get(asked.parameters.get("Digits", ""))
    if noun is None:
        return MENU
    return f"<Response><Dial>{noun}</Dial><Redirect>/ended</Redirect></Response>"


async def _seated(world: World) -> tuple[RobotCall, RobotCall]:
    """A listener and a speaker who wait for their moderator."""
    world.application(_menu)
    world.application('<Response><Say>The conference has ended.</Say><Pause length="1"/></Response>', "/ended")
    await world.start()
    listener = await world.call(keys="?1", caller="+15550001")
    speaker = await world.call(keys="?2", tone=500, caller="+15550002")
    await world.clock.sleep(3)
    return listener, speaker


@simulated()
async def test_listener_and_speaker_hear_music_until_the_moderator_comes(world: World) -> None:
    listener, speaker = await _seated(world)
    for call in (listener, speaker):
        assert call.ear.music()
        assert not call.ear.hears(500)
        assert call.ear.beeps(440) == []


@simulated()
async def test_when_the_moderator_comes_there_is_a_beep_and_all_but_the_listener_are_heard(world: World) -> None:
    listener, speaker = await _seated(world)
    listener.tone(900)
    before = listener.now_s()
    moderator = await world.call(keys="?3", tone=700, caller="+15550003")
    await world.clock.sleep(3)
    for call in (listener, speaker, moderator):
        assert len(call.ear.beeps(440, before)) == 1
        assert not call.ear.music()
        assert call.ear.hears_not(900), "nobody hears the listener"
    assert listener.ear.hears(500)
    assert listener.ear.hears(700)
    assert speaker.ear.hears(700)
    assert speaker.ear.hears_not(500), "nobody hears themselves"
    assert moderator.ear.hears(500)
    assert moderator.ear.hears_not(700)


@simulated()
async def test_when_the_moderator_hangs_up_the_others_fall_through_to_the_next_verb(world: World) -> None:
    listener, speaker = await _seated(world)
    moderator = await world.call(keys="?3", caller="+15550003")
    await world.clock.sleep(1)
    assert world.requests("/ended") == []
    moderator.hang_up()
    await listener.ended
    await speaker.ended
    assert [asked.parameters["From"] for asked in world.requests("/ended")] == ["+15550001", "+15550002"]
    assert listener.ear.hears_not(500, listener.now_s() - 1.0)


@simulated()
async def test_another_key_asks_again(world: World) -> None:
    world.application(_menu)
    await world.start()
    call = await world.call(keys="?9")
    await world.clock.sleep(1)
    assert [asked.parameters.get("Digits") for asked in world.requests("/voice")] == [None, "9"]
    await call.keys("?1")
    await world.clock.sleep(2)
    assert call.ear.music()


@simulated()
async def test_no_key_at_all_is_asked_again_after_the_timeout(world: World) -> None:
    world.application(_menu)
    await world.start()
    await world.call()
    await world.clock.sleep(20)
    times = [asked.time_s for asked in world.requests("/voice")]
    assert len(times) >= 2
    prompt_and_timeout = times[1] - times[0]
    assert 5.5 < prompt_and_timeout < 10
