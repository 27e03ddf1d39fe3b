"""Verbs as callers hear them, and as their requests tell of them."""

from __future__ import annotations

import itertools

import pytest
from tone_file import mp3_file, tone_file

from roomtone.testing.caller import RefusedError, RobotCall
from roomtone.testing.world import Answer, World, simulated


def _outcomes(world: World, kind: str = "voice") -> list[tuple[str, str]]:
    """What became of the verbs of the first document of that kind."""
    row = next(row for row in reversed(list(world.server.journal.rows())) if row.kind == kind)
    return [(str(verb["path"]), str(verb["outcome"])) for verb in row.verbs]


async def _codes(world: World) -> list[int]:
    """The debug log, oldest first."""
    await world.server.store.flush()
    return [row.code for row in reversed(await world.server.store.debug.list(None))]


async def _call_and_wait(world: World) -> RobotCall:
    call = await world.call()
    await call.ended
    return call


@simulated()
async def test_consecutive_sounds_follow_each_other_without_a_gap(world: World) -> None:
    world.application("<Response><Play>/low</Play><Play>/high</Play><Play>/low</Play></Response>")
    world.application(tone_file(400, 1.0), "/low")
    world.application(tone_file(1000, 1.0), "/high")
    await world.start()
    call = await _call_and_wait(world)
    sounding = [window for window in call.ear.windows if window.dbm0 > -30]
    assert len(sounding) == pytest.approx(30, abs=1)
    gaps = [after.time_s - before.time_s for before, after in itertools.pairwise(sounding)]
    assert max(gaps) < 0.11
    start = sounding[0].time_s
    assert call.ear.hears(400, start + 0.2, start + 0.9)
    assert call.ear.hears(1000, start + 1.2, start + 1.9)
    assert call.ear.hears(400, start + 2.2, start + 2.9)
    assert _outcomes(world) == [(f"/Response/Play[{number}]", "ran") for number in (1, 2, 3)]


@simulated()
async def test_a_play_that_fails_is_skipped_with_its_code(world: World) -> None:
    world.application("<Response><Play>/missing</Play><Play>/text</Play><Play>/tone</Play></Response>")
    world.application(Answer("this is no audio", content_type="audio/wav"), "/text")
    world.application(tone_file(400, 1.0), "/tone")
    await world.start()
    call = await _call_and_wait(world)
    assert len([window for window in call.ear.windows if window.tone_dbm0(400) > -30]) >= 9
    assert [outcome for _, outcome in _outcomes(world)] == ["failed", "failed", "ran"]
    assert await _codes(world) == [11200, 13420]
    (entry, _) = await world.server.store.debug.list(None)
    assert entry.message == f"{world.url}/text gave no sound that can be played; send WAV, MP3, Ogg Vorbis or FLAC"


@simulated()
async def test_a_page_instead_of_a_sound_has_the_number_of_its_verb(world: World) -> None:
    world.application("<Response><Play>/page</Play><Gather timeout='1'><Play>/page</Play></Gather></Response>")
    world.application(Answer("<h1>Not found</h1>", content_type="text/html"), "/page")
    await world.start()
    await _call_and_wait(world)
    assert await _codes(world) == [13420, 13325]


@simulated()
async def test_play_loops(world: World) -> None:
    world.application('<Response><Play loop="3">/tone</Play></Response>')
    world.application(tone_file(400, 1.0), "/tone")
    await world.start()
    call = await _call_and_wait(world)
    assert len([window for window in call.ear.windows if window.dbm0 > -30]) == pytest.approx(30, abs=1)
    assert len(world.requests("/tone")) == 1


@simulated()
async def test_play_sends_digits(world: World) -> None:
    world.application('<Response><Play digits="12w#"/><Pause length="1"/></Response>')
    await world.start()
    call = await _call_and_wait(world)
    assert call.ear.digits == "12#"


@simulated()
async def test_say_speaks(world: World) -> None:
    world.application("<Response><Say>Good morning, and welcome to this conference.</Say></Response>")
    await world.start()
    call = await _call_and_wait(world)
    assert call.ear.music(0.0), "speech is sound that changes"
    assert _outcomes(world) == [("/Response/Say[1]", "ran")]


@simulated()
async def test_a_say_beyond_the_limit_of_its_account_is_skipped_and_the_call_goes_on(world: World) -> None:
    world.application("<Response><Say>Too much.</Say><Play>/tone</Play></Response>")
    world.application(tone_file(400, 1.0), "/tone")
    await world.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("roomtone.speech.SPEECH_TEXTS_PER_ACCOUNT_MAX", 0)
        call = await _call_and_wait(world)
    assert call.ear.hears(400, 0.2, 0.9)
    assert [outcome for _, outcome in _outcomes(world)] == ["failed", "ran"]
    assert await _codes(world) == [12400]


