"""The scores of the hold music, one file a piece. A new piece is a file here and a line below.

All of them sound a semitone higher than written. The beeps of a room are an A (440 Hz) and an E (330 Hz), which these pieces in C and D rest on; a semitone
up they have hardly an A or an E left, and nothing in the music can be taken for a beep.
"""

from roomtone.music.score import Score
from roomtone.music.scores import bach_prelude_c, pachelbel_canon, satie_gymnopedie_1

__all__ = ["SCORES"]

SCORES: dict[str, tuple[Score, ...]] = {
    "classical": (satie_gymnopedie_1.SCORE, bach_prelude_c.SCORE, pachelbel_canon.SCORE),
}
