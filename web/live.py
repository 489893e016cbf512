"""Waking open streams the moment something is written, by this process or another.

PostgreSQL says so itself (LISTEN); an SQLite file has a number that every commit by another
connection changes. Either way what is sent is read from the store: nothing lost, nothing twice.
"""

import asyncio
import json
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from fastapi.responses import StreamingResponse
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from assistant.live import WAKE, events_after, last_event
from kb.db import reading

# Seconds between looks at an SQLite file: with watchers, and without.
LOOK, IDLE_LOOK = 0.02, 0.25
BEAT_SECONDS = 15.0
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "Content-Language": "*",
}
ALL = "*"


@dataclass(frozen=True)
class Sent:
    """One server-sent event; without an id it is not repeated after a break."""

    event: str
    data: dict[str, Any]
    id: int | None = None

    def encoded(self) -> bytes:
        """The event as the wire has it."""
        head = f"id: {self.id}\n" if self.id is not None else ""
        text = json.dumps(self.data, ensure_ascii=False)
        return f"{head}event: {self.event}\ndata: {text}\n\n".encode()


# What there is to send after an event's id, and the id that is reached with it.
Load = Callable[[int], tuple[list[Sent], int]]


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


class Feed:
    """The open streams of this process, each woken by what concerns it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_stopping = False
        self._watchers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._last = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look from now on."""
        self._loop = loop
        with reading(self.engine) as session:
            self._last = last_event(session)
        self._thread = threading.Thread(target=self._watch, name="live-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let go of every open stream, so that the server can end."""
        self.is_stopping = True
        self._call(set(self._watchers))

    def join(self) -> None:
        """Wait until the database is no longer looked at."""
        if self._thread:
            self._thread.join(timeout=5)

    def _call(self, conversations: set[str]) -> None:
        if self._loop and not self._loop.is_closed():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake, conversations)

    @contextmanager
    def watching(self, conversation_id: str = ALL) -> Iterator[asyncio.Event]:
        """An event that is set when that conversation, or any, has moved."""
        woken = asyncio.Event()
        self._watchers[conversation_id].add(woken)
        try:
            yield woken
        finally:
            self._watchers[conversation_id].discard(woken)
            if not self._watchers[conversation_id]:
                del self._watchers[conversation_id]

    def _wake(self, conversations: set[str]) -> None:
        for conversation_id in conversations | {ALL}:
            for woken in self._watchers.get(conversation_id, ()):
                woken.set()

    def _watch(self) -> None:
        while not self.is_stopping:
            # The database may be away for a moment; streams stay open until it is back.
            with suppress(psycopg.Error, sqlite3.Error, SQLAlchemyError):
                self._watch_while_it_lasts()
            if not self.is_stopping:
                time.sleep(1)

    def _watch_while_it_lasts(self) -> None:
        with closing(_bell_of(self.engine)) as bell:
            self._look()
            while not self.is_stopping:
                if bell.rings(LOOK if self._watchers else IDLE_LOOK):
                    self._look()

    def _look(self) -> None:
        with reading(self.engine) as session:
            events = events_after(session, self._last)
        if events:
            self._last = events[-1].id or self._last
            self._call({event.conversation_id for event in events})


class Bell(Protocol):
    """Rings when something may have been written."""

    def rings(self, seconds: float) -> bool:
        """Whether it did, after so many seconds at most."""

    def close(self) -> None:
        """Let go of the database."""


def _bell_of(engine: Engine) -> Bell:
    return Listening(engine) if engine.dialect.name == "postgresql" else Looking(engine)


class Listening:
    """PostgreSQL wakes whoever listens, at the commit."""

    def __init__(self, engine: Engine) -> None:
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute(f"LISTEN {WAKE}")

    def rings(self, seconds: float) -> bool:
        """Waits longer than asked to: nothing is looked at meanwhile."""
        return any(True for _ in self.connection.notifies(timeout=IDLE_LOOK, stop_after=1))

    def close(self) -> None:
        """Stop listening."""
        self.connection.close()


class Looking:
    """An SQLite file counts the commits of everybody but the one who looks."""

    def __init__(self, engine: Engine) -> None:
        self.connection = sqlite3.connect(engine.url.database or "", check_same_thread=False)
        self.seen = 0

    def rings(self, seconds: float) -> bool:
        """Whether the count has moved."""
        time.sleep(seconds)
        before = self.seen
        self.seen = self.connection.execute("PRAGMA data_version").fetchone()[0]
        return self.seen != before

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


def event_stream(
    feed: Feed,
    load: Load,
    last: int,
    conversation_id: str = ALL,
    beat: Callable[[], None] | None = None,
) -> EventStream:
    """Server-sent events from an event's id on; `beat` is called while the stream is open."""
    body = _body(feed, load, last, conversation_id, beat)
    return EventStream(body, headers=HEADERS)


async def _body(
    feed: Feed, load: Load, last: int, conversation_id: str, beat: Callable[[], None] | None
) -> AsyncIterator[bytes]:
    yield b"retry: 1500\n\n"
    beaten = time.monotonic()
    with feed.watching(conversation_id) as woken:
        while not feed.is_stopping:
            woken.clear()
            sent, last = await run_in_threadpool(load, last)
            for event in sent:
                yield event.encoded()
            if not sent and not await _woken(woken):
                yield b": beat\n\n"
            if beat and time.monotonic() - beaten >= BEAT_SECONDS:
                beaten = time.monotonic()
                await run_in_threadpool(beat)


async def _woken(woken: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(woken.wait(), BEAT_SECONDS)
    except TimeoutError:
        return False
    return True
