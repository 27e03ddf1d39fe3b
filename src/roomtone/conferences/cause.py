"""What made a participant be heard, or not: kept beside its seat, shown with the hearing."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cause"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a participant's part in the hearing what it is: a line of a document, or a call of an API."""

    request_id: str | None = None  # RQ...: the request whose answer had the document
    line: int | None = None
    api_call: str | None = None  # "POST /2010-04-01/Accounts/..."

    def as_json(self) -> dict[str, str | int | None]:
        """As `/api/v1/rooms/{name}/hearing` shows it."""
        if self.api_call is not None:
            return {"api_call": self.api_call}
        return {"request_id": self.request_id, "line": self.line}