@simulated()
async def test_a_pause_as_the_first_verb_delays_the_answer(world: World) -> None:
    world.application('<Response><Pause length="4"/><Pause length="1"/><Play>/tone</Play></Response>')
    world.application(tone_file(400, 1.0), "/tone")
    await world.start()
    before = world.clock.now()
    call = await world.call()
    assert world.clock.now() - before == pytest.approx(5.0, abs=0.1)
    assert 180 in call.line.provisional
    await call.ended
    assert [outcome for _, outcome in _outcomes(world)] == ["ran", "ran", "ran"]


@simulated()
async def test_a_pause_between_sounds_is_silence_of_that_length(world: World) -> None:
    world.application('<Response><Play>/tone</Play><Pause length="2"/><Play>/tone</Play></Response>')
    world.application(tone_file(400, 1.0), "/tone")
    await world.start()
    call = await _call_and_wait(world)
    start = next(window.time_s for window in call.ear.windows if window.dbm0 > -30)
    assert call.ear.silence(start + 1.1, start + 2.9)
    assert call.ear.hears(400, start + 3.1, start + 3.9)


@simulated()
async def test_reject_refuses_a_call_that_was_not_answered(world: World) -> None:
    world.application("<Response><Reject/><Say>never</Say></Response>")
    world.application('<Response><Reject reason="busy"/></Response>', "/busy")
    await world.start()
    with pytest.raises(RefusedError) as refused:
        await world.call()
    assert refused.value.status == 603
    world.application("<Response><Redirect>/busy</Redirect></Response>")
    with pytest.raises(RefusedError) as refused:
        await world.call()
    assert refused.value.status == 486
    await world.server.store.flush()
    rows = await world.server.store.calls.list(None)
    assert sorted(row.status for row in rows) == ["busy", "no-answer"]


@simulated()
async def test_reject_of_an_answered_call_hangs_up(world: World) -> None:
    world.application("<Response><Play>/tone</Play><Reject/></Response>")
    world.application(tone_file(400, 0.5), "/tone")
    await world.start()
    call = await _call_and_wait(world)
    assert call.ended.result() == "the far end hung up"


@simulated()
async def test_hangup_ends_the_call_and_nothing_after_it_is_reached(world: World) -> None:
    world.application("<Response><Hangup/><Play>/tone</Play></Response>")
    await world.start()
    await _call_and_wait(world)
    assert _outcomes(world) == [("/Response/Hangup[1]", "ran"), ("/Response/Play[1]", "not_reached")]


@simulated()
async def test_an_empty_document_is_answered_and_hung_up(world: World) -> None:
    world.application("<Response/>")
    await world.start()
    call = await _call_and_wait(world)
    assert call.ended.result() == "the far end hung up"


@simulated()
async def test_redirect_goes_on_with_another_document_and_an_empty_one_with_the_same(world: World) -> None:
    asked: list[str] = []

    def voice(request: object) -> str:
        asked.append(getattr(request, "method", ""))
        return (
            "<Response><Redirect/></Response>"
            if len(asked) < 3
            else '<Response><Redirect method="GET">/next?a=1</Redirect></Response>'
        )

    world.application(voice)
    world.application("<Response><Hangup/></Response>", "/next")
    await world.start()
    await _call_and_wait(world)
    assert asked == ["POST", "POST", "POST"]
    (request,) = world.requests("/next")
    assert request.method == "GET"
    assert request.parameters["a"] == "1"
    assert request.parameters["CallSid"].startswith("CA")


@simulated()
async def test_verbs_that_are_not_built_are_skipped_and_said(world: World) -> None:
    verbs = ("<Record/>", "<Dial><Number>+15550199</Number></Dial>", "<Dance/>", "<Play>/tone</Play>")
    world.application("\n".join(["<Response>", *verbs, "</Response>"]))
    world.application(tone_file(400, 0.5), "/tone")
    await world.start()
    await _call_and_wait(world)
    assert _outcomes(world) == [
        ("/Response/Record[1]", "not_yet"),
        ("/Response/Dial[1]", "not_yet"),
        ("/Response/Dance[1]", "ignored"),
        ("/Response/Play[1]", "ran"),
    ]
    assert await _codes(world) == [12200, 12200, 12200]


