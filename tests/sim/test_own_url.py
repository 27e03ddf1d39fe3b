"""The document's own URL: asked again without what an earlier request added, and told to nobody with its credentials."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
import structlog
from tone_file import tone_file

from roomtone.testing.world import Answer, Asked, World, simulated


def _sent(asked: Asked, name: str) -> list[str]:
    return [value for key, value in parse_qsl(asked.query) if key == name]


@simulated()
async def test_a_menu_that_asks_itself_by_get_hears_the_last_keys_only(world: World) -> None:
    def menu(asked: Asked) -> str:
        if asked.parameters.get("Digits") == "2":
            return "<Response><Hangup/></Response>"
        return '<Response><Gather numDigits="1" method="GET"/></Response>'

    world.application(menu)
    world.number_settings |= {"voice_url": f"{world.url}/voice?menu=1", "voice_method": "GET"}
    await world.start()
    call = await world.call(keys="?1?2")
    await call.ended
    assert [_sent(asked, "Digits") for asked in world.requests("/voice")] == [[], ["1"], ["2"]]
    assert [_sent(asked, "CallStatus") for asked in world.requests("/voice")] == [
        ["ringing"],
        ["in-progress"],
        ["in-progress"],
    ]
    assert {len(_sent(asked, "menu")) for asked in world.requests("/voice")} == {1}


@simulated()
async def test_a_redirect_of_the_application_that_repeats_the_query_adds_nothing_either(world: World) -> None:
    """308 to the same with a slash, as frameworks do it."""
    world.application(lambda asked: Answer(status=308, headers={"Location": f"/menu/?{asked.query}"}))
    world.application(
        lambda asked: (
            "<Response><Hangup/></Response>"
            if "Digits" in asked.parameters
            else '<Response><Gather numDigits="1" method="GET"/></Response>'
        ),
        "/menu/",
    )
    world.number_settings |= {"voice_method": "GET"}
    await world.start()
    call = await world.call(keys="?1")
    await call.ended
    assert [_sent(asked, "CallStatus") for asked in world.requests("/menu/")] == [["ringing"], ["in-progress"]]


@simulated()
async def test_a_post_to_the_own_url_has_no_query_of_an_earlier_get(world: World) -> None:
    world.application(
        lambda asked: "<Response><Hangup/></Response>" if asked.method == "POST" else "<Response><Redirect/></Response>"
    )
    world.number_settings |= {"voice_method": "GET"}
    await world.start()
    call = await world.call()
    await call.ended
    assert [(asked.method, asked.query == "") for asked in world.requests("/voice")] == [("GET", False), ("POST", True)]


@simulated()
async def test_wait_music_that_redirects_to_itself_by_get_never_grows(world: World) -> None:
    world.application(
        '<Response><Dial><Conference waitUrl="/wait" waitMethod="GET">Room</Conference></Dial></Response>'
    )
    world.application('<Response><Play>/tone</Play><Redirect method="GET"/></Response>', "/wait")
    world.application(tone_file(400, 1.0), "/tone")
    await world.start()
    call = await world.call()
    await world.clock.sleep(60)
    rounds = world.requests("/wait")
    assert len(rounds) > 50
    assert len({asked.query for asked in rounds}) == 1
    assert call.ear.hears(400, 55)


@simulated()
async def test_credentials_of_a_url_reach_neither_log_nor_fallback(world: World) -> None:
    secret = world.url.replace("http://", "http://us:secret@")
    world.number_settings |= {"voice_url": f"{secret}/voice", "fallback_url": f"{world.url}/fallback"}
    world.application(
        f"<Response><Wrong/><Play>ftp://us:secret@x/</Play><Play>{secret}/text</Play><Redirect>/gone</Redirect></Response>"
    )
    world.application(Answer("this is no audio", content_type="audio/wav"), "/text")
    world.application("<Response><Hangup/></Response>", "/fallback")
    await world.start()
    with structlog.testing.capture_logs() as logged:
        call = await world.call()
        await call.ended
    (asked,) = world.requests("/fallback")
    assert asked.parameters["ErrorUrl"] == f"{world.url}/gone"
    await world.server.store.flush()
    entries = await world.server.store.debug.list(None)
    assert sorted(entry.code for entry in entries) == [11100, 11200, 12200, 13420]
    assert "secret" not in repr(entries)
    assert [line["url"] for line in logged if line["event"] == "sound.undecodable"] == [f"{world.url}/text"]
    assert "secret" not in repr(logged)
    assert "secret" not in repr([(row.verbs, row.findings) for row in world.server.journal.rows()])


@pytest.mark.parametrize(
    ("answer", "verb"),
    [(tone_file(400, 1.0), "Play"), (Answer("Nobody is here.", content_type="text/plain"), "Say")],
)
def test_an_answer_that_is_no_twiml_is_told_as_the_two_verbs_that_it_stands_for(answer: Answer, verb: str) -> None:
    @simulated()
    async def scenario(world: World) -> None:
        world.application(answer)
        await world.start()
        call = await world.call()
        await call.ended
        (row,) = (row for row in world.server.journal.rows() if row.kind == "voice")
        told = [(one["path"], one["outcome"]) for one in row.verbs]
        assert told == [(f"/Response/{verb}[1]", "ran"), ("/Response/Hangup[1]", "ran")]

    scenario()
