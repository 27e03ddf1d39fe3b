"""Where a run goes after a verb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from roomtone.webhooks.request import Kind

__all__ = ["ADVANCE", "FINISH", "Advance", "Fetch", "Finish", "LastRequest", "Step"]


@dataclass(frozen=True, slots=True)
class Advance:
    """To the next verb; after the last one the document is over."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """To another document. `url` empty: the one that is running."""

    kind: Kind
    url: str
    method: Literal["GET", "POST"]
    parameters: Sequence[tuple[str, str]] = ()  # besides those that every request about a call carries


@dataclass(frozen=True, slots=True)
class LastRequest:
    """The call is over; this is still asked, and its answer is not run (A7)."""

    fetch: Fetch


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over, and with the main run the call."""


ADVANCE = Advance()
FINISH = Finish()

Step = Advance | Fetch | LastRequest | Finish