@simulated()
async def test_audio_in_the_place_of_a_document_is_played_and_the_call_hung_up(world: World) -> None:
    world.application(tone_file(400, 1.0))
    await world.start()
    call = await _call_and_wait(world)
    assert len([window for window in call.ear.windows if window.tone_dbm0(400) > -30]) >= 9
    assert len(world.requests("/voice")) == 1


@simulated()
async def test_what_a_play_asks_for_is_told_nothing_of_the_call(world: World) -> None:
    """As the manual says; an MP3 is played like a WAV."""
    world.application("<Response><Play>/tone?a=1</Play></Response>")
    world.application(mp3_file(), "/tone")
    await world.start()
    call = await _call_and_wait(world)
    assert len([window for window in call.ear.windows if window.tone_dbm0(400) > -20]) >= 9
    (asked,) = world.requests("/tone")
    assert (asked.method, dict(asked.parameters)) == ("GET", {"a": "1"})


@simulated()
async def test_loop_0_plays_until_the_call_ends(world: World) -> None:
    world.application('<Response><Play loop="0">/tone</Play><Redirect>/never</Redirect></Response>')
    world.application(tone_file(400, 1.0), "/tone")
    await world.start()
    call = await world.call()
    await world.clock.sleep(60)
    assert call.ear.hears(400, 1.0)
    call.hang_up()
    await world.clock.sleep(1)
    assert world.requests("/never") == []


@simulated()
async def test_digits_that_are_played_take_their_time(world: World) -> None:
    """`w` is half a second, `W` a second, and `loop` repeats them all."""
    world.application('<Response><Play digits="1wW2" loop="2"/><Play>/tone</Play></Response>')
    world.application(tone_file(400, 1.0), "/tone")
    await world.start()
    call = await world.call()
    answered = call.now_s()
    await call.ended
    assert call.ear.digits == "1212"
    start = next(window.time_s for window in call.ear.windows if window.tone_dbm0(400) > -30)
    assert start - answered == pytest.approx(2 * (0.2 + 1.5 + 0.2), abs=0.3)


@simulated()
async def test_plain_text_in_the_place_of_a_document_is_spoken_and_the_call_hung_up(world: World) -> None:
    world.application(Answer("We are closed today. Please call again tomorrow.", content_type="text/plain"))
    await world.start()
    call = await _call_and_wait(world)
    assert call.ear.music(0.2, 1.5), "speech is sound that changes"
    assert len(world.requests("/voice")) == 1


@simulated()
async def test_a_pause_and_a_reject_refuse_the_call_after_a_while(world: World) -> None:
    """Only the verbs that answer take a call: after a Pause alone it can still be refused."""
    world.application('<Response><Pause length="3"/><Reject reason="busy"/></Response>')
    await world.start()
    before = world.clock.now()
    with pytest.raises(RefusedError) as refused:
        await world.call()
    assert refused.value.status == 486
    assert world.clock.now() - before == pytest.approx(3, abs=0.1)


@simulated()
async def test_the_action_of_a_dial_may_be_asked_by_get_and_be_the_document_itself(world: World) -> None:
    dial = '<Dial action="" method="GET" timeLimit="2"><Conference>Room</Conference></Dial>'
    world.application(
        lambda asked: "<Response/>" if "DialCallStatus" in asked.parameters else f"<Response>{dial}</Response>"
    )
    await world.start()
    await _call_and_wait(world)
    asked = world.requests("/voice")
    assert [(one.method, one.parameters.get("DialCallStatus")) for one in asked] == [
        ("POST", None),
        ("GET", "answered"),
    ]


@simulated()
async def test_caller_id_and_timeout_of_a_dial_mean_nothing_to_a_conference(world: World) -> None:
    """As the page says of example 6."""
    world.application(
        '<Response><Dial timeout="1" callerId="+15559999"><Conference>Room</Conference></Dial></Response>'
    )
    await world.start()
    call = await world.call()
    await world.clock.sleep(10)
    assert call.ear.music()
    await world.server.store.flush()
    assert await _codes(world) == []


@simulated()
async def test_one_call_may_be_in_one_room_after_the_other(world: World) -> None:
    rooms = "".join(f'<Dial timeLimit="3"><Conference>{name}</Conference></Dial>' for name in ("A", "B", "A"))
    world.application(f"<Response>{rooms}</Response>")
    await world.start()
    call = await world.call()
    began = world.clock.now()
    seen = []
    for _ in range(3):
        await world.clock.sleep(1.5)
        seen += [conference.friendly_name for conference in world.server.conferences.list(None)]
        await world.clock.sleep(1.5)
    await call.ended
    assert seen == ["A", "B", "A"]
    assert world.clock.now() - began == pytest.approx(9, abs=0.5)
