"""Documents that fail, that never end, and what the application is told."""

from __future__ import annotations

import asyncio

import pytest
from tone_file import tone_file

from roomtone.testing.caller import RefusedError
from roomtone.testing.world import ACCOUNT, Answer, Asked, World, simulated


async def _codes(world: World) -> list[int]:
    await world.server.store.flush()
    return [row.code for row in reversed(await world.server.store.debug.list(None))]


SLOW = {"X-Roomtone-Test-Delay": "20"}
BAD = {
    "status 404": (Answer(status=404), 11200),
    "status 500": (Answer(status=500), 11200),
    "too slow": (Answer("<Response/>", headers=SLOW), 11203),
    "too many redirects": (Answer(status=302, headers={"Location": "/voice"}), 11215),
    "empty": (Answer(""), 11770),
    "not well formed": ("<Response><Say>", 12100),
    "DOCTYPE": ("<!DOCTYPE x [<!ENTITY a 'b'>]><Response/>", 12100),
    "wrong root": ("<Answer/>", 12102),
    "no content type": (Answer("<Response/>", content_type="application/octet-stream"), 12300),
    "too large": ("<Response>" + " " * 70_000 + "</Response>", 11750),
}


@pytest.mark.parametrize("name", BAD)
def test_without_a_fallback_the_call_ends_and_the_log_says_why(name: str) -> None:
    """A14."""
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


@pytest.mark.parametrize("name", BAD)
def test_the_fallback_is_asked_once_with_code_and_url(name: str) -> None:
    """A14: for each failure alike; its document is run in place of the one that failed."""
    answer, code = BAD[name]

    @simulated()
    async def scenario(world: World) -> None:
        world.application(answer)
        world.application("<Response><Play>/tone</Play></Response>", "/fallback")
        world.application(tone_file(400, 1.0), "/tone")
        await _start_with_fallback(world)
        call = await world.call()
        await call.ended
        assert len([window for window in call.ear.windows if window.tone_dbm0(400) > -30]) >= 9
        (asked,) = world.requests("/fallback")
        assert (asked.method, asked.parameters["CallStatus"]) == ("POST", "ringing")
        assert asked.parameters["ErrorCode"] == str(code)
        assert asked.parameters["ErrorUrl"] == f"{world.url}/voice"
        assert await _codes(world) == [code]

    scenario()


@simulated()
async def test_an_application_that_is_down_has_its_fallback(world: World) -> None:
    """A14: no connection."""
    world.application("<Response><Hangup/></Response>", "/fallback")
    world.number_settings |= {"voice_url": "http://127.0.0.1:1/voice", "fallback_method": "GET"}
    await _start_with_fallback(world)
    call = await world.call()
    await call.ended
    (asked,) = world.requests("/fallback")
    assert asked.method == "GET"
    assert (asked.parameters["ErrorCode"], asked.parameters["ErrorUrl"]) == ("11202", "http://127.0.0.1:1/voice")
    assert await _codes(world) == [11202]


@simulated()
async def test_the_document_of_an_action_that_fails_has_the_fallback_too(world: World) -> None:
    """A14: in the middle of a call, and once for each failure."""
    world.application('<Response><Gather numDigits="1" action="/keys"/></Response>')
    world.application("<Nonsense/>", "/keys")
    world.application(
        lambda asked: (
            "<Response><Hangup/></Response>"
            if asked.parameters["ErrorUrl"].endswith("/gone")
            else "<Response><Redirect>/gone</Redirect></Response>"
        ),
        "/fallback",
    )
    await _start_with_fallback(world)
    call = await world.call(keys="?1")
    await call.ended
    told = [(asked.parameters["ErrorCode"], asked.parameters["CallStatus"]) for asked in world.requests("/fallback")]
    assert told == [("12102", "in-progress"), ("11200", "in-progress")]


@simulated()
async def test_a_fallback_that_fails_too_ends_the_call(world: World) -> None:
    world.application(Answer(status=404))
    world.application("<Nonsense/>", "/fallback")
    await _start_with_fallback(world)
    with pytest.raises(RefusedError):
        await world.call()
    assert len(world.requests("/fallback")) == 1
    assert await _codes(world) == [11200, 12102]


