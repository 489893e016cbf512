"""Many articles at once: planned first, then done one article after the other.

    planned ─begin→ running ─last article done→ finished

Each article is one transaction that also writes down what became of it. Whoever crashes half-way
leaves every article whole, and whoever comes next goes on with the first that is not done.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Engine, Index
from sqlmodel import Field, Session, SQLModel, col, func, select

from kb.articles import (
    STATE_AFTER,
    Article,
    Review,
    Revision,
    Wording,
    check_wording,
    find_article,
    latest_revision,
)
from kb.db import UtcDateTime, now, reading, transaction
from kb.errors import Conflict, Invalid, VerbatimError
from kb.people import Person, require
from kb.publishing import Publication, draft, publish, select_live, submit, withdraw

ACTIONS = {"submit": "write", "publish": "publish", "withdraw": "publish", "change": "write"}
CHANGEABLE = ("category", "audience", "owner", "tags", "verify_days")
MOST = 5_000
DONE, REFUSED = "done", "refused"


class BulkJob(SQLModel, table=True):
    """What somebody wants done to many articles; `data` holds the fields to change."""

    id: int | None = Field(default=None, primary_key=True)
    action: str
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    by_id: int = Field(foreign_key="person.id")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)


class BulkItem(SQLModel, table=True):
    """One article of a job in one locale, and what became of it."""

    __table_args__ = (Index("ix_bulkitem_job", "job_id", "outcome"),)

    id: int | None = Field(default=None, primary_key=True)
    job_id: int = Field(foreign_key="bulkjob.id")
    slug: str
    locale: str
    outcome: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Step:
    """What would happen to an article in one locale; `refused` says why nothing will."""

    slug: str
    locale: str
    version: int
    title: str
    refused: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    total: int
    done: int
    refused: int

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.done + self.refused >= self.total


# -- planning ------------------------------------------------------------------------


def plan(
    session: Session,
    action: str,
    slugs: Iterable[str],
    by: Person,
    changes: dict[str, Any] | None = None,
    locale: str = "",
) -> list[Step]:
    """What will happen to each, and what is refused and why; nothing is changed."""
    chosen = list(dict.fromkeys(slugs))
    _check(action, chosen, by, changes or {})
    facts = _facts_of(session, chosen, locale)
    return [
        Step(
            facts.slugs[r.article_id],
            r.locale,
            r.version,
            r.title,
            facts.why_not(action, r, changes),
        )
        for r in facts.revisions
    ]


def _check(action: str, slugs: list[str], by: Person, changes: dict[str, Any]) -> None:
    if action not in ACTIONS:
        raise Invalid(f"action is one of {', '.join(ACTIONS)}", "action")
    require(by, ACTIONS[action])
    if len(slugs) > MOST:
        raise Invalid(f"choose up to {MOST} articles at once", "article")
    if action == "change" and not set(changes) & set(CHANGEABLE):
        raise Invalid("say what should change", "changes")


@dataclass(frozen=True)
class _Newest:
    """The newest wording of an article in a locale, without its words."""

    id: int
    article_id: int
    locale: str
    version: int
    title: str
    state: str
    facts: dict[str, Any]

    @property
    def place(self) -> tuple[int, str]:
        """Where it is."""
        return self.article_id, self.locale

    @property
    def wording(self) -> Wording:
        """Its facts around other words: enough to see what changing facts does."""
        return Wording(self.title, self.title, "", (), **self.facts).tidied()


@dataclass(frozen=True)
class _Facts:
    """What is known of some articles, read at once; places are article and locale."""

    slugs: dict[int, str]
    revisions: list[_Newest]
    live: dict[tuple[int, str], int]
    waiting: set[tuple[int, str]]

    def why_not(self, action: str, revision: _Newest, changes: dict[str, Any] | None) -> str:
        """A word for why a step is impossible, empty when it is not."""
        if action == "submit":
            return "" if revision.state == "draft" else f"is_{revision.state}"
        if action == "publish" and self.live.get(revision.place) == revision.id:
            return "is_live"
        if action == "publish":
            return "" if revision.state == "approved" else "not_approved"
        if action == "withdraw":
            is_there = revision.place in self.live or revision.place in self.waiting
            return "" if is_there else "not_live"
        return _why_not_changed(revision.wording, changes or {})


def _why_not_changed(wording: Wording, changes: dict[str, Any]) -> str:
    try:
        changed = changed_wording(wording, changes)
        check_wording(changed)
    except Invalid:
        return "invalid"
    return "same" if changed.sha256 == wording.sha256 else ""


def _facts_of(session: Session, slugs: list[str], locale: str) -> _Facts:
    chosen = select(Article.id, Article.slug).where(col(Article.slug).in_(slugs))
    articles = {id_: slug for id_, slug in session.exec(chosen) if id_}
    here = (Publication.article_id, Publication.locale)
    live = select_live(now()).with_only_columns(*here, Publication.revision_id)
    waiting = select(*here).where(
        col(Publication.starts_at) > now(), col(Publication.ended_at).is_(None)
    )
    of_these = col(Publication.article_id).in_(articles)
    place = {slug: n for n, slug in enumerate(slugs)}
    return _Facts(
        articles,
        sorted(
            _newest_of(session, list(articles), locale),
            key=lambda r: (place[articles[r.article_id]], r.locale),
        ),
        {(a, code): id_ for a, code, id_ in session.execute(live.where(of_these))},
        {(a, code) for a, code in session.execute(waiting.where(of_these))},
    )


def _newest_of(session: Session, ids: list[int], locale: str) -> list[_Newest]:
    newest = select(func.max(Revision.id)).where(col(Revision.article_id).in_(ids))
    if locale:
        newest = newest.where(Revision.locale == locale)
    newest = newest.group_by(col(Revision.article_id), col(Revision.locale))
    of_these = select(Review.revision_id, Review.verdict).where(col(Review.revision_id).in_(newest))
    verdicts = dict(session.exec(of_these.order_by(col(Review.id))).all())
    names = ("id", "article_id", "locale", "version", "title")
    columns = [getattr(Revision, name) for name in (*names, *CHANGEABLE)]
    rows = session.execute(select(*columns).where(col(Revision.id).in_(newest)))
    return [
        _Newest(
            **{name: getattr(row, name) for name in names},
            state=STATE_AFTER.get(verdicts.get(row.id, ""), "draft"),
            facts={name: getattr(row, name) for name in CHANGEABLE} | {"tags": tuple(row.tags)},
        )
        for row in rows
    ]


def changed_wording(wording: Wording, changes: dict[str, Any]) -> Wording:
    """The wording with other facts around the same words."""
    kept = {name: value for name, value in changes.items() if name in CHANGEABLE}
    if "tags" in kept:
        kept["tags"] = tuple(kept["tags"])
    return replace(wording, **kept).tidied()


# -- doing ---------------------------------------------------------------------------


def begin(
    session: Session, action: str, steps: Iterable[Step], by: Person, changes: dict[str, Any]
) -> BulkJob:
    """A job for all that was not refused. Raises Conflict when that is nothing."""
    require(by, ACTIONS[action])
    wanted = [step for step in steps if not step.refused]
    if not wanted:
        raise Conflict("there is nothing to do")
    assert by.id is not None
    job = BulkJob(action=action, data=changes, by_id=by.id)
    session.add(job)
    session.flush()
    assert job.id is not None
    session.add_all(BulkItem(job_id=job.id, slug=s.slug, locale=s.locale) for s in wanted)
    session.flush()
    return job


def has_work(session: Session) -> bool:
    """Whether a job is unfinished; a cheap look."""
    unfinished = select(BulkJob.id).where(col(BulkJob.finished_at).is_(None))
    return session.exec(unfinished.limit(1)).first() is not None


def work(engine: Engine, most: int = 50) -> int:
    """Do up to so many articles of the oldest unfinished job; how many were done."""
    for done in range(most):
        with reading(engine) as session:
            if not has_work(session):
                return done
        with transaction(engine) as session:
            _do_next(session)
    return most


def _do_next(session: Session) -> None:
    """The first article that is not done, in all its locales; or the job is finished."""
    unfinished = select(BulkJob).where(col(BulkJob.finished_at).is_(None))
    job = session.exec(unfinished.order_by(col(BulkJob.id)).limit(1)).first()
    if job is None:
        return
    left = select(BulkItem).where(BulkItem.job_id == job.id, BulkItem.outcome == "")
    first = session.exec(left.order_by(col(BulkItem.id)).limit(1)).first()
    if first is None:
        job.finished_at = now()
        session.add(job)
        return
    by = session.get(Person, job.by_id)
    assert by is not None
    for item in session.exec(left.where(BulkItem.slug == first.slug)).all():
        item.outcome, item.detail = _attempt(session, job, item, by)
        session.add(item)


def _attempt(session: Session, job: BulkJob, item: BulkItem, by: Person) -> tuple[str, str]:
    try:
        with session.begin_nested():
            _act(session, job, item, by)
    except VerbatimError as error:
        return REFUSED, str(error)
    return DONE, ""


def _act(session: Session, job: BulkJob, item: BulkItem, by: Person) -> None:
    article = find_article(session, item.slug)
    revision = latest_revision(session, article.id or 0, item.locale) if article else None
    if article is None or revision is None:
        raise Conflict(f"{item.slug} is gone")
    if job.action == "submit":
        submit(session, revision, by)
    elif job.action == "publish":
        publish(session, revision, by)
    elif job.action == "withdraw":
        withdraw(session, article, item.locale, by)
    else:
        wording = changed_wording(revision.wording, job.data)
        draft(
            session, item.slug, item.locale, wording, by, revision.version, revision.source_version
        )


# -- looking -------------------------------------------------------------------------


def progress_of(session: Session, job: BulkJob) -> Progress:
    """How far it is."""
    query = select(BulkItem.outcome, func.count()).where(BulkItem.job_id == job.id)
    counts = dict(session.exec(query.group_by(BulkItem.outcome)).all())
    return Progress(sum(counts.values()), counts.get(DONE, 0), counts.get(REFUSED, 0))


def refused_of(session: Session, job: BulkJob, most: int = 100) -> list[BulkItem]:
    """What could not be done, and why."""
    query = select(BulkItem).where(BulkItem.job_id == job.id, BulkItem.outcome == REFUSED)
    return list(session.exec(query.order_by(col(BulkItem.id)).limit(most)))
