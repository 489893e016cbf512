"""When somebody beside the writers could first see what a transaction wrote: its commit."""

import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

GLANCE = "SELECT count(*), count(ended_at) FROM publication"
EVERY = 0.005


class Sightings:
    """Looks at the publications of a store without pause, and notes when each came and ended.

    A time is that of the first look that saw it: never before its commit, milliseconds after.
    """

    def __init__(self, path: Path) -> None:
        self.came: dict[int, datetime] = {}
        self.ended: dict[int, datetime] = {}
        self._path, self._stop = path, threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> None:
        """See what is left to see, and look no more."""
        self._stop.set()
        self._thread.join(timeout=30)
        self._look()

    def _watch(self) -> None:
        last: object = None
        with closing(sqlite3.connect(self._path, timeout=30)) as store:
            while not self._stop.is_set():
                seen = store.execute(GLANCE).fetchone()
                if seen != last:
                    last = seen
                    self._note(store)
                time.sleep(EVERY)

    def _look(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=30)) as store:
            self._note(store)

    def _note(self, store: sqlite3.Connection) -> None:
        rows = store.execute("SELECT id, ended_at FROM publication").fetchall()
        now = datetime.now(UTC)
        for id_, ended in rows:
            self.came.setdefault(id_, now)
            if ended:
                self.ended.setdefault(id_, now)