MALFORMED = "http://[::1"


@pytest.mark.parametrize(
    "document",
    [
        f"<Response><Redirect>{MALFORMED}</Redirect></Response>",
        f'<Response><Gather timeout="1" actionOnEmptyResult="true" action="{MALFORMED}"/></Response>',
        f'<Response><Dial hangupOnStar="true" action="{MALFORMED}"><Conference>Room</Conference></Dial></Response>',
    ],
)
def test_a_url_that_cannot_be_read_is_the_documents_mistake(document: str) -> None:
    """A14: no connection."""

    @simulated()
    async def scenario(world: World) -> None:
        world.application(document)
        world.application("<Response><Hangup/></Response>", "/fallback")
        await _start_with_fallback(world)
        call = await world.call(keys="*" if "Dial" in document else "")
        await call.ended
        (asked,) = world.requests("/fallback")
        assert (asked.parameters["ErrorCode"], asked.parameters["ErrorUrl"]) == ("11100", MALFORMED)
        assert await _codes(world) == [11100]

    scenario()


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
    """A15."""
    world.application(Answer("<Response/>", headers=SLOW))
    await world.start()
    before = world.clock.now()
    with pytest.raises(RefusedError):
        await world.call()
    assert world.clock.now() - before == pytest.approx(15.0, abs=0.1)
    assert await _codes(world) == [11203]


@simulated(settings={"webhooks": {"total_timeout": 3.0, "connect_timeout": 1.0}})
async def test_the_operator_decides_how_long_is_too_slow(world: World) -> None:
    """A15: the switch; redirects are inside of the time."""
    world.application(Answer(status=302, headers={"Location": "/next", "X-Roomtone-Test-Delay": "2"}))
    world.application(Answer("<Response/>", headers={"X-Roomtone-Test-Delay": "2"}), "/next")
    await world.start()
    before = world.clock.now()
    with pytest.raises(RefusedError):
        await world.call()
    assert world.clock.now() - before == pytest.approx(3.0, abs=0.1)
    assert await _codes(world) == [11203]


@simulated(settings={"webhooks": {"max_document_bytes": 2000}})
async def test_the_operator_decides_how_large_a_document_may_be(world: World) -> None:
    """A28: the switch."""
    world.application(f"<Response>{' ' * 2000}</Response>")
    await world.start()
    with pytest.raises(RefusedError):
        await world.call()
    assert await _codes(world) == [11750]


@simulated()
async def test_a_document_of_just_the_size_is_run(world: World) -> None:
    """A28: 65,536 bytes."""
    document = "<Response><Hangup/></Response>"
    world.application(document + " " * (65_536 - len(document)))
    await world.start()
    call = await world.call()
    await call.ended
    assert await _codes(world) == []


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
    """A16."""
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
    """A16: at once."""
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


IDLE = {
    "a Gather that waits for nothing": '<Gather timeout="0"/>',
    "a Pause of nothing": '<Pause length="0"/>',
    "a sound that is not there": "<Play>/missing</Play>",
    "a room that is full": '<Dial><Conference maxParticipants="1">Full</Conference></Dial>',
    "a room that cannot be": "<Dial><Conference> </Conference></Dial>",
}


@pytest.mark.parametrize("name", IDLE)
def test_a_chain_of_verbs_that_take_no_time_is_paced_too(name: str) -> None:
    """A16: what is not waited for does not count as done."""

    @simulated()
    async def scenario(world: World) -> None:
        world.more_numbers.append({"number": "+15550101", "account": ACCOUNT, "voice_url": f"{world.url}/first"})
        world.application("<Response><Dial><Conference>Full</Conference></Dial></Response>", "/first")
        world.application(f"<Response>{IDLE[name]}<Redirect/></Response>")
        await world.start()
        await world.call("+15550101")
        await world.clock.sleep(1)
        dialing = asyncio.create_task(world.call())
        await world.clock.sleep(30)
        assert len(world.requests("/voice")) == pytest.approx(50, abs=2)
        (await dialing).hang_up() if dialing.done() else dialing.cancel()

    scenario()


