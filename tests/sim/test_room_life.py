"""A room from its start to its end, as those hear it who are in it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from roomtone.store.rows import EventRow
from roomtone.testing.caller import RobotCall
from roomtone.testing.world import ACCOUNT, Answer, Asked, World, simulated

MODERATOR = 'startConferenceOnEnter="true" endConferenceOnExit="true"'
LISTENS = 'startConferenceOnEnter="false"'
NAMES = {"+1": "anna", "+2": "berta", "+3": "clara", "+9": "moderator"}


def _rooms(world: World, attributes: Mapping[str, str], dial: str = "") -> None:
    """Each caller's document has its own attributes; after the Dial comes `/after`, which hangs up."""

    def voice(asked: Asked) -> str:
        noun = f'<Conference beep="false" {attributes.get(asked.parameters["From"], "")}>Room</Conference>'
        return f"<Response><Dial {dial}>{noun}</Dial><Redirect>/after</Redirect></Response>"

    world.application(voice)
    world.application("<Response><Hangup/></Response>", "/after")
    world.application('<Response><Pause length="600"/></Response>', "/left")


def _after(world: World) -> list[str]:
    """Who came to the next verb."""
    return sorted(asked.parameters["From"] for asked in world.requests("/after"))


async def _events(world: World) -> list[EventRow]:
    await world.server.store.flush()
    return [row for row in await world.server.store.events.after(None, 0) if row.conference_sid]


async def _told(world: World) -> list[str]:
    """The room's events with the names of their callers, in the order of their sequence numbers."""
    rows = sorted(await _events(world), key=lambda row: row.sequence or 0)
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1)), "from 1, without gaps"
    callers = {asked.parameters["CallSid"]: asked.parameters["From"] for asked in world.requests("/voice")}
    return [f"{row.event} {NAMES[callers[row.call_sid]]}" if row.call_sid else row.event for row in rows]


# --- start ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first_starts", [True, False])
def test_two_start_a_room_when_one_of_them_may(first_starts: bool) -> None:
    """T1, M1: whichever of them it is."""

    @simulated()
    async def scenario(world: World) -> None:
        _rooms(world, {"+2" if first_starts else "+1": LISTENS})
        await world.start()
        anna = await world.call(tone=500, caller="+1")
        await world.clock.sleep(3)
        assert anna.ear.music(), "one alone does not start it"
        berta = await world.call(tone=700, caller="+2")
        await world.clock.sleep(2)
        assert anna.ear.hears(700)
        assert berta.ear.hears(500)

    scenario()


@simulated()
async def test_those_who_may_not_start_it_wait_however_many_they_are(world: World) -> None:
    """T1, T10: with music, unheard, and the conference is `init` meanwhile."""
    _rooms(world, {"+1": LISTENS, "+2": LISTENS, "+3": LISTENS})
    await world.start()
    tones = (2350, 2650, 2950)
    calls = [await world.call(tone=tone, caller=f"+{number}") for number, tone in enumerate(tones, 1)]
    await world.clock.sleep(4)
    for call in calls:
        assert call.ear.music()
        assert not any(call.ear.hears(tone) for tone in tones)
    (conference,) = world.server.conferences.list(ACCOUNT)
    assert conference.status == "init"
    assert [participant.muted for participant in conference.participants] == [False] * 3, "waiting is no mute"
    await world.call(caller="+9")
    await world.clock.sleep(1)
    (conference,) = world.server.conferences.list(ACCOUNT)
    assert conference.status == "in-progress"


@simulated()
async def test_who_may_not_start_a_room_joins_one_that_has_started_at_once(world: World) -> None:
    """A4."""
    _rooms(world, {"+3": LISTENS})
    await world.start()
    anna = await world.call(tone=500, caller="+1")
    await world.call(caller="+2")
    await world.clock.sleep(1)
    clara = await world.call(tone=700, caller="+3")
    await world.clock.sleep(2)
    assert clara.ear.hears(500)
    assert anna.ear.hears(700)


@simulated()
async def test_a_room_stays_started_when_who_started_it_has_left(world: World) -> None:
    """T2, A4: the next one talks at once with the one who was left."""
    _rooms(world, {"+1": LISTENS, "+3": LISTENS})
    await world.start()
    anna = await world.call(tone=500, caller="+1")
    berta = await world.call(caller="+2")
    await world.clock.sleep(1)
    berta.hang_up()
    await world.clock.sleep(3)
    assert anna.ear.silence(), "no music, and nobody is there"
    assert not anna.ended.done()
    clara = await world.call(caller="+3")
    await world.clock.sleep(2)
    assert clara.ear.hears(500)


