"""The names of query parameters: one that a path does not have is an error, because what is ignored in silence looks like an answer to it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant

from roomtone.errors import UsageError

__all__ = ["refuse_unknown_names"]

_SHOWN_CHARACTERS_MAX = 80


async def refuse_unknown_names(request: Request) -> None:
    """A dependency for every path of the API. UsageError."""
    known = sorted(set(_names(request.scope["route"].dependant)))
    for name in request.query_params:
        if name not in known:
            shown = name[:_SHOWN_CHARACTERS_MAX]
            raise UsageError("unknown_parameter", f'This path has no parameter "{shown}".', _remedy(shown, known))


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for dependency in dependant.dependencies:
        yield from _names(dependency)


def _remedy(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"It has {', '.join(known)}." if known else "It takes none."
