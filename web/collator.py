"""Contradictions looked for by a running server: after a publication, and each night."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from assistant.audit import touched_since
from assistant.collation import collate
from assistant.contradictions import OFF
from kb.db import reading, transaction
from kb.history import Event, live_epoch, record
from kb.settings import Settings
from retriever.index import Index
from web.auditor import server_of

NIGHTLY = "contradictions_sought"
# Several publications in a row are looked at together.
QUIET = timedelta(seconds=5)


class Collator:
    """Looks once in a while whether articles have to be read against each other, on a thread."""

    def __init__(self, engine: Engine, index: Index, settings: Settings) -> None:
        self.engine, self.index, self.settings = engine, index, settings
        self._thread: threading.Thread | None = None
        self._seen: int | None = None

    def tick(self, at: datetime) -> None:
        """Begin what is due, unless it is switched off, one is running or nobody is served."""
        if self.settings.contradictions == OFF or server_of(self.settings) is None:
            return
        if self._thread and self._thread.is_alive():
            return
        if self._is_night(at):
            self._begin(self.all_of, at)
        elif touched := self._published(at):
            self._begin(self.some_of, touched)

    def _begin(self, work: object, *arguments: object) -> None:
        self._thread = threading.Thread(
            target=work,  # type: ignore[arg-type]
            args=arguments,
            name="collator",
            daemon=True,
        )
        self._thread.start()

    def all_of(self, at: datetime) -> None:
        """Read everything against everything, and note that it was done."""
        found = collate(self.engine, self.index)
        with transaction(self.engine) as session:
            record(session, NIGHTLY, None, night=self._night(at), open=found)

    def some_of(self, article_ids: Iterable[int]) -> None:
        """Read some articles against the rest."""
        collate(self.engine, self.index, article_ids)

    def _published(self, at: datetime) -> set[int]:
        with reading(self.engine) as session:
            newest = live_epoch(session)
            if self._seen is None:
                self._seen = newest
            moved = session.get(Event, newest) if newest > self._seen else None
            if moved is None or at - moved.at < QUIET:
                return set()
            touched = set(touched_since(session, self._seen))
        self._seen = newest
        return touched

    def _is_night(self, at: datetime) -> bool:
        """In the hour of the audits; and once in a store that nobody has looked through yet."""
        with reading(self.engine) as session:
            last = last_sought(session)
        if last is None:
            return self.index.is_ready
        is_hour = self._local(at).hour == self.settings.audit_hour
        return is_hour and last.data.get("night") != self._night(at)

    def _night(self, at: datetime) -> str:
        return f"{self._local(at):%Y-%m-%d}"

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.settings.desk_timezone))


def last_sought(session: Session) -> Event | None:
    """When everything was last read against everything."""
    query = select(Event).where(Event.kind == NIGHTLY)
    return session.exec(query.order_by(col(Event.id).desc()).limit(1)).first()
