"""Errors that reach a user, and the exit codes of the command line.

Each says what went wrong (`message`), in words a program can compare (`code`), and what to do about it (`remedy`). The HTTP API answers
`{"error": {code, message, remedy}}`, the command line prints message and remedy and leaves with `exit_code`. Faults of ours are no `RoomtoneError`: they are
assertions, and stay tracebacks.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

__all__ = [
    "ApplicationFailedError",
    "CallNotAnsweredError",
    "CheckFailedError",
    "ConflictError",
    "CoreFailedError",
    "ExitCode",
    "ForbiddenError",
    "InstallationError",
    "NotFoundError",
    "NotYetBuiltError",
    "RoomtoneError",
    "ServerUnreachableError",
    "SettingsError",
    "UnauthorizedError",
    "UsageError",
]


class ExitCode(IntEnum):
    """How a command leaves."""

    DONE = 0
    CHECK_FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_ANSWERED = 4
    APPLICATION_FAILED = 5
    CORE_FAILED = 70
    INTERRUPTED = 130


class RoomtoneError(Exception):
    """Base of all. `http_status` is what the HTTP API answers with."""

    exit_code: ClassVar[ExitCode] = ExitCode.CHECK_FAILED
    http_status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    def as_json(self) -> dict[str, dict[str, str]]:
        """The one shape of an error, in the API and with `--json`."""
        return {"error": {"code": self.code, "message": self.message, "remedy": self.remedy}}

    def as_text(self) -> str:
        """Message and remedy for a terminal: a sentence, at most four lines."""
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class SettingsError(RoomtoneError):
    """A setting that cannot be used. `setting` is its name as in the file (`server.http`)."""

    exit_code = ExitCode.USAGE

    def __init__(self, setting: str, message: str, remedy: str) -> None:
        super().__init__("settings", f"{setting}: {message}" if setting else message, remedy)
        self.setting = setting
        self.others: tuple[SettingsError, ...] = ()  # what else is wrong, for `config check`


class CoreFailedError(RoomtoneError):
    """A fault of ours ended a thread of the media core: the server has left, for whoever supervises it to start it again."""

    exit_code = ExitCode.CORE_FAILED

    def __init__(self, reason: str) -> None:
        super().__init__(
            "core_failed",
            f"The media core failed ({reason.partition(chr(10))[0]}), and the server has ended.",
            "This is a fault of Roomtone's own: please report it with the log. Start the server again.",
        )


class InstallationError(RoomtoneError):
    """Files that come with Roomtone are not there."""

    exit_code = ExitCode.USAGE

    def __init__(self, code: str, message: str) -> None:
        super().__init__(
            code, message, "This installation is damaged: install Roomtone again (in a clone: git checkout .)."
        )


class UsageError(RoomtoneError):
    """A command, or a request, asked for in a way that makes no sense."""

    exit_code = ExitCode.USAGE
    http_status = 400


class NotYetBuiltError(RoomtoneError):
    """A name that is known, and that nothing stands behind yet."""

    exit_code = ExitCode.USAGE
    http_status = 501


class CheckFailedError(RoomtoneError):
    """An expectation or a check that did not hold."""

    exit_code = ExitCode.CHECK_FAILED


class ServerUnreachableError(RoomtoneError):
    """No server answers at the address."""

    exit_code = ExitCode.UNREACHABLE


class CallNotAnsweredError(RoomtoneError):
    """The far end did not take the call."""

    exit_code = ExitCode.NOT_ANSWERED


class ApplicationFailedError(RoomtoneError):
    """The user's web application gave no document that could be run, or its process ended."""

    exit_code = ExitCode.APPLICATION_FAILED


class UnauthorizedError(RoomtoneError):
    """No account, or a wrong token."""

    exit_code = ExitCode.USAGE
    http_status = 401


class ForbiddenError(RoomtoneError):
    """The account is known, and this is not for it."""

    exit_code = ExitCode.USAGE
    http_status = 403


class NotFoundError(RoomtoneError):
    """Nothing of that name in this account."""

    http_status = 404


class ConflictError(RoomtoneError):
    """What is asked contradicts what is: a number of the file, a name already taken."""

    http_status = 409
