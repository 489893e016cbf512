"""`verbatim audit`: do all channels say the same?"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
import uvicorn

from assistant.audit import AuditRun
from kb.errors import VerbatimError
from kb.settings import Settings
from web.app import create_app
from web.auditor import Server, audit_now, server_of, texts_of
from web.replies import iso
from web.services import opened_services, opened_store, start_index
from web.terminal import JsonOption, bar, each

SECONDS_TO_START = 60


def audit(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most questions to ask")] = 500,
    as_json: JsonOption = False,
) -> int:
    """Put questions to help site, chat, sidebar and API, and compare the answers."""
    settings = Settings()
    with _serving(settings) as server, opened_store(settings) as engine:
        run = audit_now(
            engine, settings, server, limit, "console", lambda q: each(q, "asking", "question")
        )
    if as_json:
        print(json.dumps(run_json(run), ensure_ascii=False, indent=2))
    else:
        print("\n".join(texts_of(run)))
    return 1 if run.is_incident else 0


def run_json(run: AuditRun) -> dict[str, Any]:
    """An audit as JSON has it."""
    return {
        "id": run.id,
        "kind": run.kind,
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "epoch": run.epoch,
        "questions": run.questions,
        "answered": run.answered,
        "checks": run.checks,
        "mismatches": run.mismatches,
        "result": run.result,
    }


@contextmanager
def _serving(settings: Settings) -> Iterator[Server]:
    """The server of this folder; without one, a server for as long as the audit takes."""
    running = server_of(settings)
    if running:
        yield running
        return
    with opened_services(settings) as services:
        start_index(services, bar)
        config = uvicorn.Config(create_app(services), port=0, log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            yield Server(_url_of(server), services.local_token)
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def _url_of(server: uvicorn.Server) -> str:
    waiting = threading.Event()
    for _ in range(SECONDS_TO_START * 20):
        if server.started:
            host, port = server.servers[0].sockets[0].getsockname()[:2]
            return f"http://{host}:{port}"
        waiting.wait(0.05)
    raise VerbatimError("the server for the audit did not start")
