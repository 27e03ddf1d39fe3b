"""Callers whose telephone knows no telephone-event: their keys are tones in what they say (A26)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import roomtone
from roomtone.testing.caller import Phone
from roomtone.testing.world import World, simulated

ROOM = '<Response><Dial action="/left" hangupOnStar="true"><Conference {}>R</Conference></Dial></Response>'
MUTED = {"+1": 'muted="true" beep="false"'}
MUSIC = sorted((Path(roomtone.__file__).parent / "music" / "classical").glob("*.ogg"))
TALK = (
    "The quick brown fox jumps over the lazy dog. Please hold the line, somebody will be with you shortly. "
    "Our office is open from nine to five, Monday to Friday; for billing questions have your customer number ready."
)


def _old_phone(world: World, host: str = "10.0.0.3", codec: str = "PCMU") -> Phone:
    return world.add_phone(host, codecs=(codec,), telephone_event=False)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "opus"])
def test_a_gather_takes_them(codec: str) -> None:
    @simulated()
    async def scenario(world: World) -> None:
        world.application('<Response><Gather action="/keys"/></Response>')
        world.application("<Response><Pause/></Response>", "/keys")
        await world.start()
        call = await world.call(phone=_old_phone(world, codec=codec))
        await call.keys("W1155W0*9D#")
        await call.ended
        assert [asked.parameters["Digits"] for asked in world.requests("/keys")] == ["11550*9D"]

    scenario()


@simulated()
async def test_a_key_stops_the_prompt_at_once(world: World) -> None:
    prompt = f'<Say loop="5">{TALK}</Say>'
    world.application(f'<Response><Gather action="/keys" timeout="10">{prompt}</Gather></Response>')
    await world.start()
    call = await world.call(phone=_old_phone(world))
    await call.until(lambda ear: ear.music())
    await world.clock.sleep(2)
    assert not call.ear.silence()
    await call.keys("7")
    pressed = world.clock.now()
    await world.clock.sleep(1.5)
    assert call.ear.silence(call.now_s() - (world.clock.now() - pressed) + 0.2)


@simulated()
async def test_the_star_leaves_a_room(world: World) -> None:
    world.application(ROOM.format(""))
    world.application('<Response><Pause length="3"/></Response>', "/left")
    await world.start()
    anna = await world.call(phone=_old_phone(world))
    berta = await world.call()
    await world.clock.sleep(2)
    await anna.keys("1*")
    await world.clock.sleep(1)
    (asked,) = world.requests("/left")
    assert asked.parameters["CallSid"] == world.requests("/voice")[0].parameters["CallSid"]
    assert berta.ear.digits == "", "neither key is made again"


@simulated()
async def test_in_a_room_they_are_heard_once_as_the_tones_that_they_are(world: World) -> None:
    world.application(lambda asked: ROOM.format(MUTED.get(asked.parameters["From"], 'beep="false"')))
    await world.start()
    muted = await world.call(caller="+1", phone=_old_phone(world, "10.0.0.3"))
    anna = await world.call(caller="+2", phone=_old_phone(world, "10.0.0.4"))
    berta = await world.call(caller="+3")
    clara = await world.call(caller="+4", phone=_old_phone(world, "10.0.0.5"))
    await world.clock.sleep(1)
    before = berta.now_s()
    await muted.keys("9")
    await world.clock.sleep(1)
    assert berta.ear.silence(before + 0.1)
    await anna.keys("5")
    await world.clock.sleep(1)
    tones = [tone.hertz for window in berta.ear.heard(before) for tone in window.tones()]
    for hertz in (770, 1336):
        assert any(abs(tone - hertz) < 15 for tone in tones), "the tones are audio for everybody"
    assert berta.ear.digits == "", "no event is made of them"
    assert (muted.ear.digits, anna.ear.digits, clara.ear.digits) == ("5", "", "5"), "once, and not to who pressed it"
    before = clara.now_s()
    await berta.keys("6")
    await world.clock.sleep(1)
    assert clara.ear.digits == "56", "a key that came as an event is made again"


@pytest.mark.parametrize("music", MUSIC, ids=lambda path: path.stem)
def test_music_is_no_key(music: Path) -> None:
    @simulated()
    async def scenario(world: World) -> None:
        world.application('<Response><Gather action="/keys" timeout="120"/></Response>')
        await world.start()
        call = await world.call(phone=_old_phone(world))
        call.play(await asyncio.to_thread(lambda: call.phone.load(music.read_bytes())))
        await world.clock.sleep(100)
        assert world.requests("/keys") == []

    scenario()


@pytest.mark.parametrize("codec", ["PCMU", "opus"])
def test_talk_is_no_key(codec: str) -> None:
    @simulated()
    async def scenario(world: World) -> None:
        world.application(f'<Response><Say loop="5">{TALK}</Say></Response>')
        await world.start()
        call = await world.call(phone=_old_phone(world, codec=codec))
        await call.ended
        assert call.ear.digits == ""

    scenario()
