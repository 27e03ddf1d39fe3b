"""Who hears whom, over all pairs of rows, and the sentence that says so."""

from __future__ import annotations

import itertools

import pytest

from roomtone.rooms.hearing import Reason, Row, Sends, between

WAITING = Row(Sends.NOBODY, False, Reason.WAITING)
HELD = Row(Sends.NOBODY, False, Reason.HELD)
MUTED = Row(Sends.NOBODY, True, Reason.MUTED)
DEAF = Row(Sends.ALL, False, Reason.DEAF)
MUTED_AND_DEAF = Row(Sends.NOBODY, False, Reason.MUTED)
COACHES_A = Row("A", True, Reason.COACH)
COACHES_C = Row("C", True, Reason.COACH)
TALKS = Row(Sends.ALL, True, Reason.TALK, gain_db=-3.0)

CASES = [
    (TALKS, TALKS, Reason.TALK, "A hears B because B talks and A listens."),
    (MUTED, TALKS, Reason.TALK, "A hears B because B talks and A listens."),
    (WAITING, WAITING, Reason.WAITING, "A does not hear B because the room has not started."),
    (TALKS, MUTED, Reason.MUTED, "A does not hear B because B is muted."),
    (HELD, TALKS, Reason.HELD, "A does not hear B because A is on hold."),
    (TALKS, HELD, Reason.HELD, "A does not hear B because B is on hold."),
    (DEAF, TALKS, Reason.DEAF, "A does not hear B because A is deafened."),
    (TALKS, DEAF, Reason.TALK, "A hears B because B talks and A listens."),
    (MUTED_AND_DEAF, TALKS, Reason.DEAF, "A does not hear B because A is deafened."),
    (TALKS, MUTED_AND_DEAF, Reason.MUTED, "A does not hear B because B is muted."),
    (TALKS, COACHES_A, Reason.COACH, "A hears B because B speaks to A alone."),
    (TALKS, COACHES_C, Reason.COACH, "A does not hear B because B speaks to C alone."),
]


@pytest.mark.parametrize(("listener", "talker", "reason", "sentence"), CASES)
def test_a_pair_and_its_sentence(listener: Row, talker: Row, reason: Reason, sentence: str) -> None:
    pair = between("A", listener, "B", talker)
    assert pair.reason is reason
    assert pair.sentence() == sentence


def test_nobody_hears_themselves() -> None:
    pair = between("A", TALKS, "A", TALKS)
    assert not pair.heard
    assert pair.sentence() == "A does not hear their own voice because nobody does."


def test_names_replace_call_sids_in_the_sentence() -> None:
    names = {"A": "+15550101", "B": "+15550102"}
    pair = between("A", TALKS, "B", MUTED)
    assert pair.sentence(names.__getitem__) == "+15550101 does not hear +15550102 because +15550102 is muted."


ROWS = [
    Row(sends, hears, reason)
    for sends, hears, reason in itertools.product([*Sends, "A", "B", "C"], [True, False], Reason)
]


def test_heard_is_what_the_core_mixes() -> None:
    for listener, talker in itertools.product(ROWS, ROWS):
        pair = between("A", listener, "B", talker)
        assert pair.heard == (listener.hears and talker.sends in (Sends.ALL, "A"))
        assert (pair.gain_db is None) == (not pair.heard)
        assert pair.decided_by in ("A", "B")


def test_the_talkers_gain_is_the_pairs_gain() -> None:
    assert between("A", MUTED, "B", TALKS).gain_db == -3.0