@simulated()
async def test_what_the_first_request_carries(world: World) -> None:
    """A13, and the standard parameters."""
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
    """A12: and a number without its plus as one with it."""
    world.application("<Response><Hangup/></Response>")
    await world.start()
    call = await world.call(caller="alice", number="15550100")
    await call.ended
    (asked,) = world.requests("/voice")
    assert asked.parameters["From"] == "sip:alice@10.0.0.2"
    assert asked.parameters["To"] == "+15550100"


@simulated()
async def test_unknown_attributes_and_values_leave_the_default_and_a_warning(world: World) -> None:
    """A8: the call goes on as if they were not there."""
    noun = '<Conference beep="loud" startConferenceOnJoin="false" muted="TRUE" colour="red">Room</Conference>'
    world.application(f'<Response><Dial hangupOnStar="yes">{noun}</Dial><Dance/></Response>')
    await world.start()
    anna = await world.call(tone=500)
    await world.clock.sleep(1)
    before = anna.now_s()
    berta = await world.call(tone=700)
    await world.clock.sleep(2)
    assert anna.ear.hears(700)
    assert berta.ear.hears(500), "not muted"
    assert len(anna.ear.beeps(440, before)) == 1
    await anna.keys("*")
    await world.clock.sleep(1)
    assert berta.ear.hears(500), "the star does not leave the room"
    await world.server.store.flush()
    log = await world.server.store.debug.list(None)
    assert sorted(row.code for row in log) == sorted(2 * [13235, 12200, 13230, 12200, 13213, 12200])
    assert {row.level for row in log} == {"warning"}


@pytest.mark.parametrize(
    ("verb", "answers"),
    [
        ("<Say>hello</Say>", True),
        ("<Play>/tone</Play>", True),
        ('<Gather timeout="1"/>', True),
        ('<Dial timeLimit="1"><Conference>Room</Conference></Dial>', True),
        ('<Pause length="2"/>', False),
        ("<Redirect>/next</Redirect>", False),
        ("<Record/>", False),
    ],
)
def test_a_call_is_answered_by_the_first_verb_that_answers(verb: str, answers: bool) -> None:
    """A29: a Pause lets it ring, a Redirect too; at the end of a document without such a verb it is answered and hung up."""

    @simulated()
    async def scenario(world: World) -> None:
        world.application(f"<Response>{verb}<Redirect>/next</Redirect></Response>")
        world.application("<Response/>", "/next")
        world.application(tone_file(400, 0.5), "/tone")
        await world.start()
        call = await world.call()
        await call.ended
        (asked,) = world.requests("/next")
        assert asked.parameters["CallStatus"] == ("in-progress" if answers else "ringing")

    scenario()


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


@simulated()
async def test_the_request_names_every_wrong_attribute_of_its_document(world: World) -> None:
    world.application(
        '<Response colour="red">\n<Say voise="alice">Hello.</Say>\n'
        '<Dial><Conference muted="yes">Room</Conference></Dial></Response>'
    )
    await world.start()
    call = await world.call()
    await world.clock.sleep(3)
    call.hang_up()
    await world.clock.sleep(1)
    await world.server.store.flush()
    (request,) = await world.server.store.requests.list(None)
    assert [(found["code"], found["line"], found["path"], found["attribute"]) for found in request.findings] == [
        (12200, 1, "/Response", "colour"),
        (12200, 2, "/Response/Say[1]", "voise"),
        (13230, 3, "/Response/Dial[1]/Conference[1]", "muted"),
    ]
    logged = await world.server.store.debug.list(None)
    assert [entry.message for entry in reversed(logged)] == [found["message"] for found in request.findings]


@simulated()
async def test_the_level_of_what_fails_at_run_time_is_the_platforms(world: World) -> None:
    """An invalid name is a warning of Twilio's dictionary, an application that is not there an error."""
    world.application("<Response><Dial><Conference> </Conference></Dial><Play>/none</Play></Response>")
    await world.start()
    call = await world.call()
    await call.ended
    await world.server.store.flush()
    logged = await world.server.store.debug.list(None)
    assert [(entry.code, entry.level) for entry in reversed(logged)] == [(13237, "warning"), (11200, "error")]
