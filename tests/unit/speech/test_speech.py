"""Speech with the real child process. Only the core's decoder is replaced by one that remembers the samples."""

from __future__ import annotations

import array
import asyncio
import math
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import structlog

from roomtone.clock import LiveClock, VirtualClock
from roomtone.limits import SPEECH_TEXTS_PER_ACCOUNT_MAX
from roomtone.speech import PIECE_CHARACTERS_MAX, Speech, SpeechError, pieces
from roomtone.speech.voice import VoiceProcess


@dataclass(frozen=True)
class Heard:
    """A clip that is its own samples."""

    id: int
    milliseconds: int
    samples: array.array[int]
    rate_hz: int

    def level_dbm0(self) -> float:
        square = sum(sample * sample for sample in self.samples) / max(len(self.samples), 1)
        return 10 * math.log10(max(square, 1) / 32768**2) + 6.18


class Decoder:
    """Stands where the core does."""

    def __init__(self) -> None:
        self.loaded = 0

    def load_clip(self, data: bytes, encode: object = None) -> Heard:
        raise NotImplementedError

    def load_pcm(self, pcm: bytes, rate_hz: int, encode: object = None) -> Heard:
        assert not encode
        self.loaded += 1
        samples = array.array("h", pcm)
        return Heard(self.loaded, len(samples) * 1000 // rate_hz, samples, rate_hz)


@asynccontextmanager
async def speaking(
    clock: LiveClock | VirtualClock | None = None, *command: str
) -> AsyncIterator[tuple[Speech, Decoder, VoiceProcess]]:
    clock = clock or LiveClock()
    process = VoiceProcess(clock, command) if command else VoiceProcess(clock)
    decoder = Decoder()
    speech = Speech(clock, decoder, process=process)  # type: ignore[arg-type]
    try:
        yield speech, decoder, process
    finally:
        await speech.close()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en-US", "Welcome. Press one to listen, two to speak, or three to moderate."),
        ("de-DE", "Willkommen. Drücken Sie die Eins."),
        ("fr-FR", "Bienvenue. Appuyez sur un."),
        ("es-ES", "Bienvenido. Pulse uno."),
        ("it-IT", "Benvenuto. Premere uno."),
        ("ja-JP", "No Japanese voice here."),
    ],
)
async def test_every_language_is_spoken_at_equal_loudness(language: str, text: str) -> None:
    async with speaking() as (speech, _, _process):
        clip = await speech.say(text, "man", language)
    assert 800 < clip.milliseconds < 9000
    assert -22 < clip.level_dbm0() < -13  # type: ignore[attr-defined]
    assert max(map(abs, clip.samples)) < 32000  # type: ignore[attr-defined]


async def test_a_text_is_spoken_once() -> None:
    async with speaking() as (speech, decoder, _):
        first, second = await asyncio.gather(speech.say("Hello there."), speech.say("Hello   there."))
        third = await speech.say("Hello there.", "woman", "en-GB")
    assert first is second is third
    assert decoder.loaded == 1


@pytest.mark.parametrize(
    "text", ["a" * 4096, "1" * 4000, "🎉 你好 +15550100 $9.99", "\x00\x01", "...", "<break/>", "&amp;"]
)
@pytest.mark.parametrize("language", ["en", "de"])
async def test_odd_texts_neither_hang_nor_fail(language: str, text: str) -> None:
    async with speaking() as (speech, _, process):
        clip = await speech.say(text, language=language)
    assert clip.milliseconds > 0
    assert process.restarts == 0


async def test_a_process_that_dies_is_started_again() -> None:
    async with speaking() as (speech, _, process):
        await speech.warm()
        assert process._process is not None
        process._process.kill()
        await process._process.wait()
        clip = await speech.say("Still here.")
    assert clip.milliseconds > 300
    assert process.restarts == 1


async def test_a_voice_that_always_dies_is_an_error_with_a_number() -> None:
    async with speaking(None, sys.executable, "-c", "raise SystemExit") as (speech, _, process):
        with pytest.raises(SpeechError) as caught:
            await speech.say("Hello.")
        await speech.warm()  # never raises
    assert caught.value.code == 13520
    assert process.restarts == 4


