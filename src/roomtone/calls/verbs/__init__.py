"""All verbs that the interpreter runs, one file each. A new verb is a file here and a line in `VERBS`."""

from __future__ import annotations

from roomtone.calls.document import Verb
from roomtone.calls.verbs.dial import DialConference
from roomtone.calls.verbs.gather import Gather
from roomtone.calls.verbs.hangup import Hangup, Reject
from roomtone.calls.verbs.not_yet import NotYet
from roomtone.calls.verbs.pause import Pause
from roomtone.calls.verbs.play import Play
from roomtone.calls.verbs.redirect import Redirect
from roomtone.calls.verbs.say import Say
from roomtone.calls.verbs.sound import Sound

__all__ = [
    "VERBS",
    "DialConference",
    "Gather",
    "Hangup",
    "NotYet",
    "Pause",
    "Play",
    "Redirect",
    "Reject",
    "Say",
    "Sound",
]

VERBS: tuple[type[Verb], ...] = (Say, Play, Pause, Gather, DialConference, Redirect, Hangup, Reject, NotYet, Sound)
