"""TwiML in, verbs and findings out: every attribute with its own number, every way a document can be none."""

from __future__ import annotations

import contextlib
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomtone.calls.document import Document, DocumentError, Verb
from roomtone.calls.verbs.dial import DialConference
from roomtone.calls.verbs.gather import Gather
from roomtone.calls.verbs.hangup import Hangup, Reject
from roomtone.calls.verbs.not_yet import NotYet
from roomtone.calls.verbs.pause import Pause
from roomtone.calls.verbs.play import Play
from roomtone.calls.verbs.redirect import Redirect
from roomtone.calls.verbs.say import Say
from roomtone.dialects.twilio.document import _SPOKEN, parse
from roomtone.dialects.twilio.place import FINDINGS_MAX
from roomtone.rooms.join import EndRule, StartRule
from roomtone.speech.child import NANOTTS_VOICES
from roomtone.webhooks.report import Outcome

URL = "https://app.example/dir/voice?x=1"
V = TypeVar("V", bound=Verb)


def read(text: str | bytes, content_type: str = "text/xml") -> Document:
    return parse(text.encode() if isinstance(text, str) else text, content_type, URL, participants_max=40)


def response(inner: str) -> Document:
    return read(f"<Response>{inner}</Response>")


def only(document: Document, kind: type[V]) -> V:
    (verb,) = document.verbs
    assert isinstance(verb, kind)
    return verb


def codes(document: Document) -> list[int]:
    return [finding.code for finding in document.findings]


def refusal(text: str | bytes, content_type: str = "text/xml") -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read(text, content_type)
    return caught.value


def conference(attributes: str = "", name: str = "Room 1234", dial: str = "") -> Document:
    return response(f"<Dial {dial}><Conference {attributes}>{name}</Conference></Dial>")


# the conference ---------------------------------------------------------------------------------------------------


def test_a_bare_conference_has_the_defaults_of_the_page() -> None:
    document = conference()
    verb = only(document, DialConference)
    assert verb.name == "Room 1234"
    assert (verb.wait_url, verb.wait_method, verb.action, verb.method) == (None, "POST", None, "POST")
    assert (verb.hangup_on_star, verb.time_limit_s, verb.not_yet) == (False, 14400, ())
    join = verb.join
    assert (join.start, join.end, join.muted) == (StartRule.WITH_ANOTHER, EndRule.ROOM_GOES_ON, False)
    assert (join.participants_max, join.has_wait_music, join.call_sid) == (40, True, "")
    assert join.enter_sound is not None
    assert join.enter_sound.tone is not None
    assert (join.enter_sound.tone.hertz, join.enter_sound.tone.milliseconds, join.enter_sound.tone.dbm0) == (
        440,
        120,
        -12,
    )
    assert join.exit_sound is not None
    assert join.exit_sound.tone is not None
    assert (join.exit_sound.tone.hertz, join.exit_sound.tone.milliseconds, join.exit_sound.tone.dbm0) == (330, 120, -12)
    assert document.findings == ()


def test_white_space_around_a_name_does_not_count_and_inside_it_does() -> None:
    assert only(conference(name="\n      moderated-room\n    "), DialConference).name == "moderated-room"
    assert only(conference(name=" Customer  Waiting Room "), DialConference).name == "Customer  Waiting Room"
    assert only(conference(name="a&amp;b<!-- no -->c<![CDATA[<d>]]>"), DialConference).name == "a&bc<d>"


@pytest.mark.parametrize(
    ("beep", "enters", "exits", "found"),
    [
        ("true", True, True, []),
        ("false", False, False, []),
        ("onEnter", True, False, []),
        ("onExit", False, True, []),
        ("onenter", True, True, [13235]),
        ("", True, True, [13235]),
    ],
)
def test_beep(beep: str, enters: bool, exits: bool, found: list[int]) -> None:
    document = conference(f'beep="{beep}"')
    join = only(document, DialConference).join
    assert (join.enter_sound is not None, join.exit_sound is not None) == (enters, exits)
    assert codes(document) == found


