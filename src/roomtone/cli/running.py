"""Running a server in this process, for `dev` and `serve`: signals, the ready line, the end.

SIGTERM and the first SIGINT drain; a second SIGINT leaves at once. SIGHUP reads the settings again: what is wrong with them is said, and then the old ones
hold.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from roomtone.cli import open_files
from roomtone.errors import ExitCode, RoomtoneError, SettingsError

if TYPE_CHECKING:
    from roomtone.server import ReadyInfo, Server
    from roomtone.settings.model import Settings
    from roomtone.store.rows import Source

__all__ = ["Run", "ready_line"]


def ready_line(info: ReadyInfo) -> str:
    """The one line on standard output."""
    number = f" number={info.number}" if info.number else ""
    return f"roomtone ready http={info.http} sip={info.sip}{number} account={info.account}"


class Run:
    """One run of a server. `at_once`: what must not outlive the process, when it leaves without draining."""

    def __init__(self, read: Callable[[], Settings], *, identities: Source, number: str = "") -> None:
        """`read`: the settings, now and at each SIGHUP. SettingsError."""
        self.at_once: list[Callable[[], None]] = []
        self.before_ready: Callable[[], None] | None = None  # in a thread; what it raises ends the run
        self._failure: RoomtoneError | None = None
        self._getting_ready: asyncio.Task[None] | None = None
        self.exit_code = ExitCode.DONE
        self._read = read
        self._settings = read()
        self._identities: Source = identities
        self._number = number
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._interrupted = False
        self._server: Server | None = None
        self._reloading: asyncio.Task[None] | None = None

    def run(self, on_ready: Callable[[ReadyInfo], None]) -> ExitCode:
        """Until a signal or `stop`. SettingsError, and what `before_ready` raises."""
        open_files.raise_limit(self._settings)
        asyncio.run(self._main(on_ready))
        if self._failure is not None:
            raise self._failure
        return self.exit_code

    def stop(self, exit_code: ExitCode) -> None:
        """Drains, and leaves with that code. From any thread."""
        self.exit_code = exit_code
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _main(self, on_ready: Callable[[ReadyInfo], None]) -> None:
        from roomtone.server import serve  # noqa: PLC0415

        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        if self.exit_code is not ExitCode.DONE:  # asked to stop before it could begin
            self._stop.set()
        self._loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)
        self._loop.add_signal_handler(signal.SIGHUP, self._hang_up)

        def listening(server: Server) -> None:
            self._server = server
            self._getting_ready = asyncio.create_task(self._get_ready(server, on_ready), name="getting ready")

        await serve(self._settings, on_ready=listening, stop=self._stop, identities=self._identities)
        if self._getting_ready is not None:
            await self._getting_ready

    async def _get_ready(self, server: Server, on_ready: Callable[[ReadyInfo], None]) -> None:
        assert self._stop is not None
        info = self._describe(server)
        try:
            if self.before_ready is not None:
                await asyncio.to_thread(self.before_ready)
            if not self._stop.is_set():
                _keep_start_from_collector()
                print(ready_line(info), flush=True)
                on_ready(info)
        except RoomtoneError as error:
            self._failure = error
            self._stop.set()
        except BaseException:
            self._stop.set()
            raise

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stop is not None and self._stop.is_set()

    def _describe(self, server: Server) -> ReadyInfo:
        from roomtone.api.server import ServerShape  # noqa: PLC0415
        from roomtone.cli.version import installed_version  # noqa: PLC0415

        info = server.ready_info(number=self._number)
        if not info.account:
            first = next((row.sid for row in server.directory.accounts() if row.enabled), "")
            info = replace(info, account=first)
        server.api.description.shape = ServerShape(version=installed_version(), http=info.http, sip=info.sip)
        return info

    def _hang_up(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload(), name="reloading")

    async def _reload(self) -> None:
        log = structlog.get_logger("roomtone.settings")
        if self._server is None:
            return
        try:
            waiting = await self._server.reload(self._read(), identities=self._identities)
        except SettingsError as error:
            log.error("settings.not_reloaded", reason=error.message, remedy=error.remedy)
            return
        except Exception as error:  # of the store, say: a full disk
            log.exception("settings.not_reloaded", reason=str(error), remedy="Mend it, and send SIGHUP again.")
            return
        log.info("settings.reloaded")
        if waiting:
            log.warning("settings.wait_for_a_restart", settings=waiting)

    def _interrupt(self) -> None:
        if self._interrupted:
            for action in self.at_once:
                action()
            os._exit(ExitCode.INTERRUPTED)
        self._interrupted = True
        if self._stop is not None:
            if not self._stop.is_set() and self._settings.server.drain_seconds:
                structlog.get_logger("roomtone.server").warning(
                    "server.draining", remedy="interrupt again to leave at once"
                )
            self._stop.set()


def _keep_start_from_collector() -> None:
    """What the start has made (130,000 objects) lives as long as the process: a full collection that looks at all of it, 80 ms and more in which no call
    goes on, comes several times in ten seconds when calls do. From here on it is passed over.
    """
    gc.collect()
    gc.freeze()
