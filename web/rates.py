"""How many requests a client may send, counted by all workers of one server together.

They share a small SQLite file, or one process keeps it in memory. A worker that is started
anew goes on counting where the others are.
"""

import os
import re
import sqlite3
import time
from pathlib import Path

from kb.errors import Invalid

# Between a server's workers: the file in which they count.
RATES_FILE = "VERBATIM_RATES_FILE"
RATE = re.compile(r"(\d{1,9})\s*(?:/|per)\s*(\d{1,6})?\s*(second|minute|hour|day)s?", re.I)
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
# Other workers are done within microseconds; a stuck one must not hold up every request.
PATIENCE = 0.05
# One request in so many also clears away what has left the window.
CLEARED_EVERY = 1000
TABLES = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS hit (
        client TEXT, number INTEGER, at REAL, PRIMARY KEY (client, number)
    ) WITHOUT ROWID;
"""
LAST = "SELECT coalesce(max(number), 0) FROM hit WHERE client = ?"
AT = "SELECT at FROM hit WHERE client = ? AND number = ?"


class RateLimiter:
    """A moving window: so many requests a client within so many seconds, none forgotten early.

    Raises Invalid at start for a limit it cannot read.
    """

    def __init__(self, rate: str) -> None:
        self.limit, self.window = parse_rate(rate)
        self.hits = 0
        if self.limit:
            self.store = _open(os.environ.get(RATES_FILE, ":memory:"))

    def wait(self, client: str) -> int:
        """Seconds until this client may ask again; 0 if now."""
        if not self.limit:
            return 0
        try:
            return self._wait(client, time.time())
        except sqlite3.Error:
            # A full disk or a stuck worker: answering too many beats answering nobody.
            return 0

    def _wait(self, client: str, now: float) -> int:
        self.store.execute("BEGIN IMMEDIATE")
        try:
            last = self.store.execute(LAST, (client,)).fetchone()[0]
            # The request that must have left the window before one more fits into it.
            oldest = self.store.execute(AT, (client, last + 1 - self.limit)).fetchone()
            if oldest and now - self.window < oldest[0] <= now:
                return max(1, round(float(oldest[0]) + self.window - now))
            self.store.execute("INSERT INTO hit VALUES (?, ?, ?)", (client, last + 1, now))
            self._clear(now)
            return 0
        finally:
            self.store.execute("COMMIT")

    def _clear(self, now: float) -> None:
        self.hits += 1
        if self.hits % CLEARED_EVERY == 0:
            self.store.execute("DELETE FROM hit WHERE at <= ?", (now - self.window,))


def parse_rate(rate: str) -> tuple[int, int]:
    """How many, in how many seconds; none for `off`. Raises Invalid."""
    if rate.lower() == "off":
        return 0, 0
    found = RATE.fullmatch(rate.strip())
    if not found or not int(found[1]) or found[2] == "0":
        raise Invalid(f"VERBATIM_RATE_LIMIT={rate} must be like 120/minute or off")
    return int(found[1]), int(found[2] or 1) * SECONDS[found[3].lower()]


def share_counts(folder: Path) -> None:
    """From now on count in a file there; made here, before the workers would all try."""
    os.environ[RATES_FILE] = str(folder / "rates.sqlite")
    _open(os.environ[RATES_FILE]).close()


def _open(path: str) -> sqlite3.Connection:
    # One loop asks in each process, though not always from the thread that opened it.
    store = sqlite3.connect(path, PATIENCE, isolation_level=None, check_same_thread=False)
    store.executescript(TABLES)
    return store
