"""Entries of an account's debug log, as a call writes them: what the application should know about its documents, with
the platform's numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roomtone.calls.document import Finding
from roomtone.store.rows import DebugRow, StoreBatch
from roomtone.webhooks.request import WebhookError

if TYPE_CHECKING:
    from roomtone.calls.call import Call

__all__ = ["DebugLog"]


class DebugLog:
    """The debug log, with a call's names filled in."""

    def __init__(self, call: Call) -> None:
        self._call = call

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
        call = self._call
        row = DebugRow(
            account_sid=call.route.account.sid,
            time=call.services.clock.wall(),
            level="error" if level == "error" else "warning",
            code=code,
            message=message,
            more_info=call.dialect.more_info(code),
            call_sid=call.sid,
            conference_sid=conference_sid,
            number=call.route.number.number,
            request_id=request_id or None,
            url=url or None,
            status=status,
            line=line,
            column=column,
            detail=detail or None,
        )
        call.services.record(StoreBatch(debug=[row]))
