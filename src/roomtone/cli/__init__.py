"""The command line. One file a command; `main` lists them.

Rules. Whatever is heavy (the server, the media core, SQLAlchemy) is imported by the command that needs it, so that `roomtone --help` is quick. Commands that
ask a running server are clients of its HTTP API and of nothing else. Data goes to standard output, everything about it to standard error. With `--json`
there is one object, or one object a line. An error is one sentence with its remedy, never a traceback.
"""

import sys


def main() -> None:
    """The entry point of the installed script. An interrupt while it is still loading is no traceback either."""
    try:
        from roomtone.cli.main import main as run  # noqa: PLC0415 - keeps `import roomtone.cli` free of typer

        run()
    except KeyboardInterrupt:
        print("roomtone: interrupted", file=sys.stderr)
        sys.exit(130)
