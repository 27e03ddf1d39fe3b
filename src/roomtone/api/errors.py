"""Exceptions become answers here, and only here: `{"error": {"code", "message", "remedy"}}`."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from roomtone.errors import RoomtoneError, UnauthorizedError

__all__ = ["ERRORS", "ErrorAnswer", "answer_errors", "remedy_of"]

_log = structlog.get_logger("roomtone.api")


class ErrorDetail(BaseModel):
    """`code`: for programs; `message` and `remedy`: for people."""

    code: str
    message: str
    remedy: str


class ErrorAnswer(BaseModel):
    """What every error is answered with."""

    error: ErrorDetail


ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "What is wrong with the request, and what to do about it"}
}
"""For routers: what their paths answer besides what they say themselves."""


def answer_errors(app: FastAPI) -> None:
    """Installs the handlers."""
    app.add_exception_handler(RoomtoneError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)


def remedy_of(field: str) -> str:
    """What to do about a wrong value of that field."""
    if field in ("to", "status_callback") or field.endswith("_url"):
        return "Write the whole address, such as http://localhost:5000/voice."
    return "The OpenAPI page at /api/docs says what is expected."


def _answer(status: int, code: str, message: str, remedy: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = {"error": {"code": code, "message": message, "remedy": remedy}}
    return JSONResponse(body, status_code=status, headers=headers)


async def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RoomtoneError)
    headers = {"WWW-Authenticate": 'Basic realm="roomtone"'} if isinstance(error, UnauthorizedError) else None
    return _answer(error.http_status, error.code, error.message, error.remedy, headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    message = str(first["msg"]).removeprefix("Value error, ")
    name = f"{'.'.join(place)}: " if place else ""
    return _answer(422, "invalid", f"{name}{message}", remedy_of(place[-1] if place else ""))


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed"}
    code = codes.get(error.status_code, "http")
    headers = dict(error.headers) if error.headers else None
    return _answer(error.status_code, code, str(error.detail), "The paths are listed at /api/docs.", headers)


async def _fault(request: Request, error: Exception) -> JSONResponse:
    _log.error("api.failed", method=request.method, path=request.url.path, exc_info=error)
    return _answer(500, "internal", "This is a fault of the server; its log says more.", "Please report it.")
