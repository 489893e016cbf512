"""Every version of an article in one language: who wrote, reviewed and published it, and when."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from kb.articles import STATE_AFTER, Article, Review, Revision, Wording
from kb.people import Person
from kb.publishing import Publication


@dataclass(frozen=True)
class Verdict:
    """What somebody said of a version: submitted, approved, adopted or changes_requested."""

    verdict: str
    by: str
    at: datetime
    note: str


@dataclass(frozen=True)
class Period:
    """When a version was live, is or will be; no end where none is known."""

    starts_at: datetime
    ends_at: datetime | None
    by: str
    ended_by: str

    def is_now(self, at: datetime) -> bool:
        """Whether it holds at that instant."""
        return self.starts_at <= at and (self.ends_at is None or self.ends_at > at)


@dataclass(frozen=True)
class Version:
    """One version's life."""

    number: int
    title: str
    author: str
    created_at: datetime
    source_version: int | None
    verdicts: tuple[Verdict, ...]
    periods: tuple[Period, ...]

    @property
    def state(self) -> str:
        """`draft`, `in_review` or `approved`."""
        return STATE_AFTER.get(self.verdicts[-1].verdict, "draft") if self.verdicts else "draft"


def list_versions(session: Session, article: Article, locale: str) -> list[Version]:
    """Every version in that language, newest first, read with four questions to the store."""
    query = (
        select_columns(
            col(Revision.id),
            col(Revision.version),
            col(Revision.title),
            col(Revision.author_id),
            col(Revision.created_at),
            col(Revision.source_version),
        )
        .where(col(Revision.article_id) == article.id, col(Revision.locale) == locale)
        .order_by(col(Revision.version).desc())
    )
    revisions = session.execute(query).all()
    ids = [row.id for row in revisions]
    reviews = _by_revision(session, Review, ids)
    publications = _by_revision(session, Publication, ids)
    names = _names(session, revisions, reviews, publications)
    periods = _periods(publications, names)
    return [
        Version(
            row.version,
            row.title,
            names[row.author_id],
            row.created_at,
            row.source_version,
            tuple(Verdict(r.verdict, names[r.by_id], r.at, r.note) for r in reviews[row.id]),
            tuple(periods[row.id]),
        )
        for row in revisions
    ]


def _by_revision(session: Session, model: Any, ids: list[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in session.exec(select(model).where(model.revision_id.in_(ids)).order_by(model.id)):
        found[row.revision_id].append(row)
    return found


def _names(
    session: Session,
    revisions: Any,
    reviews: dict[int, list[Review]],
    publications: dict[int, list[Publication]],
) -> dict[int | None, str]:
    wanted: set[int | None] = {row.author_id for row in revisions}
    wanted |= {review.by_id for rows in reviews.values() for review in rows}
    for rows in publications.values():
        wanted |= {row.by_id for row in rows} | {row.ended_by_id for row in rows}
    query = select(Person.id, Person.name).where(col(Person.id).in_(wanted - {None}))
    return {row[0]: row[1] for row in session.execute(query)} | {None: ""}


def _periods(
    publications: dict[int, list[Publication]], names: dict[int | None, str]
) -> dict[int, list[Period]]:
    """Without those that were called off; a later start ends what showed before it."""
    every = [p for rows in publications.values() for p in rows if not p.was_cancelled]
    every.sort(key=lambda p: (p.starts_at, p.id or 0))
    found: dict[int, list[Period]] = defaultdict(list)
    for place, one in enumerate(every):
        later = every[place + 1].starts_at if place + 1 < len(every) else None
        ends = [end for end in (one.ended_at, one.expires_at, later) if end]
        end = min(ends, default=None)
        by = names[one.ended_by_id] if end and end == one.ended_at else ""
        found[one.revision_id].append(Period(one.starts_at, end, names[one.by_id], by))
    return found


def changed_fields(before: Wording, after: Wording) -> dict[str, tuple[str, str]]:
    """The fields in which two wordings differ, each as text before and after."""
    found: dict[str, tuple[str, str]] = {}
    for name in ("title", "answer", "body", "phrasings", "category", "audience", "owner", "tags"):
        old, new = _text(getattr(before, name)), _text(getattr(after, name))
        if old != new:
            found[name] = (old, new)
    if before.verify_days != after.verify_days:
        found["verify_days"] = (str(before.verify_days or ""), str(after.verify_days or ""))
    return found


def _text(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else "\n".join(value)
