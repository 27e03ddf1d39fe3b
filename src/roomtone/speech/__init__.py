"""Text to speech: text, voice and language become a clip that any number of calls can play.

The text is cut at sentences and spoken piece by piece, in turn with those of other accounts, so that neither one long text nor one busy account keeps
everybody else's prompt waiting. Clips are kept by (language, text): a prompt is spoken once. `warm` starts the voice ahead, so that the first caller does
not wait for it.

Doubt: there is one English voice, so `voice` (man, woman, Polly.Joanna ...) changes nothing yet; it is part of the interface for the day when it does.
"""

from __future__ import annotations

import asyncio
import re
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import structlog

from roomtone.clock import Clock
from roomtone.limits import SPEECH_TEXTS_MAX, SPEECH_TEXTS_PER_ACCOUNT_MAX
from roomtone.media.clip_cache import ClipCache, Loader
from roomtone.media.once import Once
from roomtone.speech.voice import SpeechError, VoiceProcess

if TYPE_CHECKING:
    from roomtone.media.core import Clip, Codec

__all__ = ["TEXT_CHARACTERS_MAX", "Speech", "SpeechError", "pieces"]

_log = structlog.get_logger("roomtone.speech")

TEXT_CHARACTERS_MAX = 4096
PIECE_CHARACTERS_MAX = 250
CACHE_BYTES_MAX = 64 * 1024 * 1024
PAUSE_BETWEEN_PIECES_MS = 120
_FULL_CODE = 12400  # the dictionary has no number for a queue that is full; this is "internal failure"

_SENTENCE_END = re.compile(r"(?<=[.!?…:;])\s+")


class Speech:
    """Speaks. One for the server's life; `close` it at the end."""

    def __init__(
        self,
        clock: Clock,
        loader: Loader,
        *,
        process: VoiceProcess | None = None,
        encode: Sequence[Codec] = (),
        cache_bytes_max: int = CACHE_BYTES_MAX,
    ) -> None:
        self._clock = clock
        self._loader = loader
        self._process = process or VoiceProcess(clock)
        self._encode = tuple(encode)
        self._cache = ClipCache(cache_bytes_max)
        self._once = Once[tuple[str, str, str]]()  # by account, language and text

    async def warm(self) -> None:
        """Starts the process and loads the English voice. Never raises: what is wrong is logged, and each text will say it again."""
        try:
            await self._process.speak("Ready.", "en")
        except (SpeechError, OSError) as error:
            _log.warning("speech.not_ready", reason=str(error))

    async def say(self, text: str, voice: str = "", language: str = "en-US", *, account_sid: str = "") -> Clip:
        """`text` as audio, its first 4096 characters. SpeechError (`code`, `message`) when it cannot be spoken, or when too many texts of the account or
        of all wait already."""
        del voice  # see the doubt above
        spoken = (language.partition("-")[0].lower(), " ".join(text.split())[:TEXT_CHARACTERS_MAX])
        clip = self._cache.get(spoken)
        if clip is not None:
            return clip
        key = (account_sid, *spoken)  # who rides on the text of another account would wait in that one's turn
        if key not in self._once:
            self._check_room(account_sid)
        return await self._once.do(key, lambda: self._speak(account_sid, spoken))

    def _check_room(self, account_sid: str) -> None:
        if len(self._once) >= SPEECH_TEXTS_MAX:
            raise SpeechError(f"{SPEECH_TEXTS_MAX} texts wait to be spoken already; this one was skipped", _FULL_CODE)
        if sum(key[0] == account_sid for key in self._once) >= SPEECH_TEXTS_PER_ACCOUNT_MAX:
            message = (
                f"{SPEECH_TEXTS_PER_ACCOUNT_MAX} texts of this account wait to be spoken already; this one was skipped"
            )
            raise SpeechError(message, _FULL_CODE)

    async def close(self) -> None:
        """Ends what is under way, and the process. Again is harmless."""
        self._once.cancel()
        await self._process.close()

    async def _speak(self, account_sid: str, spoken: tuple[str, str]) -> Clip:
        language, text = spoken
        with self._clock.ledger.hold("speech"):
            rate_hz, parts = 16000, list[bytes]()
            for piece in pieces(text):
                rate_hz, pcm = await self._process.speak(piece, language, account_sid)
                parts.append(pcm)
            joined = _pause(rate_hz).join(parts) or _pause(rate_hz)  # nothing to say is a moment of silence
            clip = await asyncio.to_thread(self._loader.load_pcm, joined, rate_hz, self._encode)
        self._cache.put(spoken, clip)
        return clip


def pieces(text: str) -> Iterator[str]:
    """`text` cut at sentences; short sentences together, long ones at a space."""
    waiting = ""
    for sentence in _SENTENCE_END.split(text.strip()):
        if waiting and len(waiting) + 1 + len(sentence) > PIECE_CHARACTERS_MAX:
            yield waiting
            waiting = ""
        waiting = f"{waiting} {sentence}".strip()
        while len(waiting) > PIECE_CHARACTERS_MAX:
            cut = waiting.rfind(" ", 1, PIECE_CHARACTERS_MAX + 1)
            cut = cut if cut > 0 else PIECE_CHARACTERS_MAX
            yield waiting[:cut]
            waiting = waiting[cut:].strip()
    if waiting:
        yield waiting


def _pause(rate_hz: int) -> bytes:
    return array("h", [0] * (rate_hz * PAUSE_BETWEEN_PIECES_MS // 1000)).tobytes()
