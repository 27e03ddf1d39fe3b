"""The beeps of a room: whose they are, who hears them, and that they never overlap."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from roomtone.testing.world import Asked, World, simulated

ENTER, EXIT = 440, 330
BEEP_DBM0 = -12


def _dial(attributes: str = "") -> str:
    noun = f"<Conference {attributes}>Room</Conference>"
    return f'<Response><Dial hangupOnStar="true">{noun}</Dial><Pause length="5"/></Response>'


def _by_caller(attributes: dict[str, str]) -> Callable[[Asked], str]:
    """Of those who are not named nothing is heard."""
    return lambda asked: _dial(attributes.get(asked.parameters["From"], 'beep="false"'))


@simulated()
async def test_the_room_hears_who_enters_and_leaves_the_joiner_too_and_the_leaver_not(world: World) -> None:
    """A2."""
    world.application(_by_caller({"+3": ""}))
    await world.start()
    anna = await world.call(caller="+1")
    berta = await world.call(caller="+2")
    await world.clock.sleep(1)
    joined = anna.now_s()
    clara = await world.call(caller="+3")
    await world.clock.sleep(2)
    for call in (anna, berta, clara):
        assert len(call.ear.beeps(ENTER, joined)) == 1
    left = anna.now_s()
    await clara.keys("*")
    await world.clock.sleep(2)
    for call in (anna, berta):
        assert len(call.ear.beeps(EXIT, left)) == 1
    assert clara.ear.beeps(EXIT) == []
    assert clara.ear.silence(left + 0.2), "the leaver is out at once"


@simulated()
async def test_a_room_that_waits_has_no_sounds(world: World) -> None:
    """A2: whoever comes and goes."""
    world.application(_dial('startConferenceOnEnter="false" waitUrl=""'))
    await world.start()
    anna = await world.call()
    berta = await world.call()
    await world.clock.sleep(1)
    berta.hang_up()
    await world.clock.sleep(2)
    assert anna.ear.silence(0.5)


@simulated()
async def test_at_the_start_the_music_stops_then_the_beep_then_talk(world: World) -> None:
    """A2: nothing of the music is left under the beep, and the talk is there after it."""
    world.application(_dial())
    await world.start()
    anna = await world.call()
    await world.clock.sleep(3)
    before = anna.now_s()
    await world.call(tone=700)
    await world.clock.sleep(2)
    (beep_s,) = anna.ear.beeps(ENTER, before)
    assert anna.ear.music(before - 2, before - 0.2)
    for window in anna.ear.heard(beep_s):
        assert all(abs(tone.hertz - ENTER) < 15 or abs(tone.hertz - 700) < 15 for tone in window.tones())
    assert anna.ear.hears(700, beep_s + 0.3)


@pytest.mark.parametrize(
    ("beep", "enters", "exits"), [("true", 1, 1), ("false", 0, 0), ("onEnter", 1, 0), ("onExit", 0, 1)]
)
def test_beep_is_the_business_of_who_enters_and_leaves(beep: str, enters: int, exits: int) -> None:
    """M6, and the page's four values: the others' own attribute does not matter."""

    @simulated()
    async def scenario(world: World) -> None:
        world.application(_by_caller({"+3": f'beep="{beep}"'}))
        await world.start()
        anna = await world.call(caller="+1")
        await world.call(caller="+2")
        clara = await world.call(caller="+3")
        await world.clock.sleep(1)
        clara.hang_up()
        await world.clock.sleep(1)
        assert len(anna.ear.beeps(ENTER)) == enters
        assert len(anna.ear.beeps(EXIT)) == exits

    scenario()


@simulated()
async def test_sounds_at_one_time_are_queued_and_the_seventh_is_dropped(world: World) -> None:
    """A3: one plays, five wait, each as loud as a beep alone."""
    world.application(lambda asked: _dial('beep="onExit"' if asked.parameters["From"] != "+1" else 'beep="false"'))
    await world.start()
    anna = await world.call(caller="+1")
    others = [await world.call(caller=f"+{number}") for number in range(2, 11)]
    await world.clock.sleep(2)
    before = anna.now_s()
    for call in others:
        call.hang_up()
    await world.clock.sleep(3)
    windows = [window for window in anna.ear.heard(before) if window.dbm0 > -40]
    seconds = sum(10 ** ((window.dbm0 - BEEP_DBM0) / 10) for window in windows) * 0.1
    assert seconds == pytest.approx(6 * 0.12, abs=0.04)
    assert max(window.dbm0 for window in windows) < BEEP_DBM0 + 0.5, "never over each other"
    gaps = [after.time_s - before.time_s for before, after in itertools.pairwise(windows)]
    assert max(gaps) < 0.15, "one after the other"
    assert world.server.conferences.sounds_dropped == 3
