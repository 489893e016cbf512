"""An impact being worked out: asked for, watched, read and signed, by any process of the server.

    waiting → running → finished          a process that ends leaves a run that has stalled

The run is a row, so that every worker can show how far it is and what was found.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, Engine
from sqlmodel import Field, Session, SQLModel, col, select

from assistant.impact import Difference, Impact, Kind, Named, Recorded, Told, recorded_questions
from assistant.impact import replay as replay_all
from kb.articles import Revision, load_revisions
from kb.db import UtcDateTime, now, reading, transaction
from kb.errors import Conflict
from kb.history import live_epoch
from kb.people import Person, require
from retriever.index import Index

# A run that has not moved for so long has lost its process.
STALLED = timedelta(seconds=60)
# How often what is done is written down.
BEAT_SECONDS = 0.5
# Differences that are kept and shown; the counts are of all.
KEPT = 3_000

log = logging.getLogger("verbatim")
# One at a time in a process: each lays out a whole state of the store.
_alone = threading.Lock()


class ImpactRun(SQLModel, table=True):
    """The recorded questions replayed for one Revision: how far it is, and what it found."""

    id: str = Field(default_factory=lambda: secrets.token_urlsafe(12), primary_key=True)
    revision_id: int = Field(foreign_key="revision.id", index=True)
    by_id: int = Field(foreign_key="person.id")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    moved_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # The last Event that the replay knew of which can change what customers are told.
    live_epoch: int = 0
    step: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    differences: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )

    @property
    def state(self) -> str:
        """`running`, `stalled`, `failed` or `finished`."""
        if self.finished_at:
            return "failed" if self.error else "finished"
        return "stalled" if now() - self.moved_at > STALLED else "running"

    @property
    def share(self) -> float:
        """How much of the present step is done, between 0 and 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def found(self, kind: Kind | None = None, locale: str | None = None) -> list[Difference]:
        """The differences of a kind and a locale, most asked first."""
        return [
            _difference(row)
            for row in self.differences
            if (kind is None or row["kind"] == kind)
            and (locale is None or row["question"]["locale"] == locale)
        ]


def start_run(
    engine: Engine, index: Index, locales: Sequence[str], revision: Revision, by: Person
) -> ImpactRun:
    """Begin to replay for a Revision, behind; a run that still moves is joined instead."""
    require(by, "publish")
    assert revision.id is not None
    assert by.id is not None
    with transaction(engine) as session:
        last = latest_run(session, revision)
        if last and last.state == "running":
            return last
        run = ImpactRun(revision_id=revision.id, by_id=by.id)
        session.add(run)
    work = threading.Thread(
        target=_work, args=(engine, index, list(locales), run.id), name="impact", daemon=True
    )
    work.start()
    return run


def latest_run(session: Session, revision: Revision) -> ImpactRun | None:
    """The last replay for a Revision."""
    query = select(ImpactRun).where(ImpactRun.revision_id == revision.id)
    newest = query.order_by(col(ImpactRun.created_at).desc(), col(ImpactRun.id))
    return session.exec(newest.limit(1)).first()


def is_stale(session: Session, run: ImpactRun) -> bool:
    """Whether something was published or withdrawn since, so that it may no longer be so."""
    return run.state == "finished" and live_epoch(session) != run.live_epoch


def signed_impact(session: Session, revision: Revision, run_id: str) -> dict[str, int]:
    """The counts that a publisher has seen. Raises Conflict unless they still hold."""
    run = session.get(ImpactRun, run_id)
    if run is None or run.revision_id != revision.id or run.state != "finished":
        raise Conflict("the impact was not worked out yet; replay the questions first")
    if is_stale(session, run):
        raise Conflict("the store has changed since the impact was worked out; replay it again")
    return run.counts


def run_now(
    engine: Engine,
    index: Index,
    locales: list[str],
    run_id: str,
    watch: Callable[[str, int, int], object] = lambda *_: None,
) -> None:
    """Work a run out, here and now, and write down how far it is and what it found."""
    beat = Beat(engine, run_id, watch)
    with _in_turn(beat), reading(engine) as session:
        beat.write(live_epoch=live_epoch(session))
        run = session.get(ImpactRun, run_id)
        assert run
        revision = load_revisions(session, [run.revision_id])[run.revision_id]
        level, _ = index.level(session)
        after = index.imagine(level, [revision], progress=beat)
        recorded = recorded_questions(session, locales)
        impact = replay_all(session, index, (level, after), recorded, locales, beat)
    beat.write(finished_at=now(), counts=impact.counts, differences=_rows(impact))


@contextmanager
def _in_turn(beat: "Beat") -> Iterator[None]:
    while not _alone.acquire(timeout=BEAT_SECONDS):
        beat.write(step="waiting")
    try:
        yield
    finally:
        _alone.release()


def _work(engine: Engine, index: Index, locales: list[str], run_id: str) -> None:
    try:
        run_now(engine, index, locales, run_id)
    except Exception:
        log.exception("the impact could not be worked out")
        with transaction(engine) as session:
            run = session.get(ImpactRun, run_id)
            if run:
                run.finished_at, run.error = now(), "failed"
                session.add(run)


class Beat:
    """Progress that is written into the run twice a second."""

    def __init__(
        self, engine: Engine, run_id: str, watch: Callable[[str, int, int], object]
    ) -> None:
        self._engine, self._run_id, self._watch = engine, run_id, watch
        self._last = 0.0

    def __call__(self, steps: Iterable[int], label: str, total: int) -> Iterable[int]:
        for number, step in enumerate(steps):
            yield step
            self._watch(label, number + 1, total)
            if time.monotonic() > self._last + BEAT_SECONDS:
                self.write(step=label, done=number + 1, total=total)

    def write(self, **facts: Any) -> None:
        """Write facts into the run; that it moves is one of them."""
        self._last = time.monotonic()
        with transaction(self._engine) as session:
            run = session.get(ImpactRun, self._run_id)
            assert run
            run.sqlmodel_update(facts | {"moved_at": now()})
            session.add(run)


def _rows(impact: Impact) -> list[dict[str, Any]]:
    return [asdict(difference) for difference in impact.differences[:KEPT]]


def _difference(row: dict[str, Any]) -> Difference:
    return Difference(
        Kind(row["kind"]), Recorded(**row["question"]), _told(row["before"]), _told(row["after"])
    )


def _told(told: dict[str, Any]) -> Told:
    return Told(told["outcome"], tuple(Named(**named) for named in told["articles"]))
