"""The moderated how-to with other people's telephones: baresip, sipp and robots in one room, over UDP and over TCP.

Each says a tone of its own, so that what one hears tells whom it hears: the speaker 500 Hz, the moderator 700 Hz, the listener (whom nobody must hear) 900 Hz.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from baresip import Baresip
from goertzel import RATE_HZ, WINDOW, Samples, levels, share, sounding
from live import Live, Program, until
from rtp_phone import RtpPhone
from shared import Shared
from sipp import ACK, BYE, Sipp, ack, expect, invite, nudge, request

ROOM = "moderated"
LISTENER, SPEAKER, MODERATOR = 900.0, 500.0, 700.0
BEEP = 440.0
Hold = Callable[[Any], Any]


def _seat(server: Live, caller: str, press: Callable[[], None], participants: int) -> None:
    server.until_listening(caller)
    press()
    server.until_in_room(ROOM, participants)


def _why(server: Live, listener: str, talker: str) -> str:
    sids = [server.call_from(caller)["sid"] for caller in (listener, talker)]  # type: ignore[index]
    return server.run("why", ROOM, *sids).out.text


def _talk(samples: Samples, hertz: float) -> Samples:
    """The longest time through which the tone is steadily heard, without the half second in which the beep sounds."""
    steady = np.concatenate([[False], levels(samples, hertz) > -25, [False]]).astype(int)
    (edges,) = np.nonzero(np.diff(steady))
    start, end = max(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[1] - run[0], default=(0, 0))
    return samples[(start + 5) * WINDOW : end * WINDOW]


def _beeps(samples: Samples) -> int:
    """Tones of 440 Hz that begin, and stand out of what sounds beside them."""
    beep = levels(samples, BEEP)
    stands = (beep > -20) & (beep > np.maximum(levels(samples, 370), levels(samples, 520)) + 20)
    return int(np.sum(np.diff(stands.astype(int), prepend=0) == 1))


def _robot(server: Live, caller: str, keys: str, *arguments: str) -> Program:
    return server.command("call", "demo", "--from", caller, "--keys", keys, "--seconds", "90", "--json", *arguments)


def _verbs(server: Live, caller: str) -> list[tuple[str, str]]:
    """What became of the verbs of a caller's last document."""
    sid = server.call_from(caller)["sid"]  # type: ignore[index]
    newest = server.client.get("/requests", call_sid=sid)["requests"][0]
    return [(verb["path"].removeprefix("/Response/"), verb["outcome"]) for verb in newest["verbs"]]


def test_a_baresip_speaker_a_sipp_moderator_and_a_robot_listener(server: Shared, hold: Hold, tmp_path: Path) -> None:
    """Over UDP."""
    expectations = [
        argument for what in ("music", "hears:500", "hears:700", "ended") for argument in ("--expect", what)
    ]
    listener = hold(_robot(server, "rolf", "?1", "--tone", f"{LISTENER:g}", *expectations))
    server.until_in_room(ROOM, 1)
    speaker = hold(Baresip(tmp_path / "baresip", "anna", tone_hz=SPEAKER))
    speaker.dial(server.uri("demo"))
    _seat(server, "anna", lambda: speaker.key("2"), 2)
    assert "waiting" in server.run("room", ROOM).out.text
    assert "has not started" in _why(server, "rolf", "anna"), _why(server, "rolf", "anna")
    listener.out.until('"music"')

    mouth = hold(RtpPhone(MODERATOR))
    hangs_up = nudge() + request("BYE", cseq=2) + expect(200)
    moderator = hold(
        Sipp(tmp_path, server.address, "demo", "mona", invite(), expect(200), ACK, hangs_up, media=mouth.port)
    )
    _seat(server, "mona", lambda: mouth.press("3"), 3)
    mouth.until_hears(SPEAKER)
    listener.out.until("500 Hz.*700 Hz|700 Hz.*500 Hz")
    mark = mouth.length
    until(lambda: mouth.length > mark + RATE_HZ, "a second of talk")
    assert share(mouth.heard(mark), MODERATOR) == 0, "nobody hears themselves"
    assert share(mouth.heard(mark), LISTENER) == 0, "nobody hears the listener"
    picture = server.run("room", ROOM).out.text
    assert "started" in picture
    assert "muted" in picture
    assert "muted" in _why(server, "anna", "rolf")
    assert "hears" in _why(server, "rolf", "anna")

    moderator.nudge()
    moderator.succeeds()
    assert listener.ends() == 0, listener.said
    speaker.until_event("CALL_CLOSED")
    for caller in ("anna", "rolf"):
        server.until_ended(caller)
        assert _verbs(server, caller) == [
            ("Say[1]", "ran"),
            ("Dial[1]", "ran"),
            ("Say[2]", "ran"),
            ("Hangup[1]", "ran"),
        ]
    heard = speaker.heard()
    assert sounding(heard[: 4 * RATE_HZ]) > 0.5, "prompt and music"
    assert _beeps(heard) == 1, "the moderator's coming"
    talk = _talk(heard, MODERATOR)
    assert len(talk) > RATE_HZ
    assert share(talk, SPEAKER) == 0, "nobody hears themselves"
    assert share(talk, LISTENER) == 0, "nobody hears the listener"


def test_a_sipp_listener_a_robot_speaker_and_a_baresip_moderator_over_tcp(
    server: Shared, hold: Hold, tmp_path: Path
) -> None:
    """Signalling of the two that are not ours over TCP."""
    ear = hold(RtpPhone(LISTENER))
    listener = hold(
        Sipp(
            tmp_path, server.address, "demo", "ida", invite(), expect(200), ack(), BYE, transport="tcp", media=ear.port
        )
    )
    _seat(server, "ida", lambda: ear.press("1"), 1)
    ear.until_sounds()
    speaker = hold(_robot(server, "ruth", "?2", "--tone", f"{SPEAKER:g}", "--expect", "hears:700", "--expect", "ended"))
    server.until_in_room(ROOM, 2)
    assert share(ear.heard(), SPEAKER) < 0.5, "they wait, each alone with the music"
    moderator = hold(Baresip(tmp_path / "baresip", "mark", tone_hz=MODERATOR, transport="tcp"))
    moderator.dial(server.uri("demo"))
    _seat(server, "mark", lambda: moderator.key("3"), 3)
    ear.until_hears(SPEAKER)
    ear.until_hears(MODERATOR)
    speaker.out.until("700 Hz")
    mark = ear.length
    until(lambda: ear.length > mark + RATE_HZ, "a second of talk")
    assert share(ear.heard(mark), LISTENER) == 0
    moderator.hang_up()
    listener.succeeds()
    assert speaker.ends() == 0, speaker.said
    heard = _talk(moderator.heard(), SPEAKER)
    assert len(heard) > RATE_HZ
    assert share(heard, MODERATOR) == 0
    assert share(heard, LISTENER) == 0
    server.until_no_room(ROOM)
