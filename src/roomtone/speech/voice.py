"""The speaking child process as seen from the loop: one piece of text at a time, restarted when it dies.

Accounts take turns, and inside an account who asked first is served first (`shares`); how many may wait is bounded in `Speech`. A piece on which the
process dies is tried once more in a new one, because it may have died of something else; then the piece fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import sys
from pathlib import Path

from roomtone.clock import Clock
from roomtone.shares import Shares

__all__ = ["SpeechError", "VoiceProcess"]

PIECE_SECONDS_MAX = 20.0
"""Of the clock, for one piece; the process ends itself after half of it."""

ANSWER_BYTES_MAX = 64 * 1024 * 1024
TRIES = 2

_CHILD = Path(__file__).with_name("child.py")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


class SpeechError(Exception):
    """Text that could not be spoken. `code` is the platform's number."""

    def __init__(self, message: str, code: int = 13520) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class VoiceProcess:
    """Started by the first piece, or by `speak("", ...)`."""

    def __init__(self, clock: Clock, command: tuple[str, ...] = (sys.executable, "-P", str(_CHILD))) -> None:
        self._clock = clock
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._turn = Shares(1)
        self.restarts = 0

    async def speak(self, text: str, language: str, account_sid: str = "") -> tuple[int, bytes]:
        """(rate in Hz, 16-bit little-endian mono samples). `language`: its first subtag. SpeechError."""
        with self._clock.ledger.hold("speech"):
            async with self._turn.take(account_sid):
                return await self._try(text, language)

    async def close(self) -> None:
        """Ends the process. Again is harmless."""
        process, self._process = self._process, None
        if process is not None:
            await _end(process)

    async def _try(self, text: str, language: str) -> tuple[int, bytes]:
        for _ in range(TRIES):
            try:
                async with self._clock.timeout(PIECE_SECONDS_MAX):
                    return await self._exchange(text, language)
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
                self.restarts += 1
                await self.close()
            except asyncio.CancelledError:
                await self.close()  # its answer would be taken for that of the next piece
                raise
        raise SpeechError("the text could not be spoken: the voice failed on it")

    async def _exchange(self, text: str, language: str) -> tuple[int, bytes]:
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        request = json.dumps({"text": text, "language": language}).encode()
        process.stdin.write(struct.pack(">I", len(request)) + request)
        await process.stdin.drain()
        rate_hz, length = struct.unpack(">II", await process.stdout.readexactly(8))
        if length > ANSWER_BYTES_MAX:
            raise ConnectionError("an answer out of all measure")
        payload = await process.stdout.readexactly(length)
        if not rate_hz:
            raise SpeechError(f"the text could not be spoken: {payload.decode('utf-8', 'replace')}")
        return rate_hz, payload

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C in the terminal is the server's to handle
            env={**os.environ, **_ONE_THREAD},
        )
        return self._process


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()
