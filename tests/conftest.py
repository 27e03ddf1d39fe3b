"""For all tests: how the processes that they start stand to signals."""

from __future__ import annotations

import signal

# A script that runs the tests in the background has their processes ignore Ctrl-C (POSIX shell, 2.11), which some of them are sent.
signal.signal(signal.SIGINT, signal.default_int_handler)
