"""`roomtone completion SHELL`: a script for the shell's start-up file."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["completion"]


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish")]) -> None:
    """Prints a script that completes the commands: eval "$(roomtone completion bash)"."""
    from typer._completion_shared import get_completion_script  # noqa: PLC0415

    print(get_completion_script(prog_name="roomtone", complete_var="_ROOMTONE_COMPLETE", shell=shell.value))
