"""What those who wait hear: the default music, files, documents, and what becomes of failures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tone_file import mp3_file, tone_file

from roomtone import music
from roomtone.errors import InstallationError
from roomtone.testing.caller import RobotCall
from roomtone.testing.world import Answer, World, simulated


async def _waiting(world: World, attributes: str) -> RobotCall:
    """A caller alone in a room."""
    world.application(
        f"<Response><Dial><Conference {attributes}>Room</Conference></Dial><Redirect>/after</Redirect></Response>"
    )
    world.application("<Response><Hangup/></Response>", "/after")
    await world.start()
    return await world.call()


async def _codes(world: World) -> list[int]:
    await world.server.store.flush()
    return [row.code for row in reversed(await world.server.store.debug.list(None))]


@simulated()
async def test_the_default_music_never_leaves_the_machine_and_never_ends(world: World) -> None:
    call = await _waiting(world, "")
    for _ in range(8):
        await world.clock.sleep(30)
        assert call.ear.music()
    assert world.asked == world.requests("/voice")


@simulated()
async def test_a_server_whose_hold_music_is_missing_does_not_start(world: World) -> None:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as empty:
        patch.setattr(music, "_FOLDER", Path(empty))
        with pytest.raises(InstallationError, match="hold music is missing"):
            await world.start()


@simulated()
async def test_hold_music_that_goes_missing_is_silence_and_no_fault_of_the_application(world: World) -> None:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as empty:
        world.application("<Response><Dial><Conference>Room</Conference></Dial></Response>")
        await world.start()
        patch.setattr(music, "_FOLDER", Path(empty))
        call = await world.call()
        await world.clock.sleep(60)
    assert call.ear.silence()
    assert await _codes(world) == []
    assert len(world.server.switchboard) == 1


@simulated()
async def test_the_twimlet_by_its_address_is_the_same_music(world: World) -> None:
    call = await _waiting(world, 'waitUrl="http://twimlets.com/holdmusic?Bucket=com.twilio.music.rock"')
    await world.clock.sleep(4)
    assert call.ear.music()
    assert await _codes(world) == []


@simulated()
async def test_a_file_loops(world: World) -> None:
    """T7, T6: a media file given directly plays over and over; its request names call and conference."""
    world.application(tone_file(400, 1.0), "/wait")
    call = await _waiting(world, 'waitUrl="/wait"')
    await world.clock.sleep(10)
    assert call.ear.hears(400, 1.0)
    (asked,) = world.requests("/wait")
    assert asked.method == "POST"
    assert asked.parameters["FriendlyName"] == "Room"
    assert asked.parameters["ConferenceSid"].startswith("CF")
    (call_asked,) = world.requests("/voice")
    standard = ("CallSid", "AccountSid", "From", "To", "ApiVersion", "Direction")
    assert [asked.parameters[name] for name in standard] == [call_asked.parameters[name] for name in standard]
    assert asked.parameters["CallStatus"] == "in-progress"


@simulated()
async def test_an_mp3_file_loops(world: World) -> None:
    """T7: as the page's waitUrl may be one."""
    world.application(mp3_file(), "/wait")
    call = await _waiting(world, 'waitUrl="/wait" waitMethod="GET"')
    await world.clock.sleep(10)
    sounding = [window for window in call.ear.heard(1.0) if window.tone_dbm0(400) > -20]
    assert len(sounding) >= 0.8 * len(call.ear.heard(1.0))
    assert await _codes(world) == []


@simulated()
async def test_a_document_may_say_pause_and_lead_to_another(world: World) -> None:
    """The page's verbs of a waitUrl, and today's Pause; a relative Redirect is one from the document that runs."""
    first = (
        "<Response><Say>Please wait for us.</Say><Pause length='2'/><Redirect method='GET'>more</Redirect></Response>"
    )
    world.application(first, "/music/wait")
    world.application("<Response><Play>../tone</Play></Response>", "/music/more")
    world.application(tone_file(400, 5.0), "/tone")
    call = await _waiting(world, 'waitUrl="/music/wait"')
    await call.until(lambda ear: ear.hears(400))
    assert call.ear.music(0.2, 1.2), "speech before it"
    (asked,) = world.requests("/music/more")
    assert asked.method == "GET"
    assert asked.parameters["FriendlyName"] == "Room"
    assert await _codes(world) == []


@simulated()
async def test_wait_method(world: World) -> None:
    world.application(tone_file(400, 1.0), "/wait")
    await _waiting(world, 'waitUrl="/wait" waitMethod="GET"')
    await world.clock.sleep(2)
    (asked,) = world.requests("/wait")
    assert asked.method == "GET"
    assert asked.parameters["FriendlyName"] == "Room"


@simulated()
async def test_a_document_plays_once_and_then_there_is_silence(world: World) -> None:
    """T7."""
    world.application("<Response><Play>/tone</Play></Response>", "/wait")
    world.application(tone_file(400, 1.0), "/tone")
    call = await _waiting(world, 'waitUrl="/wait"')
    await world.clock.sleep(4)
    assert len([window for window in call.ear.windows if window.tone_dbm0(400) > -30]) == pytest.approx(10, abs=1)
    assert call.ear.silence()
    assert len(world.requests("/wait")) == 1


