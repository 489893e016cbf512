"""The web application: routes, errors and guards around opened Services."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from types import FrameType
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute

from assistant.desk.clock import Clock
from assistant.exchanges import Assistant
from assistant.readings import Readings
from assistant.rewriting import rewriter_of
from kb.settings import Settings
from kb.translation_board import keep_board
from web import (
    api,
    chat_stream,
    conversation_api,
    correction_pages,
    desk,
    desk_api,
    desk_stream,
    docs,
    followup_pages,
    handover_api,
    health,
    help_site,
    knowledge_api,
    login,
    openid,
    problems,
    rebuilding,
    sidebar,
    way_back,
    widget,
)
from web.auditor import Auditor
from web.collator import Collator
from web.guards import Guard
from web.live import Feed
from web.openapi import complete
from web.origins import WidgetOrigins
from web.packages import case_json
from web.rates import RateLimiter
from web.rebuilding import Rebuilder
from web.services import Services, open_services, start_index
from web.studio import SignInFirst, to_the_form
from web.studio import router as studio


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
    app.state.assistant = Assistant(
        services.engine, services.index, settings, rewriter_of(settings)
    )
    app.state.feed = Feed(services.engine)
    app.state.rebuilder = Rebuilder(services.index, app.state.feed)
    app.state.auditor = Auditor(services.engine, services.settings)
    app.state.collator = Collator(services.engine, services.index, settings)
    app.add_middleware(
        Guard,
        rates=RateLimiter(settings.rate_limit),
        max_bytes=settings.max_request_bytes,
        local_token=services.local_token,
    )
    app.add_middleware(WidgetOrigins, origins=settings.widget_origins)
    problems.install(app)
    app.add_exception_handler(SignInFirst, to_the_form)
    app.router.routes += _routes()
    complete(app)
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Every area's routes; FastAPI works them out at the first request, for all applications."""
    whole = FastAPI(openapi_url=None)
    chat = (conversation_api.router, handover_api.router, chat_stream.router)
    case = (desk_api.router, knowledge_api.router, desk_stream.router)
    programs = (api.router, correction_pages.router, *chat, *case)
    staff = (login.router, way_back.router, openid.router, desk.router, sidebar.router, studio)
    customers = (widget.router, followup_pages.router, help_site.router)
    house = (health.router, docs.router, rebuilding.router)
    for router in (*house, *programs, *staff, *customers):
        whole.include_router(router)
    return tuple(whole.router.routes)


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
    translations = partial(keep_board, services.engine)
    days = services.settings.question_days
    jobs = {
        "readings": Readings(services.engine, services.index.vectors.questions, days).tick,
        "audit": app.state.auditor.tick,
        "contradictions": app.state.collator.tick,
        "translations": translations,
    }
    clock = Clock(app.state.assistant, partial(case_json, services), jobs)
    ticking = threading.Thread(target=clock.run, args=(stop,), daemon=True)
    ticking.start()
    feed: Feed = app.state.feed
    feed.start(asyncio.get_running_loop())
    _stop_on_signals(feed)
    yield
    feed.stop()
    stop.set()
    watcher.join(timeout=5)
    ticking.join(timeout=5)
    feed.join()


def _stop_on_signals(feed: Feed) -> None:
    """A server that is told to stop waits for its open streams, so they must hear of it too."""
    if threading.current_thread() is not threading.main_thread():
        return
    for asked in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(asked)

        def stop(number: int, frame: FrameType | None, before: Any = before) -> None:
            feed.stop()
            if callable(before):
                before(number, frame)

        signal.signal(asked, stop)
