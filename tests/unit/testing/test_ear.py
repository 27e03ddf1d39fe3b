"""An ear hears what sounds, and nothing else."""

from __future__ import annotations

import wave
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray

from roomtone.clock import LiveClock
from roomtone.speech.voice import VoiceProcess
from roomtone.testing.ear import Ear

PROMPTS = {
    "en": [
        "Hello and welcome to the conference. Press one to listen, or two to speak.",
        "Who would choose blue shoes too?",
    ],
    "de": [
        "Der Moderator wird gleich bei Ihnen sein.",
        "Sie sind jetzt stumm geschaltet.",
        "Du und dein Bruder, ruft nun zu.",
    ],
    "fr": ["Bonjour et bienvenue à la conférence.", "Au revoir et merci de votre appel.", "Vous êtes tous venus."],
    "es": ["Pulse uno para escuchar o dos para hablar.", "Un burro mudo sube una montaña azul."],
    "it": ["Premete uno per ascoltare oppure due per parlare.", "Trentatré trentini entrarono a Trento."],
}
AMPLITUDE_AT_0_DBM0 = 10 ** (-3.17 / 20) * 32768


def _tone(hertz: float, dbm0: float, seconds: float, rate_hz: int = 8000) -> NDArray[np.float64]:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.asarray(np.sin(2 * np.pi * hertz * time) * AMPLITUDE_AT_0_DBM0 * 10 ** (dbm0 / 20))


def _feed(ear: Ear, samples: NDArray[np.float64], start_s: float = 0.0, rate_hz: int = 8000) -> None:
    """In portions of 20 ms, as packets come."""
    pcm = np.clip(samples, -32768, 32767).astype("<i2").tobytes()
    size = rate_hz // 50 * 2
    for offset in range(0, len(pcm), size):
        ear.feed(start_s + offset / 2 / rate_hz, rate_hz, pcm[offset : offset + size])


@pytest.mark.parametrize("rate_hz", [8000, 48000])
def test_two_tones_are_heard_and_their_levels_measured(rate_hz: int) -> None:
    ear = Ear()
    _feed(ear, _tone(500, -15, 2, rate_hz) + _tone(700, -20, 2, rate_hz), rate_hz=rate_hz)
    assert ear.hears(500)
    assert ear.hears(700)
    assert ear.hears_not(600)
    assert [(round(tone.hertz), round(tone.dbm0)) for tone in ear.tones()] == [(500, -15), (700, -20)]
    assert ear.level_dbm0() == pytest.approx(-13.8, abs=0.1)
    assert not ear.silence()
    assert not ear.music()


def test_frequencies_between_the_bins_are_found() -> None:
    ear = Ear()
    _feed(ear, _tone(1234, -10, 1))
    (tone,) = ear.tones()
    assert tone.hertz == pytest.approx(1234, abs=1)
    assert tone.dbm0 == pytest.approx(-10, abs=0.5)


def test_silence_is_silence_and_line_noise_too() -> None:
    ear = Ear()
    _feed(ear, np.random.default_rng(1).uniform(-30, 30, 16000))
    assert ear.silence()
    assert ear.hears_not(440)
    assert ear.silent_for_s() == pytest.approx(2.0)


def test_nothing_heard_yet_is_neither_silence_nor_the_absence_of_a_tone() -> None:
    ear = Ear()
    assert not ear.silence()
    assert not ear.hears_not(500)
    assert ear.silent_for_s() == 0.0


@pytest.mark.parametrize("start_s", [0.5, 0.53, 0.58])
def test_a_beep_is_heard_once_wherever_it_falls_in_the_windows(start_s: float) -> None:
    samples = np.zeros(16000)
    beep = _tone(440, -12, 0.12)
    offset = round(start_s * 8000)
    samples[offset : offset + len(beep)] = beep
    ear = Ear()
    _feed(ear, samples)
    (time_s,) = ear.beeps(440)
    assert time_s == pytest.approx(start_s, abs=0.1)
    assert ear.beeps(330) == []


def test_a_long_tone_is_no_beep() -> None:
    ear = Ear()
    _feed(ear, np.concatenate([_tone(440, -12, 1), np.zeros(8000)]))
    assert ear.beeps(440) == []


@pytest.mark.parametrize("hertz", [440, 330])
@pytest.mark.parametrize("talking", [(), (500,), (500, 700)])
def test_a_beep_is_told_from_a_vowel_and_also_heard_over_tones_that_stand(hertz: int, talking: tuple[int, ...]) -> None:
    samples = np.random.default_rng(2).normal(0, 20, 16000) + sum(
        (_tone(other, -14, 2) for other in talking), np.zeros(16000)
    )
    samples[6000:6960] += _tone(hertz, -12, 0.12)
    ear = Ear()
    _feed(ear, samples)
    assert [ear.is_beep(hertz, time_s) for time_s in ear.beeps(hertz)] == [True]
    vowel = np.random.default_rng(2).normal(0, 20, 16000)
    vowel[6000:6960] += _tone(hertz, -12, 0.12) + _tone(2 * hertz, -20, 0.12)  # as pure as an "oo" gets
    ear = Ear()
    _feed(ear, vowel)
    assert not any(ear.is_beep(hertz, time_s) for time_s in ear.beeps(hertz))


@pytest.mark.parametrize("language", PROMPTS)
async def test_no_prompt_has_a_beep_in_it(language: str) -> None:
    voice = VoiceProcess(LiveClock())
    try:
        for text in PROMPTS[language]:
            rate_hz, pcm = await voice.speak(text, language)
            for offset in range(4):  # where the windows fall in it
                ear = Ear()
                ear.feed(0.0, rate_hz, bytes(rate_hz // 40 * 2 * (offset + 4)) + pcm + bytes(rate_hz))
                false = [(hertz, at) for hertz in (440, 330) for at in ear.beeps(hertz) if ear.is_beep(hertz, at)]
                assert not false, text
    finally:
        await voice.close()


def test_chords_that_change_are_music_and_a_steady_chord_is_not() -> None:
    chords = [(262, 330, 392), (294, 349, 440), (247, 294, 392), (262, 349, 440)] * 3
    ear = Ear()
    _feed(ear, np.concatenate([sum((_tone(note, -25, 0.25) for note in chord), np.zeros(2000)) for chord in chords]))
    assert ear.music(since_s=0.0)
    steady = Ear()
    _feed(steady, sum((_tone(note, -25, 2) for note in chords[0]), np.zeros(16000)))
    assert not steady.music()


def test_questions_about_a_time_are_answered_for_that_time() -> None:
    ear = Ear()
    _feed(ear, np.concatenate([_tone(500, -15, 1), np.zeros(8000), _tone(700, -15, 1)]), start_s=10.0)
    assert ear.hears(500, 10.0, 11.0)
    assert ear.silence(11.0, 12.0)
    assert ear.hears(700)
    assert ear.hears_not(500, 11.0)


def test_what_was_heard_can_be_kept() -> None:
    ear = Ear(records=True)
    _feed(ear, _tone(500, -15, 1.5))
    with wave.open(BytesIO(ear.wav())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 12000)


def test_in_words() -> None:
    ear = Ear()
    _feed(ear, _tone(500, -15, 1))
    assert list(ear.describe()) == ["500 Hz at -15 dBm0"]
