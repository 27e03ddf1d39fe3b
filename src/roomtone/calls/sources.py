"""From what a verb names to a clip: speech, the application's audio, our own files.

Each failure becomes a `PlayableError` with the platform's number: the verb fails alone, and the next one follows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roomtone.calls.playlist import PlayableError
from roomtone.media.core import LimitReached, MediaError
from roomtone.webhooks.request import WebhookError

if TYPE_CHECKING:
    from roomtone._native import Clip
    from roomtone.calls.interpreter import Run

__all__ = ["decoded", "fetched", "filed", "spoken"]

NO_AUDIO_CODE = 12300


async def spoken(run: Run, text: str, voice: str, language: str) -> Clip:
    """The clip of a text. PlayableError."""
    return await run.services.speech.say(text, voice, language)


async def fetched(run: Run, url: str) -> Clip:
    """The application's audio at `url`. PlayableError."""
    try:
        return await run.services.clips.fetch(url, account_sid=run.call.route.account.sid, call_sid=run.call.sid)
    except WebhookError as error:
        raise PlayableError(error.code, error.message) from error
    except (MediaError, LimitReached) as error:
        raise PlayableError(NO_AUDIO_CODE, f"{url} gave no audio that could be played: {error}") from error


async def decoded(run: Run, audio: bytes) -> Clip:
    """Audio that an application's answer was. PlayableError."""
    try:
        return await run.services.clips.decode(audio)
    except (MediaError, LimitReached) as error:
        raise PlayableError(NO_AUDIO_CODE, f"the answer is no audio that could be played: {error}") from error


async def filed(run: Run, path: Path) -> Clip:
    """Audio of our own."""
    return await run.services.clips.file(path)
