"""Keys are heard by the one who listens, and by nobody else (A27)."""

from __future__ import annotations

from roomtone.calls.keys import Keys
from roomtone.clock import VirtualClock


def test_a_gather_sees_the_keys_of_the_last_half_second() -> None:
    clock = VirtualClock()
    keys = Keys(clock)
    keys.press("1")
    clock.advance(0.4)
    keys.press("2")
    clock.advance(0.6)
    with keys.gather() as listening:
        assert not listening.is_empty
        keys.press("3")
    assert _taken(listening) == "23"


def test_keys_of_one_gather_are_not_those_of_the_next() -> None:
    keys = Keys(VirtualClock())
    with keys.gather() as first:
        keys.press("1")
    with keys.gather() as second:
        assert second.is_empty
    assert _taken(first) == "1"


def test_keys_heard_by_a_room_are_not_kept_for_a_gather() -> None:
    keys = Keys(VirtualClock())
    heard: list[tuple[str, bool]] = []
    with keys.heard_by(lambda key, *, in_band: heard.append((key, in_band))):
        keys.press("5")
        keys.press("6", in_band=True)
    with keys.gather() as listening:
        assert listening.is_empty
    assert heard == [("5", False), ("6", True)]


def test_a_gather_takes_keys_of_either_kind() -> None:
    keys = Keys(VirtualClock())
    keys.press("1", in_band=True)
    with keys.gather() as listening:
        keys.press("2")
        keys.press("3", in_band=True)
    assert _taken(listening) == "123"


def test_listening_is_known_while_a_gather_listens() -> None:
    keys = Keys(VirtualClock())
    assert not keys.gathering
    with keys.gather():
        assert keys.gathering
    assert not keys.gathering


def test_of_a_flood_between_verbs_only_the_last_keys_are_kept() -> None:
    keys = Keys(VirtualClock())
    for number in range(100):
        keys.press(str(number % 10))
    with keys.gather() as listening:
        pass
    assert _taken(listening) == "".join(str(number % 10) for number in range(68, 100))


async def test_a_key_is_awaited() -> None:
    keys = Keys(VirtualClock())
    with keys.gather() as listening:
        keys.press("7")
        await listening.wait()
        assert await listening.next() == "7"
        assert listening.is_empty


def _taken(listening: object) -> str:
    return "".join(listening._keys)  # type: ignore[attr-defined]
