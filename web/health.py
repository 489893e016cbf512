"""For those who run it: alive, ready, and figures for Prometheus."""

import os

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess

from kb import history
from kb.db import reading
from web.openapi import reply_of
from web.shapes import Alive, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz", responses={200: reply_of(Alive, "alive")})
def healthz() -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    responses={200: reply_of(Readiness, "ready"), 503: reply_of(Readiness, "starting")},
)
def readyz(request: Request) -> Response:
    """Questions are answered; `epoch` is the state they are answered from."""
    services = request.app.state.services
    with reading(services.engine) as session:
        store = history.epoch(session)
    ready = services.index.is_ready
    body = {
        "status": "ready" if ready else "starting",
        "epoch": services.index.epoch,
        "store_epoch": store,
    }
    return JSONResponse(body, status_code=200 if ready else 503)


@router.get("/metrics", include_in_schema=False)
def metrics() -> Response:
    """Prometheus text; all workers' figures together."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
