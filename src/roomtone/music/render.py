"""Makes the committed music files from the scores: `python -m roomtone.music.render` (`make music`).

Needs, on the machine of whoever changes a score, Debian's `fluidsynth`, `fluid-soundfont-gm` and `vorbis-tools`. Nobody else needs them: the files are
in the repository. They are Ogg Vorbis, mono, 24 kHz: more than a telephone passes, enough for a wideband caller.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

from roomtone.music.levels import Samples
from roomtone.music.master import master
from roomtone.music.midi import midi_file
from roomtone.music.score import Score
from roomtone.music.scores import SCORES

__all__ = ["main", "render"]

RATE_HZ = 24_000
SOUND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
_GAIN = 1.2  # of the synthesizer: as loud as the loudest score allows without clipping
_QUALITY = 2  # of the encoder: about 40 kbit/s
_BYTES_MAX = 700_000


def render(score: Score, sound_font: Path, target: Path) -> None:
    """Writes the piece to `target`. CalledProcessError when a tool fails, ValueError when the result is not fit to ship."""
    with tempfile.TemporaryDirectory() as scratch:
        midi, played, finished = (Path(scratch, name) for name in ("score.mid", "played.wav", "finished.wav"))
        midi.write_bytes(midi_file(score))
        synthesizer = ["fluidsynth", "-ni", "-q", "-g", str(_GAIN), "-r", str(RATE_HZ), "-o", "synth.chorus.active=0"]
        subprocess.run(
            [*synthesizer, "-F", str(played), str(sound_font), str(midi)], check=True, stdout=subprocess.DEVNULL
        )
        music = master(_read(played), RATE_HZ, _length_s(score), score.fade_s)
        if np.max(np.abs(music)) >= 1.0:
            raise ValueError(f"{score.name} would clip after mastering")
        _write(finished, music)
        # A fixed serial number, so that equal music gives equal bytes.
        encoder = ["oggenc", "-Q", "-q", str(_QUALITY), "--serial", "1", "-t", score.title, "-a", score.composer]
        subprocess.run([*encoder, "-o", str(target), str(finished)], check=True)
    if target.stat().st_size > _BYTES_MAX:
        raise ValueError(f"{target.name} has {target.stat().st_size} bytes, more than {_BYTES_MAX}")


def _length_s(score: Score) -> float:
    return len(score.voices[0].bars) * score.bar_beats * 60 / score.beats_per_minute


def _read(path: Path) -> Samples:
    """The two channels of the synthesizer, as one."""
    with wave.open(str(path)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, file.getnchannels())
    if np.max(np.abs(frames.astype(np.int32))) >= 32767:
        raise ValueError("the synthesizer clips; lower _GAIN")
    return np.asarray(frames.mean(axis=1) / 32768, dtype=np.float64)


def _write(path: Path, pcm: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.round(pcm * 32767).astype("<i2").tobytes())


def main() -> int:
    """Renders every score into the folder of its bucket."""
    parser = argparse.ArgumentParser(
        prog="python -m roomtone.music.render", description="Renders the hold music from its scores."
    )
    parser.add_argument("--sound-font", type=Path, default=SOUND_FONT)
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, help="one folder a bucket is made there")
    options = parser.parse_args()
    for bucket, scores in SCORES.items():
        folder: Path = options.into / bucket
        folder.mkdir(parents=True, exist_ok=True)
        for score in scores:
            target = folder / f"{score.name}.ogg"
            render(score, options.sound_font, target)
            print(f"{target}  {_length_s(score):.0f} s  {target.stat().st_size} bytes  {score.composer}: {score.title}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
