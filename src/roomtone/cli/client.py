"""A small client of the HTTP API, on the standard library: quick to import, and blocking, as a command may be."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from roomtone.errors import (
    CheckFailedError,
    NotFoundError,
    RoomtoneError,
    ServerUnreachableError,
    UnauthorizedError,
    UsageError,
)

__all__ = ["Client", "segment"]

ANSWER_S_MAX = 30.0
STREAM_QUIET_S_MAX = 60.0
"""The server sends an empty line every 15 s; after so long without one the connection is dead."""

Json = dict[str, Any]


class Client:
    """Asks one server as one account."""

    def __init__(self, url: str, account: str, token: str) -> None:
        self.url = url.rstrip("/")
        self.account = account
        self._token = token
        parts = urlsplit(self.url if "://" in self.url else f"http://{self.url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("bad_url", f"{url} is not the URL of a server.", "Use --url http://HOST:PORT.")
        self._scheme, self._host, self._port, self._prefix = parts.scheme, parts.hostname, parts.port, parts.path
        credentials = base64.b64encode(f"{account}:{token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}

    @property
    def host(self) -> str:
        """The server's."""
        return self._host

    def get(self, path: str, **query: Any) -> Json:
        """The answer of `/api/v1{path}`. RoomtoneError."""
        return self._ask("GET", path, query)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """The answer of `/api/v1{path}`; `body` goes as JSON, None as no body. RoomtoneError."""
        return self._ask("POST", path, {}, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Json:
        """The resource as it is after the change; what `body` leaves out stays. RoomtoneError."""
        return self._ask("PATCH", path, {}, body)

    def delete(self, path: str) -> None:
        """Returns when it is gone. RoomtoneError; NotFoundError when it was not there."""
        self._ask("DELETE", path, {})

    def stream(self, path: str, **query: Any) -> Iterator[Json]:
        """Objects as they come, until the server ends it or is gone (ServerUnreachableError)."""
        connection = self._connection(STREAM_QUIET_S_MAX)
        try:
            response = self._request(connection, "GET", path, query, None)
            if response.status >= 400:
                raise self._refusal(response.status, response.read())
            while line := response.readline():
                if line.strip():
                    yield json.loads(line)
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from None
        finally:
            connection.close()

    def _ask(self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None = None) -> Json:
        connection = self._connection(ANSWER_S_MAX)
        try:
            response = self._request(connection, method, path, query, body)
            content = response.read()
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from None
        finally:
            connection.close()
        if response.status >= 400:
            raise self._refusal(response.status, content)
        try:
            answer = json.loads(content) if content else {}
        except ValueError:
            raise self._no_roomtone() from None
        return answer if isinstance(answer, dict) else {}

    def _connection(self, timeout_s: float) -> HTTPConnection:
        kind = HTTPSConnection if self._scheme == "https" else HTTPConnection
        return kind(self._host, self._port, timeout=timeout_s)

    def _request(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None,
    ) -> HTTPResponse:
        given = {name.rstrip("_"): _text(value) for name, value in query.items() if value is not None}
        target = f"{self._prefix}/api/v1{path}{'?' + urlencode(given) if given else ''}"
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers | ({"Content-Type": "application/json"} if content is not None else {})
        connection.request(method, target, body=content, headers=headers)
        return connection.getresponse()

    def _refusal(self, status: int, content: bytes) -> RoomtoneError:
        try:
            error = json.loads(content)["error"]
            code, message, remedy = error["code"], error["message"], error["remedy"]
        except (ValueError, KeyError, TypeError):
            return self._no_roomtone()
        kinds = {401: UnauthorizedError, 403: UnauthorizedError, 404: NotFoundError, 400: UsageError, 422: UsageError}
        return kinds.get(status, CheckFailedError)(code, message, remedy)

    def _unreachable(self, error: Exception) -> RoomtoneError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ServerUnreachableError(
            "unreachable",
            f"No server answers at {self.url} ({reason}).",
            "Start one with `roomtone dev`, or name another with --url or ROOMTONE_URL.",
        )

    def _no_roomtone(self) -> RoomtoneError:
        return ServerUnreachableError(
            "no_roomtone", f"What answers at {self.url} is no Roomtone server.", "Name it with --url or ROOMTONE_URL."
        )


def segment(text: str) -> str:
    """A name as a segment of a path."""
    return quote(text, safe="")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
