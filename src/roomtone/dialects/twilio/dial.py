"""Dial, and of its nouns the Conference: a translation of attributes into an explicit join request.

Source: twilio.com/docs/voice/twiml/conference, and the 2010-04-01 page, whose attributes are all here. record, trim and eventCallbackUrl are accepted,
checked and named as not yet; so are the attributes of later years. callerId and timeout have no effect with a Conference, as the page says. A Conference
beside another noun, or a second one, is 13000: the first Conference is dialed, the rest is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from roomtone.calls.document import Verb
from roomtone.calls.verbs.dial import DialConference
from roomtone.calls.verbs.not_yet import NotYet
from roomtone.dialects.twilio.place import Place, is_web_address
from roomtone.rooms.join import EndRule, JoinRequest, Sound, StartRule, Tone

__all__ = ["ENTER_SOUND", "EXIT_SOUND", "dial"]

ENTER_SOUND = Sound(tone=Tone(hertz=440.0, milliseconds=120, dbm0=-12.0))
EXIT_SOUND = Sound(tone=Tone(hertz=330.0, milliseconds=120, dbm0=-12.0))

_TIME_LIMIT_S = 14400
_TIME_LIMIT_MAX_S = 86400
_OTHER_NOUNS = ("Number", "Client", "Sip", "Queue", "Sim", "Application", "WhatsApp")
_DIAL_RECORD = (
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
    "true",
    "false",
)
_DIAL_LATER = frozenset(
    {
        "answerOnBridge",
        "callReason",
        "events",
        "record",
        "recordingConfigurationId",
        "recordingStatusCallback",
        "recordingStatusCallbackEvent",
        "recordingStatusCallbackMethod",
        "recordingTrack",
        "referMethod",
        "referUrl",
        "ringTone",
        "sequential",
        "trim",
    }
)
_CONFERENCE_LATER = frozenset(
    {
        "coach",
        "eventCallbackUrl",
        "jitterBufferSize",
        "participantLabel",
        "record",
        "recordingConfigurationId",
        "recordingStatusCallback",
        "recordingStatusCallbackEvent",
        "recordingStatusCallbackMethod",
        "region",
        "statusCallback",
        "statusCallbackEvent",
        "statusCallbackMethod",
        "trim",
    }
)
_ASKS_NOTHING = {"record": ("do-not-record", "false")}
"""Values of a not-yet attribute whose effect is there all the same."""


def dial(place: Place, participants_max: int) -> Verb | None:
    """The Dial as a verb; None (and a report) when there is nothing to dial."""
    conference, others = _nouns(place)
    if conference is None:
        if others:
            return NotYet(what=f"Dial with {others[0]}", path=place.path, line=place.line)
        place.ignore(13215, "<Dial> holds nothing to dial; it is skipped")
        return None
    return _dial_conference(place, conference, others, participants_max)


def _nouns(place: Place) -> tuple[Place | None, list[str]]:
    """The Conference, and what else was asked for by name."""
    conference: Place | None = None
    others: list[str] = []
    for noun in place.children():
        if noun.name == "Conference" and conference is None:
            conference = noun
        elif noun.name == "Conference" or noun.name in _OTHER_NOUNS:
            others.append(noun.name)
        else:
            noun.ignore(13215, f"<{noun.name[:80]}> may not stand inside <Dial>; it is ignored")
    texts = [place.element.text, *(child.tail for child in place.element)]
    if any((text or "").strip() for text in texts):
        others.append("a phone number")
    return conference, others


def _dial_conference(place: Place, conference: Place, others: Sequence[str], participants_max: int) -> DialConference:
    if others:
        found = ", ".join(dict.fromkeys(others))
        place.find(
            13000, f"<Conference> must be alone in its <Dial>; the first one is dialed, this is left out: {found}"
        )
    known = {"action", "method", "timeout", "hangupOnStar", "timeLimit", "callerId"}
    later = place.check_names(known, _DIAL_LATER)
    if "record" in later:
        place.choice("record", _DIAL_RECORD, "do-not-record", 13217)
    place.integer("timeout", 30, 13212, least=0)
    action = place.attribute("action")
    wait_url, has_music = _wait_url(conference)
    join = _join(conference, participants_max, has_music)
    return DialConference(
        name=_name(conference),
        join=join,
        wait_url=wait_url,
        wait_method=conference.method("waitMethod", "POST", 13234),
        action=None if action is None else place.link(action) if action.strip() else "",
        method=place.method("method", "POST", 13210),
        hangup_on_star=place.boolean("hangupOnStar", False, 13213),
        time_limit_s=float(place.integer("timeLimit", _TIME_LIMIT_S, 13216, least=1, most=_TIME_LIMIT_MAX_S)),
        not_yet=(*_asked(place, later, "Dial "), *_conference_not_yet(conference)),
        path=place.path,
        line=place.line,
        conference_line=conference.line,
    )


def _name(conference: Place) -> str:
    """The room's name: its white space inside is kept, not folded. Whether it is a name (13237) is the law of all rooms, so the join says it."""
    return "".join(str(piece) for piece in conference.element.itertext()).strip()


