"""A fault of the media core's own (a real panic): the room in which it happens ends with its calls, everybody else notices nothing."""

from __future__ import annotations

from roomtone.store.rows import CallRow
from roomtone.testing.world import SERVER_HOST, World, simulated


def _room(name: str) -> str:
    return f"<Response><Dial><Conference beep='false'>{name}</Conference></Dial><Redirect>/never</Redirect></Response>"


async def _rows(world: World) -> dict[str, CallRow]:
    await world.server.store.flush()
    return {row.from_uri: row for row in await world.server.store.calls.list(None)}


@simulated(workers=2)
async def test_a_fault_in_one_room_ends_its_calls_and_no_other(world: World) -> None:
    world.application(lambda asked: _room("Broken" if asked.parameters["From"].startswith("+1") else "Whole"))
    await world.start()
    anna = await world.call(caller="+15550111", tone=500)
    await world.call(caller="+15550112")
    clara = await world.call(caller="+25550113", tone=700)
    dora = await world.call(caller="+25550114")
    await world.clock.sleep(2)
    world.network.fault((SERVER_HOST, 20_000))  # where Anna's audio arrives: the first pair of ports
    await world.clock.sleep(2)
    assert anna.ended.done()
    assert len(world.server.switchboard) == 2
    (room,) = world.server.conferences.list(None)
    assert room.friendly_name == "Whole"
    assert not clara.ended.done()
    assert dora.ear.hears(700)
    assert world.requests("/never") == []
    rows = await _rows(world)
    broken = [row for uri, row in rows.items() if "+1555" in uri]
    assert [(row.status, row.end_reason) for row in broken] == [("failed", "the media core gave its leg up")] * 2
    stats = world.server.core.stats()
    assert (stats["buses_failed"], stats["legs_failed"], stats["legs"]) == (1, 2, 2)

    again = await world.call(caller="+15550115")  # the name is free, and a new room is whole
    await world.clock.sleep(1)
    assert len(world.server.conferences.list(None)) == 2
    assert not again.ended.done()


@simulated()
async def test_a_fault_before_a_room_ends_that_call_alone(world: World) -> None:
    world.application("<Response><Gather timeout='60'/></Response>")
    await world.start()
    anna = await world.call()
    berta = await world.call(caller="+15550112")
    await world.clock.sleep(1)
    world.network.fault((SERVER_HOST, 20_001))  # her reports
    await world.clock.sleep(2)
    assert anna.ended.done()
    assert not berta.ended.done()
    assert len(world.server.switchboard) == 1
