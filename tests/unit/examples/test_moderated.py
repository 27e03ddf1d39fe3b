"""The demo application over HTTP, as a voice platform would ask it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator

import httpx
import pytest
from twilio.request_validator import RequestValidator

from roomtone.demo.moderated import ROOM, application, signature

BASE = "http://demo.example"


@pytest.fixture
async def platform() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application()), base_url=BASE) as client:
        yield client


async def ask(client: httpx.AsyncClient, path: str, **form: str) -> ElementTree.Element:
    answer = await client.post(path, data={"CallSid": "CA1", **form})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    return ElementTree.fromstring(answer.text)


async def test_the_menu_asks_for_one_key_and_speaks(platform: httpx.AsyncClient) -> None:
    document = await ask(platform, "/voice")
    gather = document.find("Gather")
    assert gather is not None
    assert gather.get("numDigits") == "1"
    assert "Press 1 to listen" in (gather.findtext("Say") or "")


@pytest.mark.parametrize(
    ("key", "attributes"),
    [
        ("1", {"muted": "true", "startConferenceOnEnter": "false"}),
        ("2", {"startConferenceOnEnter": "false"}),
        ("3", {"startConferenceOnEnter": "true", "endConferenceOnExit": "true"}),
    ],
    ids=["listener", "speaker", "moderator"],
)
async def test_each_key_is_a_role_of_the_how_to(
    platform: httpx.AsyncClient, key: str, attributes: dict[str, str]
) -> None:
    gather = (await ask(platform, "/voice")).find("Gather")
    assert gather is not None
    document = await ask(platform, gather.attrib["action"], Digits=key)
    conference = document.find("Dial/Conference")
    assert conference is not None
    assert conference.attrib == attributes
    assert conference.text == ROOM


async def test_after_the_room_the_caller_hears_that_it_ended_and_is_hung_up(platform: httpx.AsyncClient) -> None:
    document = await ask(platform, "/join", Digits="2")
    assert [verb.tag for verb in document] == ["Say", "Dial", "Say", "Hangup"]
    assert "ended" in (document[2].text or "")


async def test_another_key_is_said_to_be_wrong_and_asked_again(platform: httpx.AsyncClient) -> None:
    document = await ask(platform, "/join?asked=1", Digits="9")
    assert "not one of the choices" in (document.findtext("Gather/Say") or "")


async def test_a_caller_who_presses_nothing_is_asked_three_times(platform: httpx.AsyncClient) -> None:
    path: str | None = "/voice"
    asked = 0
    while path is not None:
        document = await ask(platform, path)
        asked += document.find("Gather") is not None
        path = document.findtext("Redirect")
    assert asked == 3
    assert document[-1].tag == "Hangup"


async def test_with_a_token_only_signed_requests_are_answered() -> None:
    form = {"CallSid": "CA1", "Digits": "3"}
    url = f"{BASE}/join?asked=1"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application("secret"))) as client:
        unsigned = await client.post(url, data=form)
        wrong = await client.post(url, data=form, headers={"X-Twilio-Signature": signature(url, form, "other")})
        right = await client.post(url, data=form, headers={"X-Twilio-Signature": signature(url, form, "secret")})
    assert [answer.status_code for answer in (unsigned, wrong, right)] == [403, 403, 200]


def test_the_signature_is_the_one_the_platforms_own_library_expects() -> None:
    form = {"CallSid": "CA1", "To": "+15550100", "From": "sip:alice@example.com"}
    url = "http://demo.example:5000/voice?asked=1"
    assert RequestValidator("secret").validate(url, form, signature(url, form, "secret"))
