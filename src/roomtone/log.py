"""The server's log: one JSON object a line on standard error; in `dev`, text for eyes.

Fields: `time level event`, and where they apply `account_sid call_sid sip_call_id conference_sid request_id peer reason`. Secrets and digits that a caller
pressed are never logged; a field with such a name is masked here, as the last line of defence. The standard library's loggers (uvicorn, alembic) come out
the same way.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from io import StringIO
from typing import Any

import structlog

__all__ = ["configure"]

_SECRET_FIELDS = frozenset(
    {"token", "password", "admin_token", "signing_key", "authorization", "cookie", "digits", "digit", "key"}
)
_MASK = "***"
_WITH_HANDLERS_OF_THEIR_OWN = ("uvicorn", "uvicorn.error", "uvicorn.access")


class _StandardError(StringIO):
    """Standard error as it is when a line comes: the live view puts itself in its place meanwhile."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_STANDARD_ERROR = _StandardError()


def configure(*, text: bool, level: str = "info", colors: bool = False) -> None:
    """Once, at the start of a process. `text`: lines for eyes instead of JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text, key="time"),
        _mask,
    ]
    renderer: structlog.typing.Processor
    if text:
        renderer = structlog.dev.ConsoleRenderer(
            colors=colors,
            timestamp_key="time",
            pad_event_to=0,
            pad_level=False,
            exception_formatter=structlog.dev.plain_traceback,  # rich's shows local variables: secrets, and pages of them
        )
    else:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer(default=str)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(_STANDARD_ERROR),
        cache_logger_on_first_use=False,
    )
    _take_the_standard_librarys(shared, renderer)


def _take_the_standard_librarys(shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor) -> None:
    handler = logging.StreamHandler(_STANDARD_ERROR)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in _WITH_HANDLERS_OF_THEIR_OWN:
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True


def _mask(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in _SECRET_FIELDS & fields.keys():
        fields[name] = _MASK
    return fields
