"""Where numbers lead, who may see what, and what belongs to the settings' file."""

from __future__ import annotations

import random
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from roomtone.accounts.directory import Directory
from roomtone.accounts.identity import auth_id_of, project_id_of
from roomtone.accounts.operator import admin_token
from roomtone.accounts.principal import Principal
from roomtone.clock import LiveClock
from roomtone.errors import ConflictError, NotFoundError, SettingsError
from roomtone.ids import Ids
from roomtone.settings.model import NumberEntry, Settings
from roomtone.store.store import Store

A, B = "AC" + "a" * 32, "AC" + "b" * 32
TOKEN = "token of a"
ADMIN = "token of the operator"


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = await Store.open(None, LiveClock())
    yield opened
    await opened.close()


def settings(numbers: list[dict[str, Any]], accounts: tuple[str, ...] = (A,), **server: Any) -> Settings:
    return Settings.model_validate(
        {
            "server": {"data": None} | server,
            "accounts": [{"sid": sid, "token": f"token of {sid[2]}"} for sid in accounts],
            "numbers": numbers,
        }
    )


async def directory(store: Store, given: Settings) -> Directory:
    made = Directory(store.identities, LiveClock(), Ids(random.Random(1)), ADMIN)
    await made.load(given)
    return made


def number(text: str, **more: Any) -> dict[str, Any]:
    return {"number": text, "voice_url": f"http://app/{text.strip('+')}"} | more


@pytest.mark.parametrize("called", ["+15550100", "15550100"])
async def test_a_number_is_reached_with_and_without_plus(store: Store, called: str) -> None:
    found = await (await directory(store, settings([number("+15550100", account=A)]))).route(called)
    assert found is not None
    assert found.account.sid == A
    assert found.application.voice_url == "http://app/15550100"


async def test_nobody_reaches_what_is_not_there(store: Store) -> None:
    made = await directory(store, settings([number("demo", account=A)]))
    assert await made.route("demo") is not None
    assert await made.route("DEMO") is None
    assert await made.route("") is None


async def test_what_leaves_the_file_is_disabled_and_comes_back_with_it(store: Store) -> None:
    made = await directory(store, settings([number("1", account=A), number("2", account=A)]))
    before = await made.route("2")
    await made.load(settings([number("1", account=A)]))
    assert await made.route("1") is not None
    assert await made.route("2") is None
    await made.load(settings([number("2", account=A)]))
    again = await made.route("2")
    assert before is not None
    assert again is not None
    assert again.application.sid == before.application.sid
    await made.load(settings([], accounts=(B,)))
    assert made.principal(A, TOKEN) is None


async def test_a_file_with_one_number_makes_an_account(store: Store, tmp_path: Path) -> None:
    given = settings([number("1")], accounts=(), data=tmp_path)
    made = await directory(store, given)
    found = await made.route("1")
    assert found is not None
    kept = tmp_path / "account_token"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert made.principal(found.account.sid, kept.read_text().strip()) == Principal(found.account.sid)
    again = await directory(store, given)
    assert [row.sid for row in again.accounts()] == [found.account.sid]


async def test_accounts_of_the_file_without_a_word_in_its_numbers(store: Store) -> None:
    with pytest.raises(SettingsError, match="2 accounts"):
        await directory(store, settings([number("1")], accounts=(A, B)))
    with pytest.raises(SettingsError, match="no account"):
        await directory(store, settings([number("1", account=B)]))


async def test_what_the_file_names_belongs_to_the_file(store: Store) -> None:
    made = await directory(store, settings([number("1", account=A)]))
    with pytest.raises(ConflictError):
        await made.remove_number(A, "1")
    with pytest.raises(ConflictError):
        await made.change_number(A, NumberEntry(number="1", voice_url="http://other"))
    with pytest.raises(ConflictError):
        await made.remove_account(A)


