"""How each platform speaks. A dialect is a folder here and a line in `DIALECTS`; `calls.dialect.Dialect` says what it must do.

A number whose (dialect, API version) is not in the table is known to the settings, but not built: its calls are refused with a line in the debug log.
"""

from __future__ import annotations

from collections.abc import Callable

from roomtone.calls.dialect import Dialect
from roomtone.dialects.options import DialectOptions
from roomtone.dialects.twilio import Twilio2010

__all__ = ["DIALECTS", "DialectOptions"]

DIALECTS: dict[tuple[str, str], Callable[[DialectOptions], Dialect]] = {
    ("twilio", "2010-04-01"): Twilio2010,
}
