"""All accounts, numbers and applications, in memory over the store: a call must not wait for the disk to learn where it leads.

Rules. What the settings' file names belongs to the file: an API may not change it (409), and what has left the file is disabled at the next start or reload.
A number is one address for the whole server, with or without `+`. Without any account, one is made: a file with one number must suffice.
Changes come one after the other, and one that fails, here or in the store, leaves everything as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import structlog

from roomtone.accounts.identity import account_row, auth_id_of, project_id_of
from roomtone.accounts.operator import keep_secret
from roomtone.accounts.principal import ADMIN, Principal
from roomtone.clock import Clock
from roomtone.errors import ConflictError, NotFoundError, SettingsError
from roomtone.ids import Ids
from roomtone.settings.model import Account, NumberEntry, Settings
from roomtone.store.identities import Identities, Identity
from roomtone.store.rows import AccountRow, ApplicationRow, NumberRow, Source

__all__ = ["ACCOUNT_TOKEN_FILE", "NUMBERS_MAX", "Directory", "Route"]

ACCOUNT_TOKEN_FILE = "account_token"
NUMBERS_MAX = 100_000

_log = structlog.get_logger("roomtone.accounts")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a called number leads."""

    account: AccountRow
    number: NumberRow
    application: ApplicationRow


class Directory:
    """Where numbers lead, and who may see what. `load` before anything else."""

    def __init__(self, identities: Identities, clock: Clock, ids: Ids, admin_token: str) -> None:
        self._identities = identities
        self._clock = clock
        self._ids = ids
        self._admin_token = admin_token
        self._accounts: dict[str, AccountRow] = {}
        self._applications: dict[str, ApplicationRow] = {}
        self._numbers: dict[str, NumberRow] = {}  # by the number without +
        self._change = asyncio.Lock()

    async def load(self, settings: Settings, *, source: Source = "file") -> None:
        """What the store has, and the settings' accounts and numbers over it (`source`: "file", or "dev"). SettingsError."""
        self._accounts = {row.sid: row for row in await self._identities.accounts()}
        self._applications = {row.sid: row for row in await self._identities.applications(None)}
        self._numbers = {_plain(row.number): row for row in await self._identities.numbers(None)}
        await self.reload(settings, source=source)

    async def reload(self, settings: Settings, *, source: Source = "file") -> None:
        """The settings' accounts and numbers over what is known. SettingsError, and then nothing has changed."""
        async with self._changing():
            changes = self._named(settings, source)  # without a pause: an API call finds the old or the new
            for row in changes:
                if isinstance(row, AccountRow) and row.source == "api" and row.enabled:
                    _keep_token(settings, row)
            await self._identities.save(changes)

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """Nobody else changes anything in the block; what is in memory goes back to what it was when it fails."""
        async with self._change:
            before = dict(self._accounts), dict(self._applications), dict(self._numbers)
            try:
                yield
            except BaseException:
                self._accounts, self._applications, self._numbers = before
                raise

    def _named(self, settings: Settings, source: Source) -> list[Identity]:
        return [
            *self._named_accounts(settings, source),
            *self._first_account(),
            *self._named_numbers(settings, source),
        ]

    # asking ---------------------------------------------------------------------------------------------------------

    async def route(self, number: str) -> Route | None:
        """Where a call to `number` (with or without +) leads; None when nobody may call it."""
        row = self._numbers.get(_plain(number))
        if row is None or not row.enabled:
            return None
        account = self._accounts.get(row.account_sid)
        application = self._applications.get(row.application_sid)
        if account is None or not account.enabled or application is None:
            return None
        return Route(account, row, application)

    def principal(self, user: str, password: str) -> Principal | None:
        """Who that is; None when nobody is, or the secret is wrong. Takes as long for a wrong secret as for a right one."""
        if user == ADMIN:
            return Principal(None) if _same(password, self._admin_token) else None
        account = self._accounts.get(user)
        expected = account.token if account is not None else ""
        return Principal(user) if _same(password, expected) and account is not None and account.enabled else None

    def accounts(self) -> Sequence[AccountRow]:
        """All of them, disabled ones too, oldest first."""
        return sorted(self._accounts.values(), key=lambda row: (row.created_at, row.sid))

    def account(self, sid: str) -> AccountRow | None:
        """Also a disabled one; None when there is none of that sid."""
        return self._accounts.get(sid)

    def numbers(self, account: str | None) -> Sequence[tuple[NumberRow, ApplicationRow]]:
        """In the order of the numbers."""
        rows = sorted(self._numbers.values(), key=lambda row: row.number)
        return [(row, self._applications[row.application_sid]) for row in rows if account in (None, row.account_sid)]

    def number(self, account: str | None, number: str) -> tuple[NumberRow, ApplicationRow]:
        """NotFoundError."""
        row = self._numbers.get(_plain(number))
        if row is None or account not in (None, row.account_sid):
            raise NotFoundError("number_not_found", f"There is no number {number}.", "`roomtone numbers` lists them.")
        return row, self._applications[row.application_sid]

    # changing -------------------------------------------------------------------------------------------------------

    async def add_number(self, account: str, entry: NumberEntry) -> tuple[NumberRow, ApplicationRow]:
        """ConflictError when the number is taken, NotFoundError when the account is not there."""
        async with self._changing():
            if account not in self._accounts:
                raise NotFoundError("account_not_found", f"There is no account {account}.", "Make it first.")
            if _plain(entry.number) in self._numbers:
                raise ConflictError("number_taken", f"{entry.number} is taken.", "Choose another, or remove it first.")
            if len(self._numbers) >= NUMBERS_MAX:
                raise ConflictError("numbers_full", f"There are {NUMBERS_MAX} numbers.", "Remove some first.")
            number, application = self._rows(account, entry, "api")
            await self._identities.save([application, number])
            return number, application

    async def change_number(self, account: str | None, entry: NumberEntry) -> tuple[NumberRow, ApplicationRow]:
        """Another application for a number. ConflictError for the file's, NotFoundError."""
        async with self._changing():
            row, _ = self.number(account, entry.number)
            _must_be_the_apis(row)
            number, application = self._rows(row.account_sid, entry, "api")
            await self._identities.save([application, number])
            return number, application

    async def remove_number(self, account: str | None, number: str) -> None:
        """ConflictError for the file's, NotFoundError."""
        async with self._changing():
            row, application = self.number(account, number)
            _must_be_the_apis(row)
            await self._identities.remove_number(row.account_sid, row)
            del self._numbers[_plain(row.number)]
            del self._applications[application.sid]

    async def add_account(self, account: Account) -> AccountRow:
        """ConflictError when the sid is taken."""
        async with self._changing():
            if account.sid in self._accounts:
                raise ConflictError("account_taken", f"There is an account {account.sid}.", "Leave the sid out.")
            row = account_row(account, "api", self._clock.wall())
            await self._identities.save([row])
            self._accounts[row.sid] = row
            return row

    async def remove_account(self, sid: str) -> None:
        """With its numbers. ConflictError for the file's, NotFoundError."""
        async with self._changing():
            row = self._accounts.get(sid)
            if row is None:
                raise NotFoundError(
                    "account_not_found", f"There is no account {sid}.", "`roomtone accounts` lists them."
                )
            _must_be_the_apis(row)
            await self._identities.remove_account(sid)
            del self._accounts[sid]
            self._numbers = {plain: number for plain, number in self._numbers.items() if number.account_sid != sid}
            self._applications = {key: row for key, row in self._applications.items() if row.account_sid != sid}

    # settings -------------------------------------------------------------------------------------------------------

    def _named_accounts(self, settings: Settings, source: Source) -> list[AccountRow]:
        changed = []
        named = {account.sid: account for account in settings.accounts}
        for sid, account in named.items():
            known = self._accounts.get(sid)
            changed.append(account_row(account, source, known.created_at if known else self._clock.wall()))
        for sid, row in self._accounts.items():
            if row.source != "api" and sid not in named and row.enabled:
                changed.append(replace(row, enabled=False))
        self._accounts |= {row.sid: row for row in changed}
        return changed

    def _first_account(self) -> list[AccountRow]:
        if any(row.enabled for row in self._accounts.values()):
            return []
        sid, token = self._ids.account(), self._ids.token()
        row = AccountRow(
            sid=sid,
            token=token,
            project_id=project_id_of(sid),
            signing_key=token,
            auth_id=auth_id_of(sid),
            name="Default",
            source="api",
            created_at=self._clock.wall(),
        )
        self._accounts[sid] = row
        return [row]

    def _named_numbers(self, settings: Settings, source: Source) -> list[Identity]:
        changed: list[Identity] = []
        for entry in settings.numbers:
            number, application = self._rows(self._owner(entry), entry, source)
            changed += [application, number]
        named = {_plain(entry.number) for entry in settings.numbers}
        for plain, row in list(self._numbers.items()):
            if row.source != "api" and plain not in named and row.enabled:
                self._numbers[plain] = replace(row, enabled=False)
                changed.append(self._numbers[plain])
        return changed

    def _owner(self, entry: NumberEntry) -> str:
        """Of a number of the file. When the file names no accounts, there is one to mean, or it has to be named."""
        enabled = [row.sid for row in self._accounts.values() if row.enabled]
        if entry.account in enabled:
            return entry.account
        if entry.account:
            raise SettingsError(
                "numbers.account",
                f"there is no account {entry.account} (for {entry.number})",
                "Make it, or correct it.",
            )
        if len(enabled) == 1:
            return enabled[0]
        raise SettingsError(
            "numbers.account",
            f"is missing for {entry.number}, and there are {len(enabled)} accounts",
            "Write the sid of the account that it belongs to.",
        )

    def _rows(self, account: str, entry: NumberEntry, source: Source) -> tuple[NumberRow, ApplicationRow]:
        """Rows for the entry, in memory already. A number that is known keeps its application's sid."""
        known = self._numbers.get(_plain(entry.number))
        keeps = known is not None and known.account_sid == account
        created_at = known.created_at if known is not None else self._clock.wall()
        application = ApplicationRow(
            sid=known.application_sid if known is not None and keeps else self._ids.application(),
            account_sid=account,
            dialect=entry.dialect,
            api_version=entry.version,
            voice_url=entry.voice_url,
            voice_method=entry.voice_method,
            fallback_url=entry.fallback_url,
            fallback_method=entry.fallback_method,
            status_callback=entry.status_callback,
            status_callback_method=entry.status_callback_method,
            created_at=created_at,
        )
        number = NumberRow(
            number=known.number if known is not None else entry.number,
            account_sid=account,
            application_sid=application.sid,
            source=source,
            created_at=created_at,
        )
        self._applications[application.sid] = application
        self._numbers[_plain(number.number)] = number
        return number, application


def _plain(number: str) -> str:
    return number.removeprefix("+")


def _keep_token(settings: Settings, made: AccountRow) -> None:
    """Of the account that was made for want of one. Before that is stored: a token too many is overwritten at the next start, one that is missing could
    never be known. SettingsError.
    """
    if settings.server.data is not None:
        path = settings.server.data / ACCOUNT_TOKEN_FILE
        keep_secret(path, made.token)
        _log.info("account.made", account_sid=made.sid, token_file=str(path))


def _same(given: str, expected: str) -> bool:
    return bool(expected) and secrets.compare_digest(given.encode(), expected.encode())


def _must_be_the_apis(row: AccountRow | NumberRow) -> None:
    if row.source != "api":
        name = row.number if isinstance(row, NumberRow) else row.sid
        if row.source == "dev":
            raise ConflictError(
                "belongs_to_dev", f"{name} belongs to `roomtone dev`.", "Start it with another --number or URL."
            )
        raise ConflictError(
            "belongs_to_the_file",
            f"{name} belongs to the settings' file.",
            "Change it there, and send the server SIGHUP.",
        )
