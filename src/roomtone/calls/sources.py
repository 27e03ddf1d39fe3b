"""From what a verb names to a clip: speech, the application's audio, our own files.

Each failure becomes a `PlayableError` with the platform's number: the verb fails alone, and the next one follows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from roomtone.media.clip_cache import SOUND_FORMATS
from roomtone.media.core import LimitReached, MediaError
from roomtone.speech import SpeechError
from roomtone.webhooks.request import Answer, WebhookError
from roomtone.webhooks.target import without_credentials

if TYPE_CHECKING:
    from roomtone.calls.services import Services
    from roomtone.media.core import Clip

__all__ = ["PlayableError", "Sources"]

_log = structlog.get_logger("roomtone.calls")

NO_AUDIO_CODE = 12300  # of an answer where a document could have been; that of a Play is the verb's
NOT_SPOKEN_CODE = 13520


class PlayableError(Exception):
    """This item cannot be played; the next one can. `code` is the platform's number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Sources:
    """The sources of one call."""

    def __init__(self, services: Services, account_sid: str, call_sid: str) -> None:
        self._services = services
        self._account_sid = account_sid
        self._call_sid = call_sid

    async def spoken(self, text: str, voice: str, language: str) -> Clip:
        """The clip of a text. PlayableError."""
        try:
            return await self._services.speech.say(text, voice, language, account_sid=self._account_sid)
        except SpeechError as error:
            raise PlayableError(error.code, error.message) from error
        except (MediaError, LimitReached, OSError) as error:
            raise PlayableError(NOT_SPOKEN_CODE, f"the text could not be spoken: {error}") from error

    async def fetched(self, url: str, no_audio_code: int) -> Clip:
        """The application's audio at `url`. PlayableError, with `no_audio_code` when what came is none."""
        try:
            return await self._services.clips.fetch(url, account_sid=self._account_sid, call_sid=self._call_sid)
        except WebhookError as error:
            raise PlayableError(error.code, error.message) from error
        except (MediaError, LimitReached) as error:
            raise _no_sound(url, error, no_audio_code) from error

    async def decoded(self, answer: Answer) -> Clip:
        """Audio that an application's answer was. PlayableError."""
        try:
            return await self._services.clips.decode(answer)
        except (MediaError, LimitReached) as error:
            raise _no_sound(answer.url, error) from error

    async def filed(self, path: Path) -> Clip:
        """Audio of our own."""
        return await self._services.clips.file(path)


def _no_sound(url: str, error: Exception, code: int = NO_AUDIO_CODE) -> PlayableError:
    """The decoder's own words are for us; the application is told what would do."""
    url = without_credentials(url)
    if isinstance(error, LimitReached):
        return PlayableError(code, f"the sound at {url} is too long: {error}")
    _log.info("sound.undecodable", url=url, reason=str(error))
    return PlayableError(code, f"{url} gave no sound that can be played; send {SOUND_FORMATS}")