def test_the_moderator_and_the_muted() -> None:
    moderator = only(conference('startConferenceOnEnter="true" endConferenceOnExit="true"'), DialConference).join
    assert (moderator.start, moderator.end) == (StartRule.WITH_ANOTHER, EndRule.ENDS_ROOM)
    listener = only(conference('muted="true" startConferenceOnEnter="false"'), DialConference).join
    assert (listener.start, listener.muted) == (StartRule.WAITS, True)


@pytest.mark.parametrize(
    ("attribute", "code", "level"),
    [
        ('muted="yes"', 13230, "warning"),
        ('muted="TRUE"', 13230, "warning"),
        ('endConferenceOnExit="1"', 13231, "error"),
        ('startConferenceOnEnter="no"', 13232, "warning"),
        ('waitUrl="ftp://x/"', 13233, "warning"),
        ('waitUrl="http://[::1"', 13233, "warning"),
        ('waitMethod="PUT"', 13234, "warning"),
        ('beep="loud"', 13235, "warning"),
        ('trim="a-little"', 13239, "error"),
        ('maxParticipants="0"', 12200, "warning"),
        ('maxParticipants="many"', 12200, "warning"),
        ('maxParticipants="²"', 12200, "warning"),
        ('maxParticipants="41"', 12200, "warning"),
        ('record="always"', 12200, "warning"),
        ('eventCallbackUrl="ftp://x"', 11100, "error"),
        ('eventCallbackUrl="foo bar"', 11100, "error"),
        ('startConferenceOnJoin="false"', 12200, "warning"),
        ('mute="true"', 12200, "warning"),
    ],
)
def test_a_wrong_conference_attribute_leaves_the_default(attribute: str, code: int, level: str) -> None:
    document = conference(attribute)
    verb = only(document, DialConference)
    default = only(conference(), DialConference)
    assert verb.join == default.join
    assert (verb.wait_url, verb.wait_method) == (None, "POST")
    (finding,) = document.findings
    assert (finding.code, finding.level, finding.line) == (code, level, 1)
    assert finding.path == "/Response/Dial[1]/Conference[1]"


def test_a_near_miss_is_named() -> None:
    (finding,) = conference('mute="true"').findings
    assert "did you mean muted?" in finding.message


def test_max_participants() -> None:
    assert only(conference('maxParticipants="3"'), DialConference).join.participants_max == 3
    raised = parse(
        b"<Response><Dial><Conference>a</Conference></Dial></Response>", "text/xml", URL, participants_max=250
    )
    assert only(raised, DialConference).join.participants_max == 250


def test_wait_url() -> None:
    silent = only(conference('waitUrl=""'), DialConference)
    assert (silent.wait_url, silent.join.has_wait_music) == ("", False)
    music = only(conference('waitUrl="../music.mp3" waitMethod="GET"'), DialConference)
    assert (music.wait_url, music.wait_method) == ("https://app.example/music.mp3", "GET")
    assert music.join.has_wait_music


def test_not_yet_attributes_are_harmless_and_named() -> None:
    document = conference(
        'record="record-from-start" trim="do-not-trim" eventCallbackUrl="saved.php"', dial='record="true"'
    )
    verb = only(document, DialConference)
    assert verb.not_yet == ("Dial record", "record", "trim", "eventCallbackUrl")
    assert document.findings == ()
    assert only(conference('record="do-not-record"', dial='record="do-not-record"'), DialConference).not_yet == ()


# Dial -----------------------------------------------------------------------------------------------------------------


def test_dial_attributes() -> None:
    dial = 'action="left.php" method="get" hangupOnStar="true" timeLimit="30" callerId="+1" timeout="10"'
    document = conference(dial=dial)
    verb = only(document, DialConference)
    assert (verb.action, verb.method, verb.hangup_on_star, verb.time_limit_s) == (
        "https://app.example/dir/left.php",
        "GET",
        True,
        30,
    )
    assert document.findings == ()
    assert only(conference(dial='action=""'), DialConference).action == ""


