"""The yardstick of the hold music, against tones whose level is known."""

from __future__ import annotations

import numpy as np
import pytest

from roomtone.music.levels import band, bareness, levels_dbm0
from roomtone.music.master import TARGET_DBM0, master

RATE_HZ = 8000


def tone(hertz: float, dbm0: float, seconds: float = 2.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return 10 ** ((dbm0 - 3.17) / 20) * np.sin(2 * np.pi * hertz * time)


@pytest.mark.parametrize("dbm0", [3.17, 0.0, -18.0, -40.0])
def test_a_sine_has_the_level_it_was_made_with(dbm0: float) -> None:
    assert levels_dbm0(tone(1000, dbm0), RATE_HZ, 0.5) == pytest.approx(dbm0, abs=0.05)


def test_a_gap_shows_in_a_short_window_and_hides_in_a_long_one() -> None:
    pcm = tone(1000, -18)
    pcm[4000:8000] = 0
    assert levels_dbm0(pcm, RATE_HZ, 0.4).min() < -100
    assert levels_dbm0(pcm, RATE_HZ, 1.5).min() > -23


def test_windows_run_round_the_end() -> None:
    pcm = tone(1000, -18)
    pcm[-2000:] = 0
    pcm[:2000] = 0
    assert levels_dbm0(pcm, RATE_HZ, 0.45).min() < -100


def test_a_band_keeps_what_is_inside_and_nothing_else() -> None:
    kept = band(tone(100, -10) + tone(1000, -20), RATE_HZ, 300, 3400)
    assert levels_dbm0(kept, RATE_HZ, 1.0) == pytest.approx(-20, abs=0.05)


def test_a_beep_is_bare_and_a_chord_is_not() -> None:
    assert bareness(tone(440, -12), RATE_HZ, 440).min() > 0.99
    assert bareness(tone(440, -12) + tone(554, -12) + tone(659, -12), RATE_HZ, 440).max() < 0.5


def test_mastering_brings_loud_and_soft_to_the_target_and_drops_the_silence_before() -> None:
    noise = np.random.default_rng(1).normal(size=20 * RATE_HZ)
    pcm = np.concatenate((np.zeros(RATE_HZ), noise * 0.2, noise * 0.01))
    finished = master(pcm, RATE_HZ, 40.0, 0.4)
    assert len(finished) == 40 * RATE_HZ
    assert levels_dbm0(finished[: len(finished) // 2], RATE_HZ, 10.0) == pytest.approx(TARGET_DBM0, abs=2)
    assert levels_dbm0(finished[len(finished) // 2 :], RATE_HZ, 10.0) == pytest.approx(TARGET_DBM0, abs=2)
    assert abs(finished[-1]) < 1e-3