def _wait_url(conference: Place) -> tuple[str | None, bool]:
    """(URL, whether anything is played): none given is the default music, an empty one silence."""
    value = conference.attribute("waitUrl")
    if value is None:
        return None, True
    if not value.strip():
        return "", False
    url = conference.link(value)
    if not is_web_address(url):
        conference.wrong("waitUrl", 13233, "must be a well-formed address, or empty", "the default hold music")
        return None, True
    return url, True


def _join(conference: Place, participants_max: int, has_music: bool) -> JoinRequest:
    starts = conference.boolean("startConferenceOnEnter", True, 13232)
    ends = conference.boolean("endConferenceOnExit", False, 13231)
    beep = conference.choice("beep", ("true", "false", "onEnter", "onExit"), "true", 13235)
    maximum = conference.integer("maxParticipants", participants_max, 12200, least=1)
    if maximum > participants_max:
        message = f"maxParticipants of <Conference> is {maximum}; the most is {participants_max}, which is used (rooms.max_participants)"
        conference.find(12200, message, "maxParticipants")
    return JoinRequest(
        call_sid="",
        start=StartRule.WITH_ANOTHER if starts else StartRule.WAITS,
        end=EndRule.ENDS_ROOM if ends else EndRule.ROOM_GOES_ON,
        muted=conference.boolean("muted", False, 13230),
        enter_sound=ENTER_SOUND if beep in ("true", "onEnter") else None,
        exit_sound=EXIT_SOUND if beep in ("true", "onExit") else None,
        participants_max=min(maximum, participants_max),
        has_wait_music=has_music,
    )


def _conference_not_yet(conference: Place) -> tuple[str, ...]:
    known = {
        "muted",
        "beep",
        "startConferenceOnEnter",
        "endConferenceOnExit",
        "waitUrl",
        "waitMethod",
        "maxParticipants",
    }
    later = conference.check_names(known, _CONFERENCE_LATER)
    conference.check_empty()
    if "record" in later:
        conference.choice("record", ("do-not-record", "record-from-start"), "do-not-record", 12200)
    if "trim" in later:
        conference.choice("trim", ("trim-silence", "do-not-trim", "true", "false"), "trim-silence", 13239)
    callback = (conference.attribute("eventCallbackUrl") or "").strip()
    if len(callback.split()) > 1 or (callback and not is_web_address(conference.link(callback))):
        conference.wrong("eventCallbackUrl", 11100, "must be a well-formed address", "")
    return _asked(conference, later)


def _asked(place: Place, later: Sequence[str], prefix: str = "") -> tuple[str, ...]:
    return tuple(
        prefix + name for name in later if (place.attribute(name) or "") not in ("", *_ASKS_NOTHING.get(name, ()))
    )
