"""The scores of the hold music, one file a piece. A new piece is a file here and a line below."""

from roomtone.music.score import Score
from roomtone.music.scores import bach_prelude_c, pachelbel_canon, satie_gymnopedie_1

__all__ = ["SCORES"]

SCORES: dict[str, tuple[Score, ...]] = {
    "classical": (satie_gymnopedie_1.SCORE, bach_prelude_c.SCORE, pachelbel_canon.SCORE),
}