async def test_a_voice_that_cannot_be_started_is_logged_and_keeps_the_rest_from_nothing() -> None:
    async with speaking(None, "/nowhere/voice") as (speech, _, _process):
        with structlog.testing.capture_logs() as logged:
            await speech.warm()
    assert [line["event"] for line in logged] == ["speech.not_ready"]
    assert "/nowhere/voice" in logged[0]["reason"]


async def test_who_gives_up_disturbs_nobody() -> None:
    async with speaking() as (speech, _, _process):
        given_up = asyncio.ensure_future(speech.say("One text."))
        other = asyncio.ensure_future(speech.say("One text."))
        await asyncio.wait({given_up}, timeout=0.01)
        given_up.cancel()
        assert (await other).milliseconds > 300
        assert (await speech.say("Another text.")).milliseconds > 300


async def test_virtual_time_stands_while_it_speaks() -> None:
    clock = VirtualClock()
    async with speaking(clock) as (speech, _, _process):
        task = asyncio.ensure_future(speech.say("Hello there."))
        await asyncio.wait({task}, timeout=0.01)
        assert task.done() or "speech" in clock.ledger.held
        await task
    assert clock.ledger.held == ()
    assert clock.now() == 0.0


async def test_a_busy_account_keeps_nobody_waiting() -> None:
    spoken: list[str] = []

    async def say(speech: Speech, account_sid: str, text: str) -> None:
        await speech.say(text, account_sid=account_sid)
        spoken.append(account_sid)

    async with speaking() as (speech, _, _process):
        await speech.warm()
        busy = [asyncio.create_task(say(speech, "AC1", f"Number {number}.")) for number in range(12)]
        await LiveClock().sleep(0)
        await asyncio.gather(say(speech, "AC2", "Hello."), say(speech, "AC2", "Number 11."))
        assert spoken.count("AC1") <= 3, "the other account's texts came in their turn, not after those that waited"
        await asyncio.gather(*busy)


async def test_an_account_at_its_limit_is_refused_and_another_is_not() -> None:
    async with speaking() as (speech, _, _process):
        many = [
            asyncio.create_task(speech.say(f"Number {number}.", account_sid="AC1"))
            for number in range(SPEECH_TEXTS_PER_ACCOUNT_MAX)
        ]
        await LiveClock().sleep(0)
        with pytest.raises(SpeechError) as refused:
            await speech.say("One more.", account_sid="AC1")
        assert (await speech.say("Hello.", account_sid="AC2")).milliseconds > 300
        for task in many:
            task.cancel()
    assert refused.value.code == 12400
    assert f"{SPEECH_TEXTS_PER_ACCOUNT_MAX} texts of this account" in refused.value.message


async def test_all_accounts_together_have_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roomtone.speech.SPEECH_TEXTS_MAX", 2)
    async with speaking() as (speech, _, _process):
        first = [asyncio.create_task(speech.say("Hello.", account_sid=account)) for account in ("AC1", "AC2")]
        await LiveClock().sleep(0)
        with pytest.raises(SpeechError) as refused:
            await speech.say("Hello.", account_sid="AC3")
        await asyncio.gather(*first)
        assert (await speech.say("Hello there.", account_sid="AC3")).milliseconds > 300
    assert refused.value.code == 12400


def test_texts_are_cut_at_sentences_and_at_spaces() -> None:
    assert list(pieces("One. Two! Three?")) == ["One. Two! Three?"]
    long = " ".join(["This is a sentence of some length, for a test."] * 20)
    cut = list(pieces(long))
    assert len(cut) > 3
    assert all(len(piece) <= PIECE_CHARACTERS_MAX and piece.endswith(".") for piece in cut)
    assert " ".join(cut) == long
    words = "word " * 200
    assert " ".join(pieces(words)) == words.strip()
    assert "".join(pieces("x" * 1000)) == "x" * 1000
    assert list(pieces("   ")) == []
