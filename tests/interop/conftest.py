"""A server for everybody who does not need one of their own, and whatever else a test starts, stopped at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from shared import Shared

Held = TypeVar("Held")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The one of the session."""
    shared = Shared(tmp_path_factory.mktemp("server"))
    yield shared
    shared.stop()


@pytest.fixture
def hold() -> Iterator[Callable[[Held], Held]]:
    """`hold(thing)`: its `stop` or `close` is called when the test is over."""
    with contextlib.ExitStack() as stack:

        def take(thing: Held) -> Held:
            stack.callback(getattr(thing, "stop", None) or thing.close)  # type: ignore[attr-defined]
            return thing

        yield take