@simulated(settings={"rooms": {"music_when_alone": True}})
async def test_the_operator_may_give_music_to_who_is_alone(world: World) -> None:
    """T2: the switch; the music ends when somebody comes."""
    _rooms(world, {})
    await world.start()
    anna = await world.call(caller="+1")
    for tone in (700, 900):
        other = await world.call(tone=tone, caller="+2")
        await world.clock.sleep(2)
        assert anna.ear.hears(tone)
        assert not anna.ear.music()
        other.hang_up()
        await world.clock.sleep(4)
        assert anna.ear.music()


# --- end --------------------------------------------------------------------------------------------------------------


async def _three(world: World) -> list[RobotCall]:
    """Two and their moderator."""
    await world.start()
    calls = [await world.call(caller=caller) for caller in ("+1", "+2", "+9")]
    await world.clock.sleep(1)
    return calls


@simulated()
async def test_a_moderator_who_leaves_before_the_start_ends_the_room(world: World) -> None:
    """A5."""
    _rooms(world, {"+1": LISTENS, "+9": 'startConferenceOnEnter="false" endConferenceOnExit="true"'})
    await world.start()
    anna = await world.call(caller="+1")
    moderator = await world.call(caller="+9")
    await world.clock.sleep(2)
    moderator.hang_up()
    await anna.ended
    assert _after(world) == ["+1"]
    assert (await _told(world))[-3:] == ["participant-leave moderator", "participant-leave anna", "conference-end"]


@simulated()
async def test_a_moderator_who_presses_the_star_ends_the_room_and_goes_on_too(world: World) -> None:
    """A6: all three go on with their documents."""
    _rooms(world, {"+9": MODERATOR}, 'hangupOnStar="true"')
    calls = await _three(world)
    assert _after(world) == []
    await calls[2].keys("*")
    for call in calls:
        await call.ended
    assert _after(world) == ["+1", "+2", "+9"]


@simulated()
async def test_a_moderator_whose_time_is_up_ends_the_room_and_goes_on_too(world: World) -> None:
    """A6."""

    def voice(asked: Asked) -> str:
        limit = 'timeLimit="5"' if asked.parameters["From"] == "+9" else ""
        noun = f'<Conference endConferenceOnExit="{"true" if limit else "false"}">Room</Conference>'
        return f"<Response><Dial {limit}>{noun}</Dial><Redirect>/after</Redirect></Response>"

    _rooms(world, {})
    world.application(voice)
    await _three(world)
    entered = world.clock.now() - 1
    await world.clock.sleep(10)
    assert _after(world) == ["+1", "+2", "+9"]
    for asked in world.requests("/after"):
        assert asked.time_s == pytest.approx(entered + 5, abs=0.2)


@pytest.mark.parametrize("action", [True, False])
def test_who_is_removed_by_an_api_goes_on_with_the_document(action: bool) -> None:
    """A6: with the action if there is one, else with the next verb; the others talk on."""

    @simulated()
    async def scenario(world: World) -> None:
        _rooms(world, {}, 'action="/left"' if action else "")
        anna, berta, clara = await _three(world)
        berta.tone(700)
        removed = world.requests("/voice")[0].parameters["CallSid"]
        await world.server.conferences.kick(ACCOUNT, "Room", removed)
        await world.clock.sleep(2)
        (asked,) = world.requests("/left" if action else "/after")
        assert asked.parameters["CallSid"] == removed
        assert asked.parameters.get("DialCallStatus") == ("answered" if action else None)
        assert asked.parameters["CallStatus"] == "in-progress"
        assert anna.ended.done() is not action, "after the Dial her document hangs up"
        assert not action or anna.ear.silence()
        assert clara.ear.hears(700)

    scenario()


@simulated()
async def test_when_an_api_ends_the_room_everybody_goes_on(world: World) -> None:
    """A6."""
    _rooms(world, {})
    calls = await _three(world)
    await world.server.conferences.end(ACCOUNT, "Room")
    for call in calls:
        await call.ended
    assert _after(world) == ["+1", "+2", "+9"]
    assert world.server.conferences.rooms_active == 0


@simulated()
async def test_the_star_and_the_time_limit_hold_while_the_room_waits(world: World) -> None:
    """A6: the stay is counted from the join, whether the room has started or not."""
    _rooms(world, {"+1": LISTENS, "+2": LISTENS}, 'hangupOnStar="true" timeLimit="10"')
    await world.start()
    anna = await world.call(caller="+1")
    entered = world.clock.now()
    berta = await world.call(caller="+2")
    await world.clock.sleep(2)
    assert berta.ear.music()
    await berta.keys("*")
    await berta.ended
    assert _after(world) == ["+2"]
    assert anna.ear.music(), "anna waits on"
    await anna.ended
    assert world.clock.now() - entered == pytest.approx(10, abs=0.3)


# --- size -------------------------------------------------------------------------------------------------------------


