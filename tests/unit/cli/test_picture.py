"""The picture of a room: a row for each who is there where that fits, else groups of those who hear alike and are heard alike."""

from __future__ import annotations

from typing import Any

import pytest

from roomtone.cli import picture


def participant(name: str, **changes: Any) -> dict[str, Any]:
    plain = {"muted": False, "waiting": False, "music": False, "start_on_enter": True, "end_on_exit": False}
    return {"call_sid": f"CA{name}", "caller": name, "joined_at": name, **plain, **changes}


def drawn(participants: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Its lines."""
    room = {"name": "r", "status": "in-progress", "started_at": None, "conference_sid": "CF" + "0" * 32}
    muted = {entry["call_sid"] for entry in participants if entry["muted"]}

    def pair(listener: str, talker: str) -> dict[str, Any]:
        reason = "self" if listener == talker else "muted" if talker in muted else "talk"
        return {"heard": reason == "talk", "gain_db": 0.0, "reason": reason}

    for each_alone in (True, False):
        groups = picture.groups_of(participants, each_alone=each_alone)
        pairs = {row: pair(*row) for row in picture.pairs_needed(groups)}
        if picture.draw(room, groups, pairs, must_fit=each_alone):
            break
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("count", [40, 400])
def test_a_large_room_fits_a_terminal(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    crowd = [participant(f"listener-{number}", muted=True, start_on_enter=False) for number in range(count)]
    lines = drawn([*crowd, participant("ben"), participant("carla", end_on_exit=True)], capsys)
    assert len(lines) < 24
    assert all(len(line) <= 80 for line in lines)
    rows = [line.replace("|", " ").split() for line in lines]
    assert ["A", str(count), "participants", "muted", "yes", "yes"] in rows
    assert ["B", "ben", "muted", "·", "yes"] in rows
    assert ["C", "carla", "muted", "yes", "·"] in rows
    assert f"A  {count} participants: muted, does not start the room" in lines
    assert "C  carla: ends it on leaving, CAcarla" in lines
    assert any("listener-0, listener-1," in line for line in lines)


def test_a_small_room_has_a_row_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = drawn([participant("anna", muted=True), participant("ben"), participant("carla")], capsys)
    rows = [line.replace("|", " ").split() for line in lines]
    assert ["A", "anna", "·", "yes", "yes"] in rows
    assert ["C", "carla", "muted", "yes", "·"] in rows
    assert "A  CAanna  muted" in lines


def test_two_of_a_group_stand_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = drawn([participant(f"u-{number}") for number in range(30)], capsys)
    assert "| A  30 participants | yes |" in lines
