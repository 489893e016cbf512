"""A rebuild behind the live index: `verbatim reindex` asks the running server for it."""

import json
import logging
import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse

from kb.errors import Conflict
from retriever.index import Index
from web.api import Opened
from web.guards import is_local
from web.live import Feed

log = logging.getLogger("verbatim")
router = APIRouter()
# Of several workers one makes the vectors, which are everybody's; all answer meanwhile.
REBUILD = "/api/v1/index/events"
STOPPED = "the server was stopped; start it, and run this again"
FAILED = "the index could not be rebuilt, and the one before it stands; the server's log says why"


class _Stopped(Exception):
    """The server is told to end."""


class Rebuilder:
    """One rebuild at a time, which goes on when whoever asked for it has left."""

    def __init__(self, index: Index, feed: Feed) -> None:
        self.index, self.feed = index, feed
        self._busy = threading.Lock()

    def begin(self) -> Iterator[Any]:
        """What is done so far as `{label, done, total}`, and at last `{epoch}` or `{error}`.

        Raises Conflict while another is under way.
        """
        if not self._busy.acquire(blocking=False):
            raise Conflict("the index is being rebuilt already; wait until that is done")
        told: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=self._run, args=(told,), name="rebuild", daemon=True).start()
        return iter(told.get, None)

    def _run(self, told: "SimpleQueue[Any]") -> None:
        def progress(steps: Iterable[int], label: str, total: int) -> Iterable[int]:
            for step in steps:
                if self.feed.is_stopping:
                    raise _Stopped
                told.put({"label": label, "done": step, "total": total})
                yield step

        try:
            told.put({"epoch": self.index.rebuild(progress).epoch})
        except _Stopped:
            told.put({"error": STOPPED})
        except Exception:
            log.exception("the index could not be rebuilt")
            told.put({"error": FAILED})
        finally:
            self._busy.release()
            told.put(None)


@router.post(REBUILD, include_in_schema=False)
def rebuild(request: Request, services: Opened) -> StreamingResponse:
    """Begin one and tell how far it is, a JSON object a line."""
    if not is_local(request):
        raise HTTPException(403, "`verbatim reindex` on the server's machine may ask for this")
    rebuilder: Rebuilder = request.app.state.rebuilder
    lines = (json.dumps(step) + "\n" for step in rebuilder.begin())
    return StreamingResponse(lines, media_type="application/x-ndjson")