@simulated()
async def test_a_document_that_redirects_to_itself_goes_on(world: World) -> None:
    world.application("<Response><Play>/tone</Play><Redirect/></Response>", "/wait")
    world.application(tone_file(400, 1.0), "/tone")
    call = await _waiting(world, 'waitUrl="/wait"')
    await world.clock.sleep(10)
    assert call.ear.hears(400, 1.0)
    assert len(world.requests("/wait")) == pytest.approx(10, abs=1)


@simulated()
async def test_a_document_that_only_redirects_is_paced(world: World) -> None:
    world.application("<Response><Redirect/></Response>", "/wait")
    call = await _waiting(world, 'waitUrl="/wait"')
    await world.clock.sleep(10)
    assert len(world.requests("/wait")) == pytest.approx(30, abs=1)
    assert await _codes(world) == [11215], "as soon as it is slowed down, not only when it is ended"
    assert not call.ended.done()


@simulated()
async def test_forbidden_verbs_are_skipped_with_their_code(world: World) -> None:
    world.application(
        "<Response>\n<Hangup/>\n<Gather/>\n<Dial>1</Dial>\n<Record/>\n<Play>/tone</Play>\n</Response>", "/wait"
    )
    world.application(tone_file(400, 1.0), "/tone")
    call = await _waiting(world, 'waitUrl="/wait"')
    await world.clock.sleep(3)
    assert any(window.tone_dbm0(400) > -30 for window in call.ear.windows)
    assert not call.ended.done()
    assert (await _codes(world)).count(13238) == 4
    row = next(row for row in world.server.journal.rows() if row.kind == "wait")
    assert [verb["outcome"] for verb in row.verbs] == ["ignored", "ignored", "ignored", "ignored", "ran"]


@pytest.mark.parametrize(
    "answer", [Answer(status=404), "<nonsense", Answer("x", content_type="audio/mpeg"), Answer("", content_type="")]
)
def test_a_failure_is_logged_and_the_caller_stays_in_silence(answer: str | Answer) -> None:
    """T8."""

    @simulated()
    async def scenario(world: World) -> None:
        world.application(answer, "/wait")
        call = await _waiting(world, 'waitUrl="/wait"')
        await world.clock.sleep(5)
        assert call.ear.silence(1.0)
        assert not call.ended.done()
        assert len(await _codes(world)) == 1
        other = await world.call(tone=700)
        await world.clock.sleep(2)
        assert call.ear.hears(700), "the room works all the same"
        other.hang_up()

    scenario()


@simulated()
async def test_a_slow_wait_document_starts_no_music_in_a_room_that_has_started(world: World) -> None:
    world.application(
        Answer("<Response><Play>/tone</Play></Response>", headers={"X-Roomtone-Test-Delay": "3"}), "/wait"
    )
    world.application(tone_file(400, 5.0), "/tone")
    call = await _waiting(world, 'waitUrl="/wait"')
    await world.clock.sleep(2)
    await world.call(tone=700)
    await world.clock.sleep(5)
    assert call.ear.hears(700, 3.0)
    assert not any(window.tone_dbm0(400) > -40 for window in call.ear.windows)


@simulated()
async def test_music_stops_in_the_moment_in_which_the_room_starts(world: World) -> None:
    world.application(tone_file(400, 1.0), "/wait")
    call = await _waiting(world, 'waitUrl="/wait" beep="false"')
    await world.clock.sleep(2)
    await world.call()
    await world.clock.sleep(2)
    playing = [window.time_s for window in call.ear.windows if window.tone_dbm0(400) > -30]
    assert max(playing) == pytest.approx(2.1, abs=0.25)
    assert call.ear.silence()


@simulated()
async def test_a_wait_url_is_asked_for_by_those_who_wait_and_by_nobody_else(world: World) -> None:
    """It is for the time before the start: who starts a room, or comes later, hears the talk at once."""
    world.application(tone_file(400, 1.0), "/wait")
    await _waiting(world, 'waitUrl="/wait"')
    await world.clock.sleep(2)
    starter = await world.call(tone=700)
    await world.clock.sleep(1)
    late = await world.call()
    await world.clock.sleep(2)
    assert len(world.requests("/wait")) == 1
    assert late.ear.hears(700)
    for call in (starter, late):
        assert not any(window.tone_dbm0(400) > -40 for window in call.ear.windows)


@simulated()
async def test_sounds_of_a_wait_document_that_are_not_there_do_not_end_it(world: World) -> None:
    """T8, A16: each is an error in the debug log, the next verb follows, and the chain is paced."""
    world.application("<Response><Play>/missing</Play><Redirect/></Response>", "/wait")
    call = await _waiting(world, 'waitUrl="/wait"')
    await world.clock.sleep(10)
    assert len(world.requests("/wait")) == pytest.approx(30, abs=1)
    assert set(await _codes(world)) == {11200, 11215}
    other = await world.call(tone=700)
    await world.clock.sleep(2)
    assert call.ear.hears(700)
    assert not other.ended.done()


@simulated()
async def test_music_that_the_rooms_start_made_needless_is_no_failure(world: World) -> None:
    world.application(Answer("<Response/>", headers={"X-Roomtone-Test-Delay": "10"}), "/wait")
    await _waiting(world, 'waitUrl="/wait"')
    await world.call()
    await world.clock.sleep(3)
    (row,) = (row for row in world.server.journal.rows() if row.kind == "wait")
    assert row.error is None
    assert await _codes(world) == []
