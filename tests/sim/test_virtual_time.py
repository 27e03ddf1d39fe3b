"""Virtual time: long calls are short tests, and a run can be repeated to the packet."""

from __future__ import annotations

import time
from collections import defaultdict
from hashlib import sha256

from tone_file import tone_file

from roomtone.testing.world import World, run_world, simulated

ROOM = "<Response><Dial><Conference>Room</Conference></Dial></Response>"
HOUR_CPU_S_MAX = 15.0  # of this process: what else the machine does must not fail a test


async def _three_for(world: World, seconds: float) -> None:
    """Three callers of one room, who all talk; a key and a leaver among it."""
    world.application(ROOM)
    await world.start()
    anna = await world.call(tone=500, records=False)
    berta = await world.call(tone=700, records=False)
    carla = await world.call(tone=900, records=False)
    await world.clock.sleep(seconds)
    for call, own in ((anna, 500), (berta, 700), (carla, 900)):
        others = {500, 700, 900} - {own}
        assert all(call.ear.hears(hertz) for hertz in others)
        assert call.ear.hears_not(own)
    await anna.keys("5")
    carla.hang_up()
    await world.clock.sleep(2)
    assert berta.ear.digits == "5"


@simulated()
async def test_an_hour_of_a_room_of_three(world: World) -> None:
    before = time.process_time()
    await _three_for(world, 3600)
    assert time.process_time() - before < HOUR_CPU_S_MAX


def test_two_runs_have_the_same_digest() -> None:
    digests = {run_world(lambda world: _three_for(world, 5)) for _ in range(2)}
    assert len(digests) == 1


def test_another_seed_has_another_digest() -> None:
    assert run_world(lambda world: _three_for(world, 2), seed=1) != run_world(
        lambda world: _three_for(world, 2), seed=2
    )


def test_two_workers_hear_the_same_as_one() -> None:
    one, two = (_seen_and_heard(workers) for workers in (1, 2))
    assert one == two


def _seen_and_heard(workers: int) -> tuple[dict[str, object], dict[str, object]]:
    """Where the order is defined: of each phone what it heard, sample for sample, and its keys; of each call and room its events."""
    heard: dict[str, object] = {}
    events: dict[str, list[object]] = defaultdict(list)

    async def scenario(world: World) -> None:
        world.application(ROOM)
        await world.start()
        calls = {tone: await world.call(tone=tone, caller=f"+1555{tone}") for tone in (500, 700, 900)}
        await world.clock.sleep(3)
        await calls[500].keys("5")
        calls[900].hang_up()
        await world.clock.sleep(1)
        for tone, call in calls.items():
            heard[f"+1555{tone}"] = (sha256(call.ear.wav()).hexdigest(), call.ear.digits)
        for row in await world.server.store.events.after(None, 0):
            for sid in filter(None, (row.call_sid, row.conference_sid)):
                events[sid].append((row.time, row.event, row.sequence, dict(row.data)))

    run_world(scenario, workers=workers)
    return heard, dict(events)


@simulated(workers=2)
async def test_legs_come_home_to_another_worker_when_their_room_ends(world: World) -> None:
    noun = '<Conference beep="false" endConferenceOnExit="true">Room</Conference>'
    world.application(f"<Response><Dial>{noun}</Dial><Play>/tone</Play></Response>")
    world.application(tone_file(400, 2.0), "/tone")
    await world.start()
    calls = [await world.call() for _ in range(4)]
    await world.clock.sleep(1)
    calls[0].hang_up()
    await world.clock.sleep(1.5)
    for call in calls[1:]:
        assert call.ear.hears(400)


@simulated()
async def test_opus_and_telephone_quality_meet_in_one_room(world: World) -> None:
    world.application(ROOM)
    await world.start()
    wide = world.add_phone("10.0.0.3", codecs=("opus",))
    anna = await world.call(tone=500, phone=wide)
    berta = await world.call(tone=700, phone=wide)
    carla = await world.call(tone=900)
    await world.clock.sleep(3)
    assert [round(tone.hertz, -1) for tone in sorted(anna.ear.tones(), key=lambda tone: tone.hertz)] == [700, 900]
    assert berta.ear.hears(500)
    assert berta.ear.hears(900)
    assert carla.ear.hears(500)
    assert carla.ear.hears(700)
    assert carla.ear.hears_not(900)