@pytest.mark.parametrize(
    ("attribute", "code"),
    [
        ('method="DELETE"', 13210),
        ('timeout="soon"', 13212),
        ('hangupOnStar="yes"', 13213),
        ('timeLimit="0"', 13216),
        ('timeLimit="-5"', 13216),
        ('timeLimit="1e3"', 13216),
        ('record="maybe"', 13217),
        ('Action="x"', 12200),
    ],
)
def test_a_wrong_dial_attribute_leaves_the_default(attribute: str, code: int) -> None:
    document = conference(dial=attribute)
    verb = only(document, DialConference)
    assert (verb.action, verb.method, verb.hangup_on_star, verb.time_limit_s) == (None, "POST", False, 14400)
    assert codes(document) == [code]


@pytest.mark.parametrize(
    "beside", ["<Number>+15550101</Number>", "<Conference>other</Conference>", "+15550101", "<Client>ann</Client>"]
)
def test_a_conference_beside_another_noun_is_13000(beside: str) -> None:
    document = response(f"<Dial>{beside}<Conference>one</Conference></Dial>")
    verb = only(document, DialConference)
    assert verb.name == ("other" if "Conference" in beside else "one")
    assert codes(document) == [13000]


def test_dials_that_are_not_built() -> None:
    document = response("<Dial>+15550101</Dial><Dial><Sip>sip:a@b</Sip></Dial><Dial/><Dial><Foo/></Dial>")
    assert [verb.what for verb in document.verbs if isinstance(verb, NotYet)] == [
        "Dial with a phone number",
        "Dial with Sip",
    ]
    assert codes(document) == [13215, 13215, 13215]  # the empty Dial; Foo, and then nothing to dial


# the other verbs ------------------------------------------------------------------------------------------------------


def test_gather() -> None:
    document = response(
        '<Gather action="/menu" method="GET" timeout="7" finishOnKey="*" numDigits="4" actionOnEmptyResult="true">'
        "<Say>Press</Say><Pause/><Play>a.wav</Play></Gather>"
    )
    gather = only(document, Gather)
    assert (gather.action, gather.method, gather.timeout_s) == ("https://app.example/menu", "GET", 7)
    assert (gather.finish_on_key, gather.num_digits, gather.action_on_empty) == ("*", 4, True)
    assert [prompt.path for prompt in gather.prompts] == [
        "/Response/Gather[1]/Say[1]",
        "/Response/Gather[1]/Pause[1]",
        "/Response/Gather[1]/Play[1]",
    ]
    assert document.findings == ()
    bare = only(response("<Gather/>"), Gather)
    assert (bare.action, bare.method, bare.timeout_s, bare.finish_on_key) == ("", "POST", 5, "#")
    assert (bare.num_digits, bare.action_on_empty, bare.prompts) == (None, False, ())
    assert only(response('<Gather finishOnKey="" input="dtmf"/>'), Gather).finish_on_key == ""


@pytest.mark.parametrize(
    ("verb", "says"), [("Dail", "did you mean Dial?"), ("say", "did you mean Say?"), ("Xyz", "upper and lower case")]
)
def test_a_verb_that_does_not_exist_names_the_one_that_may_be_meant(verb: str, says: str) -> None:
    (finding,) = response(f"<{verb}/>").findings
    assert says in finding.message


