"""A port that is free for UDP and TCP both: port 0 in `--sip` means one number, which a phone may call by either."""

from __future__ import annotations

import contextlib
import socket

__all__ = ["free_port"]

ATTEMPTS_MAX = 32


def free_port(host: str) -> int:
    """One that nobody has now; 0 when chance never gave one, and then the two differ."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(ATTEMPTS_MAX):
        with socket.socket(family, socket.SOCK_STREAM) as tcp, socket.socket(family, socket.SOCK_DGRAM) as udp:
            tcp.bind((host, 0))
            port: int = tcp.getsockname()[1]
            with contextlib.suppress(OSError):
                udp.bind((host, port))
                return port
    return 0
