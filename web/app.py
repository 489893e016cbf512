"""The web application: routes, errors and guards around opened Services."""

import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from kb.settings import Settings
from web import api, docs, health, help_site, problems
from web.guards import Guard
from web.openapi import complete
from web.rates import RateLimiter
from web.services import Services, open_services, start_index


def create_app(services: Services) -> FastAPI:
    """The application over Services that the caller opened and will close."""
    settings = services.settings
    app = FastAPI(
        title="Verbatim",
        version="1",
        summary="Approved answers, letter for letter, on every channel",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_lifespan,
    )
    app.state.services = services
    app.add_middleware(
        Guard,
        rates=RateLimiter(settings.rate_limit),
        max_bytes=settings.max_request_bytes,
        local_token=services.local_token,
    )
    problems.install(app)
    for router in (health.router, docs.router, api.router, help_site.router):
        app.include_router(router)
    complete(app)
    return app


def create_worker_app() -> FastAPI:
    """For `serve --workers`: each process opens its own Services, from the environment."""
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    services = open_services(Settings())
    start_index(services)
    return create_app(services)


def _leave_with_parent(parent: int) -> None:
    """A worker whose parent was killed would keep the port for ever."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    stop = threading.Event()
    watcher = threading.Thread(target=services.index.watch, args=(stop,), daemon=True)
    watcher.start()
    yield
    stop.set()
    watcher.join(timeout=5)
