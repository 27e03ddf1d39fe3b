"""`/healthz`, `/readyz` and `/metrics`."""

from enum import StrEnum
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from roomtone.accounts.directory import Directory
from roomtone.api.auth import Credentials, is_loopback, principal_of
from roomtone.api.metrics import Metrics
from roomtone.errors import ForbiddenError
from roomtone.store.store import Store

__all__ = ["Readiness", "ReadinessSign", "router"]

_log = structlog.get_logger("roomtone.api")


class Readiness(StrEnum):
    """Whether calls are taken."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class ReadinessSign:
    """What `/readyz` says; turned by the composition root."""

    def __init__(self) -> None:
        self.state = Readiness.STARTING


def router(sign: ReadinessSign, store: Store, directory: Directory, metrics: Metrics) -> APIRouter:
    """Probes are for everybody, metrics for this machine and the operator."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    async def readyz() -> JSONResponse:
        if sign.state is Readiness.READY:
            try:
                await store.check()
            except Exception as error:  # whatever keeps it from answering, this server is not ready
                _log.error("store.unreadable", reason=str(error))
                return JSONResponse({"status": "store"}, status_code=503)
        return JSONResponse({"status": sign.state}, status_code=200 if sign.state is Readiness.READY else 503)

    def local_or_operator(request: Request, credentials: Credentials) -> None:
        if not is_loopback(request) and not principal_of(directory, credentials).is_admin:
            raise ForbiddenError(
                "forbidden", "Metrics are the operator's.", "Ask as admin, or from the machine itself."
            )

    @routes.get("/metrics")
    async def show_metrics(_allowed: Annotated[None, Depends(local_or_operator)]) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes
