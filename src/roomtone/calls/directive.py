"""A verb that acts and leads on, where a `Playable` only sounds."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roomtone.calls.document import Verb

if TYPE_CHECKING:
    from roomtone.calls.run import Run
    from roomtone.calls.step import Step

__all__ = ["Directive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive(Verb):
    """Runs alone, between the playlists."""

    @abstractmethod
    async def run(self, run: Run) -> Step:
        """Does what it says, and says where the run goes. Cancelled when the call or the run ends meanwhile."""
