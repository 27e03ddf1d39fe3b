"""How many files a server may have open: three sockets a call, and what it needs besides.

Systems give a process few at first and let it ask for more, up to a ceiling of the administrator's. A server asks when it starts; what the ceiling does not
allow, `roomtone doctor` says.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roomtone.settings.model import Settings

__all__ = ["FILES_BESIDES", "FILES_PER_CALL", "allowed", "needed", "raise_limit"]

FILES_PER_CALL = 3  # RTP, RTCP, and a request to its application
FILES_BESIDES = 200


def needed(settings: Settings) -> int:
    """For as many calls as `limits.calls`."""
    return settings.limits.calls * FILES_PER_CALL + FILES_BESIDES


def allowed() -> int:
    """What a server that asks gets at most."""
    _, ceiling = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ceiling if ceiling != resource.RLIM_INFINITY else 2**31


def raise_limit(settings: Settings) -> None:
    """Asks for what is needed, as far as the ceiling goes. Never lowers it."""
    limit, ceiling = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(needed(settings), allowed())
    if limit != resource.RLIM_INFINITY and limit < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, ceiling))