@simulated(settings={"rooms": {"max_participants": 2}})
async def test_the_operators_most_is_default_and_cap(world: World) -> None:
    """T3, T4: without an attribute it holds, and a larger number counts as it, with a warning."""
    _rooms(world, {"+9": 'maxParticipants="30"'}, 'action="/left"')
    await world.start()
    for caller in ("+1", "+2", "+3", "+9"):
        await world.call(caller=caller)
        await world.clock.sleep(0.5)
    refused = world.requests("/left")
    assert [asked.parameters["From"] for asked in refused] == ["+3", "+9"]
    assert [asked.parameters["DialCallStatus"] for asked in refused] == ["failed"] * 2
    await world.server.store.flush()
    log = [(row.code, row.level) for row in reversed(await world.server.store.debug.list(None))]
    assert log == [(16020, "error"), (12200, "warning"), (16020, "error")]


@simulated()
async def test_the_joiners_own_most_is_compared_with_how_many_are_there(world: World) -> None:
    """T3, M4: two are in; who allows two is refused and goes on with the next verb, who allows three is let in."""
    _rooms(world, {"+1": 'maxParticipants="1"', "+3": 'maxParticipants="2"', "+9": 'maxParticipants="3"'})
    await world.start()
    anna = await world.call(tone=500, caller="+1")
    await world.call(caller="+2")
    clara = await world.call(caller="+3")
    await clara.ended
    assert _after(world) == ["+3"]
    moderator = await world.call(caller="+9")
    await world.clock.sleep(2)
    assert moderator.ear.hears(500)
    assert not anna.ended.done()


# --- what is told -----------------------------------------------------------------------------------------------------


@simulated()
async def test_events_are_told_in_their_order_and_numbered(world: World) -> None:
    """T5: of the second caller the join comes first, then the start."""
    _rooms(world, {"+9": MODERATOR})
    await world.start()
    calls = [await world.call(caller=caller) for caller in ("+1", "+9", "+2")]
    await world.clock.sleep(1)
    calls[1].hang_up()
    await world.clock.sleep(1)
    assert await _told(world) == [
        "participant-join anna",
        "participant-join moderator",
        "conference-start",
        "participant-join berta",
        "participant-leave moderator",
        "participant-leave anna",
        "participant-leave berta",
        "conference-end",
    ]


@simulated()
async def test_events_have_the_time_at_which_they_happened(world: World) -> None:
    """A11: not that of the application's answer, which takes seconds here."""
    _rooms(world, {}, 'action="/slow"')
    world.application(Answer("<Response/>", headers={"X-Roomtone-Test-Delay": "7"}), "/slow")
    await world.start()
    began = world.clock.now()
    anna = await world.call(caller="+1")
    await world.clock.sleep(4)
    berta = await world.call(caller="+2")
    await world.clock.sleep(5)
    berta.hang_up()
    await world.clock.sleep(20)
    anna.hang_up()
    await world.clock.sleep(20)
    seconds = {row.event: (row.time - world.clock.EPOCH).total_seconds() - began for row in await _events(world)}
    assert seconds["conference-start"] == pytest.approx(4, abs=0.2)
    assert seconds["conference-end"] == pytest.approx(29, abs=0.4)
    (left, _) = [row for row in await _events(world) if row.event == "participant-leave"]
    assert (left.time - world.clock.EPOCH).total_seconds() - began == pytest.approx(9, abs=0.3)
    rows = await world.server.store.calls.list(None)
    ended = sorted((row.ended_at - world.clock.EPOCH).total_seconds() - began for row in rows if row.ended_at)
    assert ended == pytest.approx([9, 29], abs=0.4)


# --- what is heard ----------------------------------------------------------------------------------------------------


@simulated()
async def test_a_faint_steady_tone_passes_unchanged(world: World) -> None:
    """A18: −40 dBm0 for half a minute, neither gated nor raised."""
    _rooms(world, {})
    await world.start()
    anna = await world.call(caller="+1")
    berta = await world.call(caller="+2")
    berta.tone(1000, -40.0)
    await world.clock.sleep(2)
    began = anna.now_s()
    await world.clock.sleep(30)
    levels = [window.tone_dbm0(1000) for window in anna.ear.heard(began)]
    assert min(levels) == pytest.approx(-40, abs=1)
    assert max(levels) == pytest.approx(-40, abs=1)


@simulated()
async def test_a_star_that_is_not_acted_on_is_a_key_like_another(world: World) -> None:
    """A26: it is made again for the others, and nobody leaves."""
    _rooms(world, {})
    await world.start()
    anna = await world.call(caller="+1")
    berta = await world.call(caller="+2")
    await world.clock.sleep(1)
    await anna.keys("*5")
    await world.clock.sleep(1)
    assert berta.ear.digits == "*5"
    assert anna.ear.digits == ""
    assert _after(world) == []
