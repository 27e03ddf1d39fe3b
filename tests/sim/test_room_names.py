"""Which callers meet: a room is one name in one account."""

from __future__ import annotations

import pytest

from roomtone.testing.caller import RobotCall
from roomtone.testing.world import ACCOUNT, Asked, World, simulated

OTHER_ACCOUNT = "AC00000000000000000000000000000002"
OTHER_NUMBER = "+15550200"


def _dial(name: str) -> str:
    return f'<Response><Dial action="/left"><Conference beep="false">{name}</Conference></Dial></Response>'


async def _two(world: World, first: str, second: str) -> tuple[RobotCall, RobotCall]:
    """Two callers whose documents name these rooms."""
    world.application(lambda asked: _dial(first if asked.parameters["From"] == "+1" else second))
    await world.start()
    anna = await world.call(tone=500, caller="+1")
    berta = await world.call(tone=700, caller="+2")
    await world.clock.sleep(3)
    return anna, berta


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Room 1234", "\n      Room 1234\n    "),
        ("Café", "Cafe\u0301"),
        ("Room &amp; Board", "<![CDATA[Room & Board]]>"),
    ],
)
def test_callers_meet_whose_documents_spell_one_name_differently(first: str, second: str) -> None:
    """A1: white space at the ends and the Unicode spelling do not count."""

    @simulated()
    async def scenario(world: World) -> None:
        anna, berta = await _two(world, first, second)
        assert anna.ear.hears(700)
        assert berta.ear.hears(500)

    scenario()


@pytest.mark.parametrize("other", ["room 1234", "Room  1234", "Room\n1234", "Room1234"])
def test_callers_do_not_meet_whose_names_differ_inside(other: str) -> None:
    """A1: case and inner white space count."""

    @simulated()
    async def scenario(world: World) -> None:
        anna, berta = await _two(world, "Room 1234", other)
        for call in (anna, berta):
            assert call.ear.music(), "alone in a room of their own"
        assert world.server.conferences.rooms_active == 2

    scenario()


@simulated()
async def test_callers_of_two_accounts_do_not_meet(world: World) -> None:
    """A1: a room belongs to an account; two numbers of one account lead into the same room."""
    world.application(_dial("Room 1234"))
    world.more_accounts.append({"sid": OTHER_ACCOUNT, "token": "x", "name": "Other"})
    world.more_numbers += [
        {"number": OTHER_NUMBER, "account": OTHER_ACCOUNT, "voice_url": f"{world.url}/voice"},
        {"number": "+15550101", "account": ACCOUNT, "voice_url": f"{world.url}/voice"},
    ]
    await world.start()
    anna = await world.call(tone=500)
    other = await world.call(OTHER_NUMBER, tone=700)
    await world.clock.sleep(3)
    assert anna.ear.music()
    assert other.ear.music()
    await world.call("+15550101", tone=900)
    await world.clock.sleep(3)
    assert anna.ear.hears(900)
    assert other.ear.music()


@simulated()
async def test_the_sid_of_a_live_conference_leads_into_it(world: World) -> None:
    """T12."""
    room = "Room 1234"

    def voice(_asked: Asked) -> str:
        return _dial(room)

    world.application(voice)
    await world.start()
    anna = await world.call(tone=500)
    await world.clock.sleep(1)
    (conference,) = world.server.conferences.list(ACCOUNT)
    room = conference.conference_sid
    berta = await world.call(tone=700)
    await world.clock.sleep(3)
    assert anna.ear.hears(700)
    assert berta.ear.hears(500)
    assert world.server.conferences.rooms_active == 1


@pytest.mark.parametrize(("name", "code"), [("CF" + "0" * 32, 13236), ("  ", 13237), ("x" * 129, 13237)])
def test_a_name_that_can_be_no_room_fails_the_dial(name: str, code: int) -> None:
    """T12, and the 1 to 128 characters of a name."""

    @simulated()
    async def scenario(world: World) -> None:
        world.application(_dial(name))
        world.application("<Response><Hangup/></Response>", "/left")
        await world.start()
        call = await world.call()
        await call.ended
        (asked,) = world.requests("/left")
        assert asked.parameters["DialCallStatus"] == "failed"
        await world.server.store.flush()
        assert [row.code for row in await world.server.store.debug.list(None)] == [code]

    scenario()


@simulated()
async def test_a_room_that_has_ended_gives_its_name_to_a_new_one(world: World) -> None:
    """An ended conference never comes back: the next caller waits in one of another SID."""
    world.application(_dial("Room"))
    world.application("<Response/>", "/left")
    await world.start()
    anna = await world.call()
    await world.clock.sleep(1)
    anna.hang_up()
    await world.clock.sleep(1)
    berta = await world.call()
    await world.clock.sleep(2)
    assert berta.ear.music()
    await world.server.store.flush()
    rows = await world.server.store.conferences.list(None)
    assert sorted(row.status for row in rows) == ["completed", "init"]
    assert len({row.sid for row in rows}) == 2