async def test_numbers_by_the_api_survive_a_restart(store: Store) -> None:
    given = settings([number("1", account=A)])
    made = await directory(store, given)
    await made.add_number(A, NumberEntry(number="+2", voice_url="http://two"))
    await made.change_number(A, NumberEntry(number="2", voice_url="http://new"))
    found = await (await directory(store, given)).route("+2")
    assert found is not None
    assert (found.number.number, found.application.voice_url) == ("+2", "http://new")
    await made.remove_number(A, "+2")
    assert await (await directory(store, given)).route("2") is None


async def test_a_number_is_taken_for_everybody(store: Store) -> None:
    made = await directory(store, settings([number("+1", account=A)], accounts=(A, B)))
    with pytest.raises(ConflictError):
        await made.add_number(B, NumberEntry(number="1", voice_url="http://b"))
    with pytest.raises(NotFoundError):
        await made.remove_number(B, "1")
    assert [row.number for row, _ in made.numbers(B)] == []


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        (A, TOKEN, Principal(A)),
        (A, "wrong", None),
        (A, "", None),
        (B, TOKEN, None),
        ("admin", ADMIN, Principal(None)),
        ("admin", TOKEN, None),
        (A, ADMIN, None),
    ],
)
async def test_who_asks(store: Store, user: str, password: str, expected: Principal | None) -> None:
    assert (await directory(store, settings([]))).principal(user, password) == expected


def test_names_on_the_other_platforms_follow_from_the_sid() -> None:
    assert project_id_of("AC0123456789abcdef0123456789abcdef") == "01234567-89ab-cdef-0123-456789abcdef"
    assert len(auth_id_of(A)) == 20
    assert auth_id_of(A) != auth_id_of(B)


def test_the_admin_token_is_made_once_and_kept_for_the_server_alone(tmp_path: Path) -> None:
    given = settings([], data=tmp_path)
    token = admin_token(given, Ids())
    assert len(token) == 32
    assert admin_token(given, Ids()) == token
    assert stat.S_IMODE((tmp_path / "admin_token").stat().st_mode) == 0o600
    assert admin_token(settings([], data=tmp_path, admin_token="mine"), Ids()) == "mine"


async def test_a_reload_that_fails_changes_nothing(store: Store) -> None:
    made = await directory(store, settings([number("1", account=A)]))
    with pytest.raises(SettingsError):
        await made.reload(settings([number("2", account=A), number("3", account=B)]))
    assert await made.route("1") is not None
    assert await made.route("2") is None
    await made.reload(settings([number("2", account=A)]))
    assert await made.route("1") is None
    assert await made.route("2") is not None
    again = await directory(store, settings([number("2", account=A)]))
    assert {row.number: row.enabled for row, _ in again.numbers(A)} == {"1": False, "2": True}


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def no_room(store: Store) -> None:
    """Nothing more can be written to the table of numbers."""
    trigger = "CREATE TRIGGER no_room BEFORE INSERT ON numbers BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    async with store.identities._database.writing() as connection:
        await connection.execute(text(trigger))


async def test_what_cannot_be_stored_has_not_happened(store: Store, tmp_path: Path) -> None:
    given = settings([number("1", account=A)], data=tmp_path)
    made = await directory(store, given)
    await no_room(store)
    with pytest.raises(SQLAlchemyError):
        await made.reload(settings([number("2", account=B)], accounts=(B,)))
    with pytest.raises(SQLAlchemyError):
        await made.add_number(A, NumberEntry(number="3", voice_url="http://three"))
    assert [row.sid for row in made.accounts()] == [A]
    assert [(row.number, row.enabled) for row, _ in made.numbers(None)] == [("1", True)]


async def test_a_reload_that_is_refused_leaves_no_token_of_an_account_that_is_not_there(
    store: Store, tmp_path: Path
) -> None:
    made = await directory(store, settings([number("1", account=A)], data=tmp_path))
    with pytest.raises(SettingsError):
        await made.reload(settings([number("2", account=B)], accounts=(), data=tmp_path))
    assert files(tmp_path) == []