def test_a_wrong_number_of_digits_says_what_holds_instead() -> None:
    (finding,) = response('<Gather numDigits="0"/>').findings
    assert finding.message.endswith(
        'numDigits of <Gather> must be a whole number of at least 1, not "0"; any number of keys is taken'
    )


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ('<Gather finishOnKey="x"/>', 13310),
        ('<Gather method="x"/>', 13312),
        ('<Gather timeout="x"/>', 13313),
        ('<Gather numDigits="0"/>', 13314),
        ('<Gather numDigits=""/>', 13314),
        ('<Gather actionOnEmptyResult="1"/>', 12200),
        ('<Gather input="speech"/>', 12200),
        ("<Gather><Dial>1</Dial></Gather>", 13320),
        ('<Gather><Say voice="robot">a</Say></Gather>', 13321),
        ('<Gather><Say loop="x">a</Say></Gather>', 13322),
        ('<Play loop="x">a.wav</Play>', 13410),
        ('<Play digits="12x">a.wav</Play>', 13430),
        ("<Play/>", 11100),
        ("<Play>ftp://a/b</Play>", 11100),
        ('<Say loop="-1">a</Say>', 13510),
        ('<Say voice="robot">a</Say>', 13511),
        ('<Say language="!">a</Say>', 13512),
        ('<Say language="xx-YY">a</Say>', 13512),
        ("<Say/>", 13520),
        (f"<Say>{'a ' * 3000}</Say>", 13521),
        ('<Redirect method="x">/a</Redirect>', 13710),
        ('<Pause length="x"/>', 13910),
        ('<Pause length="-1"/>', 13910),
        ('<Reject reason="tired"/>', 12200),
        ('<Hangup now="true"/>', 12200),
        ("<Hangup><Say>a</Say></Hangup>", 12200),
        ("<dial/>", 12200),
        ("<Foo/>", 12200),
        ("<Conference>a</Conference>", 12200),
        ("text<Hangup/>", 12200),
    ],
)
def test_a_mistake_has_its_number(inner: str, code: int) -> None:
    assert codes(response(inner)) == [code]


def test_the_languages_that_are_spoken_have_no_finding_and_all_have_a_voice() -> None:
    for language in NANOTTS_VOICES:
        assert codes(response(f'<Say language="{language.upper()}-XX">a</Say>')) == []
    assert set(_SPOKEN) == set(NANOTTS_VOICES)


def test_the_plain_verbs() -> None:
    document = response(
        '<Say voice="alice" language="de-DE" loop="0"> Guten\n Tag </Say><Play loop="2">https://cdn.example/a.mp3</Play>'
        '<Play digits="1w#"/><Pause length="3"/><Redirect method="GET">next</Redirect><Redirect/><Reject reason="busy"/><Hangup/>'
    )
    assert document.verbs == (
        Say(text="Guten Tag", voice="alice", language="de-DE", loop=0, path="/Response/Say[1]", line=1),
        Play(url="https://cdn.example/a.mp3", loop=2, path="/Response/Play[1]", line=2),
        Play(digits="1w#", path="/Response/Play[2]", line=2),
        Pause(length_s=3, path="/Response/Pause[1]", line=2),
        Redirect(url="https://app.example/dir/next", method="GET", path="/Response/Redirect[1]", line=2),
        Redirect(url="", path="/Response/Redirect[2]", line=2),
        Reject(reason="busy", path="/Response/Reject[1]", line=2),
        Hangup(path="/Response/Hangup[1]", line=2),
    )
    assert document.findings == ()


def test_lines_and_what_is_ignored() -> None:
    document = read(
        "<?xml version='1.0'?>\n<Response>\n  <Say>a</Say>\n  <Bogus/>\n  <Record/>\n  <Say>b</Say>\n</Response>"
    )
    assert [(verb.path, verb.line) for verb in document.verbs] == [
        ("/Response/Say[1]", 3),
        ("/Response/Record[1]", 5),
        ("/Response/Say[2]", 6),
    ]
    (report,) = document.ignored
    assert (report.path, report.line, report.outcome, report.code) == ("/Response/Bogus[1]", 4, Outcome.IGNORED, 12200)


def test_markup_inside_say_is_spoken_as_its_text() -> None:
    assert (
        only(response("<Say>Hello <emphasis>dear</emphasis> caller<break/>!</Say>"), Say).text == "Hello dear caller!"
    )


# answers that are no document -------------------------------------------------------------------------------------------


