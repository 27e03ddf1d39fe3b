"""The one HTTP port: uvicorn on a socket that is bound before anything else starts, so that a port in use is a sentence and not a traceback."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from roomtone.errors import SettingsError
from roomtone.settings.values import Address

__all__ = ["HttpServer", "port_fault"]

_STOP_SECONDS_MAX = 5


class _Uvicorn(uvicorn.Server):
    """Signals are the server's own business, not uvicorn's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Bound when it is made (SettingsError), serving from `start` to `stop`."""

    def __init__(self, address: Address, setting: str = "server.http") -> None:
        self._socket = _bind(address, setting)
        host, port = self._socket.getsockname()[:2]
        self.address = Address(host, port)
        self._server: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://{self.address}"

    async def start(self, app: FastAPI) -> None:
        """Returns when connections are taken."""
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS_MAX,
        )
        self._server = _Uvicorn(config)
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[self._socket])
        self._task = asyncio.create_task(self._server.main_loop(), name="http")

    async def stop(self) -> None:
        """Answers what is being asked, and closes. Again is harmless."""
        if self._server is None or self._task is None:
            self._socket.close()
            return
        self._server.should_exit = True
        await self._task
        await self._server.shutdown(sockets=[self._socket])
        self._server = None


def _bind(address: Address, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise port_fault(setting, address, error) from None
    listener.setblocking(False)
    return listener


def port_fault(setting: str, address: Address, error: OSError) -> SettingsError:
    """What to say about an address that cannot be bound."""
    number = _number_of(error)
    if number == errno.EADDRINUSE:
        name = f"ROOMTONE_{setting.replace('.', '__').upper()}"
        free = f"{name}={Address(address.host, 0)}"
        return SettingsError(
            setting,
            f"{address} is in use",
            f"Stop what uses it (`roomtone doctor` may know it), or name another port: 0 takes a free one, for instance "
            f"{free} in the environment.",
        )
    if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return SettingsError(
            setting, f"{address.host} is no address of this machine", "Name one that is, or 0.0.0.0 for all."
        )
    reason = os.strerror(number) if number else str(error)
    return SettingsError(
        setting, f"{address} cannot be opened ({reason})", "Name an address and port that this user may open."
    )


def _number_of(error: OSError) -> int | None:
    """The core's errors carry it in their text alone."""
    text = re.search(r"os error (\d+)", str(error))
    return error.errno or (int(text[1]) if text else None)
