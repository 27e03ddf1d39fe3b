"""TwiML of API version 2010-04-01 as verbs.

What a content type does (spec 3.2): XML and HTML types are run as TwiML; plain text is run when it is TwiML, else spoken, then the call hangs up; audio never
comes here (`calls.interpreter` plays it); anything else is 12300. Element and attribute names are exact. A verb nobody knows is skipped with a finding; one that is the
platform's, but not built, becomes `NotYet`. Relative URLs are resolved against the document's own; an empty action or Redirect means that URL itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from roomtone.calls.document import Document, DocumentError, Verb
from roomtone.calls.verbs.gather import Gather
from roomtone.calls.verbs.hangup import Hangup, Reject
from roomtone.calls.verbs.not_yet import NotYet
from roomtone.calls.verbs.pause import Pause
from roomtone.calls.verbs.play import Play
from roomtone.calls.verbs.redirect import Redirect
from roomtone.calls.verbs.say import Say
from roomtone.dialects.twilio.dial import dial
from roomtone.dialects.twilio.place import Place, Reading, is_web_address, nearest
from roomtone.dialects.twilio.xml import parse_response
from roomtone.webhooks.target import without_credentials

__all__ = ["SAY_CHARACTERS_MAX", "parse"]

SAY_CHARACTERS_MAX = 4096
"""Text of one Say; the rest is not spoken (13521)."""

_XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})
_VOICE = re.compile(r"(?:man|woman|alice|(?:Polly|Google)\.[A-Za-z0-9-]+)\Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")
_SPOKEN = ("en", "de", "fr", "es", "it")
_DTMF = re.compile(r"[0-9A-DwW#*]+\Z")
_NOT_BUILT = frozenset(
    {
        "Connect",
        "Echo",
        "Enqueue",
        "Leave",
        "Message",
        "Pay",
        "Prompt",
        "Queue",
        "Record",
        "Refer",
        "Siprec",
        "Sms",
        "Start",
        "Stop",
    }
)
_GATHER_LATER = frozenset(
    {
        "bargeIn",
        "debug",
        "enhanced",
        "hints",
        "input",
        "language",
        "maxSpeechTime",
        "partialResultCallback",
        "partialResultCallbackMethod",
        "profanityFilter",
        "speechModel",
        "speechTimeout",
    }
)


def parse(body: bytes, content_type: str, url: str, *, participants_max: int) -> Document:
    """The answer as a Document. DocumentError: 11770 (empty), 12300 (content type), 12100, 12102."""
    if not body.strip():
        raise DocumentError(11770, "the answer has an empty body; send at least <Response/>")
    if content_type == "text/plain":
        return _parse_text(body, url, participants_max)
    if content_type not in _XML_TYPES:
        shown = f'"{content_type[:80]}"' if content_type else "missing"
        raise DocumentError(
            12300, f"the Content-Type of the answer is {shown}; send text/xml (or audio/* for a sound to play)"
        )
    return _parse_twiml(body, url, participants_max)


def _parse_text(body: bytes, url: str, participants_max: int) -> Document:
    try:
        return _parse_twiml(body, url, participants_max)
    except DocumentError as error:
        if "DOCTYPE" in error.message:
            raise
    text = " ".join(body.decode("utf-8", "replace").split())[:SAY_CHARACTERS_MAX]
    return Document(verbs=(Say(text=text, path="/Response/Say[1]"), Hangup(path="/Response/Hangup[1]")))


def _parse_twiml(body: bytes, url: str, participants_max: int) -> Document:
    reading = Reading(url)
    response = Place(reading, parse_response(body), "/Response")
    response.check_names(())
    if (response.element.text or "").strip() or any((child.tail or "").strip() for child in response.element):
        response.find(12200, "<Response> holds text between its verbs; it is ignored")
    verbs: list[Verb] = []
    for place in response.children():
        verb = _verb(place, participants_max)
        if verb is not None:
            verbs.append(verb)
    return Document(verbs=tuple(verbs), findings=tuple(reading.findings), ignored=tuple(reading.ignored))


def _verb(place: Place, participants_max: int) -> Verb | None:
    if place.name == "Dial":
        return dial(place, participants_max)
    reader = _READERS.get(place.name)
    if reader is not None:
        return reader(place)
    if place.name in _NOT_BUILT:
        return NotYet(what=place.name, path=place.path, line=place.line)
    if place.name == "Conference":
        place.ignore(12200, "<Conference> is a noun of <Dial>: put it inside <Dial>…</Dial>; it is ignored")
    else:
        meant = nearest(place.name, sorted({"Dial", *_READERS, *_NOT_BUILT})) or " (upper and lower case count)"
        place.ignore(12200, f"<{place.name[:80]}> is no verb of TwiML{meant}; it is ignored")
    return None


def _say(place: Place, voice_code: int = 13511, loop_code: int = 13510) -> Say | None:
    place.check_names({"voice", "language", "loop"})
    text = place.text
    if not text:
        place.ignore(13520, "<Say> holds no text; it is skipped")
        return None
    if len(text) > SAY_CHARACTERS_MAX:
        place.find(13521, f"<Say> holds {len(text)} characters; only the first {SAY_CHARACTERS_MAX} are spoken")
    voice = place.attribute("voice") or "man"
    if not _VOICE.match(voice):
        place.wrong(
            "voice", voice_code, "must be man, woman, alice, or a name that begins with Polly. or Google.", "man"
        )
        voice = "man"
    language = place.attribute("language") or "en-US"
    if not _LANGUAGE.match(language):
        place.wrong("language", 13512, "must be a language tag such as en-US", "en-US")
        language = "en-US"
    elif language.partition("-")[0].lower() not in _SPOKEN:
        place.find(
            13512,
            f'language of <Say> is "{language[:80]}", for which there is no voice ({", ".join(_SPOKEN)}); the English one reads it',
            "language",
        )
    loop = place.integer("loop", 1, loop_code, least=0)
    return Say(
        text=text[:SAY_CHARACTERS_MAX], voice=voice, language=language, loop=loop, path=place.path, line=place.line
    )


def _play(place: Place, no_audio_code: int = 13420) -> Play | None:
    place.check_names({"loop", "digits"})
    place.check_empty()
    loop = place.integer("loop", 1, 13410, least=0)
    digits = place.attribute("digits") or ""
    if digits and not _DTMF.match(digits):
        place.wrong("digits", 13430, "may hold 0-9, A-D, *, #, w and W", "")
        digits = ""
    if digits:
        return Play(digits=digits, loop=loop, path=place.path, line=place.line)
    if not place.text:
        place.ignore(11100, "<Play> holds no URL; it is skipped")
        return None
    url = place.link(place.text)
    if not is_web_address(url):
        place.ignore(11100, f"<Play> holds no address that could be fetched: {without_credentials(url)[:200]}")
        return None
    return Play(url=url, loop=loop, no_audio_code=no_audio_code, path=place.path, line=place.line)


def _pause(place: Place) -> Pause:
    place.check_names({"length"})
    place.check_empty()
    return Pause(length_s=float(place.integer("length", 1, 13910, least=0)), path=place.path, line=place.line)


def _gather(place: Place) -> Gather:
    known = {"action", "method", "timeout", "finishOnKey", "numDigits", "actionOnEmptyResult"}
    for name in place.check_names(known, _GATHER_LATER):
        if name == "input" and place.attribute("input") == "dtmf":
            continue
        place.find(12200, f"{name} of <Gather> is not built yet: keys are gathered, speech is not", name)
    finish = place.attribute("finishOnKey")
    if finish is not None and not all(key in "0123456789*#" for key in finish):
        place.wrong("finishOnKey", 13310, "must be a key (0-9, *, #), or empty", "#")
        finish = None
    action = place.attribute("action")
    return Gather(
        action=place.link(action) if action and action.strip() else "",
        method=place.method("method", "POST", 13312),
        timeout_s=float(place.integer("timeout", 5, 13313, least=0)),
        finish_on_key="#" if finish is None else finish,
        num_digits=place.integer("numDigits", 0, 13314, least=1, otherwise="any number of keys is taken") or None,
        action_on_empty=place.boolean("actionOnEmptyResult", False, 12200),
        prompts=_prompts(place),
        path=place.path,
        line=place.line,
    )


def _prompts(gather: Place) -> tuple[Say | Play | Pause, ...]:
    prompts: list[Say | Play | Pause] = []
    for place in gather.children():
        prompt: Say | Play | Pause | None = None
        if place.name == "Say":
            prompt = _say(place, voice_code=13321, loop_code=13322)
        elif place.name == "Play":
            prompt = _play(place, no_audio_code=13325)
        elif place.name == "Pause":
            prompt = _pause(place)
        else:
            place.ignore(
                13320, f"<{place.name[:80]}> may not stand inside <Gather> (Say, Play and Pause may); it is ignored"
            )
        if prompt is not None:
            prompts.append(prompt)
    return tuple(prompts)


def _redirect(place: Place) -> Redirect:
    place.check_names({"method"})
    place.check_empty()
    url = place.link(place.text) if place.text else ""
    return Redirect(url=url, method=place.method("method", "POST", 13710), path=place.path, line=place.line)


def _hangup(place: Place) -> Hangup:
    place.check_names(())
    place.check_empty()
    return Hangup(path=place.path, line=place.line)


def _reject(place: Place) -> Reject:
    place.check_names({"reason"})
    place.check_empty()
    reason = place.choice("reason", ("rejected", "busy"), "rejected", 12200)
    return Reject(reason="busy" if reason == "busy" else "rejected", path=place.path, line=place.line)


_READERS: dict[str, Callable[[Place], Verb | None]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Gather": _gather,
    "Redirect": _redirect,
    "Hangup": _hangup,
    "Reject": _reject,
}
"""One line a verb; Dial has its own file, because it has nouns."""
