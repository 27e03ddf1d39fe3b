"""Entries of an account's debug log, as a call writes them: what the application should know about its documents, with
the platform's numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roomtone.store.rows import DebugRow, StoreBatch
from roomtone.webhooks.report import Finding
from roomtone.webhooks.request import WebhookError
from roomtone.webhooks.target import without_credentials

if TYPE_CHECKING:
    from roomtone.calls.dialect import Dialect
    from roomtone.calls.services import Route, Services

__all__ = ["DebugLog"]


class DebugLog:
    """The debug log, with a call's names filled in."""

    def __init__(self, services: Services, route: Route, dialect: Dialect, call_sid: str) -> None:
        self._services = services
        self._route = route
        self._dialect = dialect
        self._call_sid = call_sid

    def finding(self, finding: Finding, request_id: str, url: str, conference_sid: str | None = None) -> None:
        """What is wrong with a document that came."""
        self._write(
            finding.level,
            finding.code,
            finding.message,
            request_id=request_id,
            url=url,
            conference_sid=conference_sid,
            line=finding.line,
            column=finding.column,
            detail=finding.path,
        )

    def request_failed(self, error: WebhookError, conference_sid: str | None = None) -> None:
        """A document that did not come."""
        self._write(
            "error",
            error.code,
            error.message,
            request_id=error.request_id,
            url=error.url,
            conference_sid=conference_sid,
            status=error.status,
        )

    def _write(
        self,
        level: str,
        code: int,
        message: str,
        *,
        request_id: str,
        url: str,
        conference_sid: str | None,
        status: int | None = None,
        line: int | None = None,
        column: int | None = None,
        detail: str = "",
    ) -> None:
        row = DebugRow(
            account_sid=self._route.account.sid,
            time=self._services.clock.wall(),
            level="error" if level == "error" else "warning",
            code=code,
            message=message,
            more_info=self._dialect.more_info(code),
            call_sid=self._call_sid,
            conference_sid=conference_sid,
            number=self._route.number.number,
            request_id=request_id or None,
            url=without_credentials(url) or None,
            status=status,
            line=line,
            column=column,
            detail=detail or None,
        )
        self._services.record(StoreBatch(debug=[row]))
