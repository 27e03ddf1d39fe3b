"""The committed files, as a caller on a telephone hears them: played for twice their length by the native core into a tap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roomtone import music as hold_music
from roomtone._native import Batch, Core, Network, sdp_answer, sdp_offer
from roomtone.errors import InstallationError
from roomtone.music import BUCKETS, pieces
from roomtone.music.levels import TELEPHONE_HZ, Samples, band, bareness, levels_dbm0
from roomtone.music.scores import SCORES

RATE_HZ = 8000
FILES = pieces("classical")


def heard(path: Path) -> Samples:
    """One round of the piece from the middle of its first playing to the middle of its second: the loop point is in it."""
    network = Network(seed=1)
    core = Core(network=network, host="10.0.0.1", seed=1, rtp_ports=(20000, 20010))
    leg, bus, player, tap = (core.new_id() for _ in range(4))
    offer = sdp_offer(host="10.0.0.2", port=4000, session_id=1, session_version=1, codecs=["PCMU"])
    port = core.open_leg(leg)
    _, media = sdp_answer(offer, host="10.0.0.1", port=port, session_id=2, session_version=1, codecs=["PCMU"])
    clip = core.load_clip(path.read_bytes())
    batch = Batch()
    batch.open_bus(bus)
    batch.configure(leg, media)
    batch.move(leg, bus)
    batch.tap(tap, leg, "mixed")
    batch.play(player, leg=leg)
    batch.append_clip(player, clip, loops=0)
    core.submit(batch)
    parts = []
    for second in range(1, 2 * clip.milliseconds // 1000):
        network.run_until(second * 1_000_000, stop_on_event=False)
        core.drain()
        _, rate_hz, pcm = core.read_tap(tap)
        assert rate_hz == RATE_HZ
        parts.append(np.frombuffer(pcm, dtype="<i2"))
    core.close()
    start = clip.milliseconds * RATE_HZ // 2000
    return np.concatenate(parts)[start : start + clip.milliseconds * RATE_HZ // 1000] / 32768


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def music(request: pytest.FixtureRequest) -> Samples:
    return heard(request.param)


@pytest.mark.parametrize("band_hz", [TELEPHONE_HZ, (0.0, 4000.0)], ids=["telephone band", "whole line"])
def test_level_over_any_ten_and_any_one_and_a_half_seconds(music: Samples, band_hz: tuple[float, float]) -> None:
    in_band = band(music, RATE_HZ, *band_hz)
    assert levels_dbm0(in_band, RATE_HZ, 10.0) == pytest.approx(-18, abs=3)
    assert levels_dbm0(in_band, RATE_HZ, 1.5) == pytest.approx(-18, abs=7)


def test_never_silent_for_half_a_second_not_even_where_it_begins_again(music: Samples) -> None:
    assert levels_dbm0(band(music, RATE_HZ, *TELEPHONE_HZ), RATE_HZ, 0.5).min() > -35


@pytest.mark.parametrize("beep_hz", [440.0, 330.0])
def test_nothing_in_it_could_be_taken_for_a_beep(music: Samples, beep_hz: float) -> None:
    assert bareness(music, RATE_HZ, beep_hz).max() < 0.4


def test_it_does_not_clip(music: Samples) -> None:
    assert np.abs(music).max() < 0.9


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_are_small_enough_to_live_in_the_repository(path: Path) -> None:
    assert path.stat().st_size <= 700_000


def test_each_score_of_a_bucket_has_its_file_and_each_file_its_score() -> None:
    for bucket, scores in SCORES.items():
        assert sorted(path.stem for path in pieces(bucket)) == sorted(score.name for score in scores)


@pytest.mark.parametrize("bucket", [*BUCKETS, *(f"com.twilio.music.{name}" for name in BUCKETS), "my.own.bucket"])
def test_every_bucket_plays(bucket: str) -> None:
    assert pieces(bucket) == FILES


def test_an_installation_without_its_music_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold_music, "_FOLDER", tmp_path)
    with pytest.raises(InstallationError, match=r"no \.ogg file in .*classical"):
        pieces("rock")
