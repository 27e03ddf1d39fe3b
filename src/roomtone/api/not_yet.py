"""Paths whose names are settled and that nothing stands behind yet: they say so (501), so that nobody looks for a mistake of their own."""

from __future__ import annotations

from fastapi import APIRouter, Request

from roomtone.errors import NotYetBuiltError

__all__ = ["router"]

PREFIXES = {
    "/2010-04-01/Accounts": "Twilio's REST API",
    "/2008-08-01/Accounts": "Twilio's REST API of 2008",
    "/api/laml": "SignalWire's REST API",
    "/v1/Account": "Plivo's REST API",
    "/api/v1/callbacks": "callbacks",
    "/api/v1/recordings": "recordings",
    "/api/v1/users": "SIP users that register",
    "/api/v1/trunks": "trunks to carriers",
    "/sip": "SIP over WebSocket",
}
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def router() -> APIRouter:
    """Each path and all below it."""
    routes = APIRouter(include_in_schema=False)

    async def not_yet(request: Request) -> None:
        what = next(text for prefix, text in PREFIXES.items() if request.url.path.startswith(prefix))
        raise NotYetBuiltError(
            "not_yet", f"{what[0].upper()}{what[1:]}: not built yet.", "CHANGELOG.md says what each version has."
        )

    for prefix in PREFIXES:
        routes.add_api_route(prefix, not_yet, methods=_METHODS)
        routes.add_api_route(f"{prefix}/{{rest:path}}", not_yet, methods=_METHODS)
    return routes