def test_malformed_with_its_place() -> None:
    error = refusal("<Response>\n  <Say>a</Response>")
    assert (error.code, error.line) == (12100, 2)
    assert error.column is not None
    assert "Say" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "<Response>&nbsp;</Response>",
        " <?xml version='1.0'?><Response/>",
        "<Response/><Response/>",
        "hello",
        b"\xff\xfe\x00",
        b"<Response>\xff</Response>",
        b"<Response>\x01</Response>",
        "<Response>" + "<a>" * 1000 + "</a>" * 1000 + "</Response>",
        b"<?xml version='1.0' encoding='klingon'?><Response/>",
    ],
)
def test_not_well_formed(text: str | bytes) -> None:
    assert refusal(text).code == 12100


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html/>",
        "<!doctype html><html></html>",
        '<?xml version="1.0"?>\n<!-- x -->\n<!DOCTYPE Response SYSTEM "http://app.example/x.dtd"><Response/>',
        '<!DOCTYPE r [<!ENTITY a "b">]><Response><Say>&a;</Say></Response>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Response><Say>&x;</Say></Response>',
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Response x="&b;"/>',
        "<!DOCTYPE Response><Response/>".encode("utf-16"),
        "\ufeff<!DOCTYPE Response><Response/>",
        "<!DOCTYPE Response><Response/>".encode("utf-32"),
    ],
)
@pytest.mark.parametrize("content_type", ["text/xml", "text/plain"])
def test_any_doctype_is_refused(text: str | bytes, content_type: str) -> None:
    error = refusal(text, content_type)
    assert error.code == 12100
    assert "DOCTYPE" in error.message


def test_a_doctype_in_a_comment_or_a_text_is_none() -> None:
    document = read("<!-- <!DOCTYPE html> --><Response><Say><![CDATA[<!DOCTYPE html>]]></Say></Response>")
    assert only(document, Say).text == "<!DOCTYPE html>"


@pytest.mark.parametrize("text", ["<response/>", "<html><body/></html>", '<Response xmlns="urn:x"/>', "<Twiml/>"])
def test_another_root_is_12102(text: str) -> None:
    assert refusal(text).code == 12102


@pytest.mark.parametrize("body", [b"", b"  \n"])
@pytest.mark.parametrize("content_type", ["text/xml", "", "text/plain"])
def test_an_empty_body_is_11770(body: bytes, content_type: str) -> None:
    assert refusal(body, content_type).code == 11770


# content types -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml", "text/html", "text/plain"])
def test_types_that_are_run(content_type: str) -> None:
    assert only(read("<Response><Hangup/></Response>", content_type), Hangup)


@pytest.mark.parametrize("content_type", ["", "application/json", "image/png", "text/css"])
def test_other_types_are_12300(content_type: str) -> None:
    assert refusal("<Response/>", content_type).code == 12300


def test_text_is_spoken_and_then_the_call_ends() -> None:
    spoken = Say(text="Nobody is here.", path="/Response/Say[1]")
    assert read("Nobody is\n here.", "text/plain").verbs == (spoken, Hangup(path="/Response/Hangup[1]"))
    assert isinstance(read("<Response><Say>a</Response>", "text/plain").verbs[0], Say)


def test_an_empty_response_is_a_document_without_verbs() -> None:
    assert read("<Response/>") == Document(verbs=())
    utf16 = '<?xml version="1.0" encoding="utf-16"?><Response><Say>Grüße</Say></Response>'.encode("utf-16")
    assert only(read(utf16), Say).text == "Grüße"


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(body: bytes) -> None:
    for text in (body, b"<Response>" + body + b"</Response>", b"<Response><Dial " + body + b"/></Response>"):
        with contextlib.suppress(DocumentError):
            read(text)


def test_a_document_of_mistakes_fills_no_debug_log() -> None:
    document = response('<Pause wrong="1"/>' * 500)
    assert len(document.verbs) == 500
    assert len(document.findings) == FINDINGS_MAX + 1
    assert "more than 100 mistakes" in document.findings[-1].message
