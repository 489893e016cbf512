"""What waits for whom: drafts, reviews, schedules; light rows, without the long texts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from kb.articles import Article, Review, Revision
from kb.db import now
from kb.people import Person
from kb.publishing import Publication

MOST = 200


@dataclass(frozen=True)
class Task:
    """A Revision somebody has to see to; `at` and `by` are its last step."""

    slug: str
    locale: str
    version: int
    title: str
    category: str
    author_id: int
    author: str
    at: datetime
    by: str
    note: str = ""
    until: datetime | None = None
    publication_id: int | None = None

    @property
    def path(self) -> str:
        """The page of the revision, below the studio."""
        return f"/articles/{self.slug}/{self.locale}/{self.version}"


# sqlmodel's own is typed for four columns at most.
_columns: Any = select
Author, Actor = aliased(Person), aliased(Person)
COLUMNS: tuple[Any, ...] = (
    Article.slug,
    Revision.locale,
    Revision.version,
    Revision.title,
    Revision.category,
    Revision.author_id,
    Author.name,
)


def in_review(session: Session) -> list[Task]:
    """What waits for a decision, longest first, but for what a newer version has overtaken."""
    return _judged(session, _awaits_decision())


def count_to_review(session: Session, person: Person) -> int:
    """How much waits for this person's decision."""
    if not person.may("approve"):
        return 0
    query = select(func.count()).select_from(Review)
    query = query.join(Revision, col(Review.revision_id) == Revision.id)
    others = col(Revision.author_id) != person.id
    return session.exec(query.where(_awaits_decision(), ~_overruled(), others)).one()


def _awaits_decision() -> Any:
    newer, newer_review = aliased(Revision), aliased(Review)
    overtaken = (
        select(newer.id)
        .join(newer_review, col(newer_review.revision_id) == newer.id)
        .where(
            newer.article_id == Revision.article_id,
            newer.locale == Revision.locale,
            newer.version > Revision.version,
            newer_review.verdict.in_(("submitted", "approved")),  # type: ignore[attr-defined]
        )
        .exists()
    )
    return and_(col(Review.verdict) == "submitted", ~overtaken)


def sent_back(session: Session, author: Person) -> list[Task]:
    """The author's work that a reviewer wants changed, and nobody has rewritten since."""
    wanted = and_(
        col(Review.verdict) == "changes_requested",
        col(Revision.author_id) == author.id,
        _is_newest(),
    )
    return _judged(session, wanted)


def approved_unpublished(session: Session) -> list[Task]:
    """The newest wording of an article, approved and never published or scheduled."""
    published = select(Publication.id).where(col(Publication.revision_id) == Revision.id).exists()
    wanted = and_(col(Review.verdict).in_(("approved", "adopted")), ~published, _is_newest())
    return _judged(session, wanted)


def _judged(session: Session, wanted: Any) -> list[Task]:
    """Revisions whose last Review is like that, longest first."""
    query = (
        _columns(*COLUMNS, Review.at, Actor.name, Review.note)
        .select_from(Review)
        .join(Revision, col(Review.revision_id) == Revision.id)
        .join(Article, col(Revision.article_id) == Article.id)
        .join(Author, col(Revision.author_id) == Author.id)
        .join(Actor, col(Review.by_id) == Actor.id)
        .where(wanted, ~_overruled())
        .order_by(col(Review.at), col(Review.id))
        .limit(MOST)
    )
    return [Task(*row) for row in session.execute(query)]


def _overruled() -> Any:
    later = aliased(Review)
    newer = (later.revision_id == Review.revision_id, later.id > Review.id)  # type: ignore
    return select(later.id).where(*newer).exists()


def drafts_of(session: Session, author: Person) -> list[Task]:
    """The author's newest wordings that nobody has been asked to read, latest first."""
    reviewed = select(Review.id).where(col(Review.revision_id) == Revision.id).exists()
    query = (
        _columns(*COLUMNS, Revision.created_at, Author.name)
        .select_from(Revision)
        .join(Article, col(Revision.article_id) == Article.id)
        .join(Author, col(Revision.author_id) == Author.id)
        .where(Revision.author_id == author.id, ~reviewed, _is_newest())
        .order_by(col(Revision.id).desc())
        .limit(MOST)
    )
    return [Task(*row) for row in session.execute(query)]


def _is_newest() -> Any:
    newer = aliased(Revision)
    overtaken = select(newer.id).where(
        newer.article_id == Revision.article_id,
        newer.locale == Revision.locale,
        newer.version > Revision.version,
    )
    return ~overtaken.exists()


# -- what the clock will do ------------------------------------------------------------


def starting(session: Session, at: datetime | None = None) -> list[Task]:
    """What is scheduled to go live, soonest first; `at` is when, `by` who set it."""
    waits = and_(col(Publication.starts_at) > (at or now()), col(Publication.ended_at).is_(None))
    return _published(session, waits, Publication.starts_at, [col(Publication.starts_at)])


def ending(
    session: Session, before: datetime | None = None, at: datetime | None = None
) -> list[Task]:
    """What will expire, soonest first; `until` is when."""
    at = at or now()
    later = aliased(Publication)
    overtaken = select(later.id).where(
        later.article_id == Publication.article_id,
        later.locale == Publication.locale,
        later.starts_at <= at,
        or_(later.ended_at.is_(None), later.ended_at > later.starts_at),  # type: ignore
        later.id > Publication.id,  # type: ignore[operator]
    )
    wanted = [
        col(Publication.expires_at) > at,
        col(Publication.starts_at) <= at,
        col(Publication.ended_at).is_(None),
        ~overtaken.exists(),
    ]
    if before:
        wanted.append(col(Publication.expires_at) <= before)
    return _published(session, and_(*wanted), Publication.starts_at, [col(Publication.expires_at)])


def recently_published(session: Session, most: int = 20) -> list[Task]:
    """What went live last, newest first."""
    started = and_(
        col(Publication.starts_at) <= now(),
        or_(
            col(Publication.ended_at).is_(None),
            col(Publication.ended_at) > col(Publication.starts_at),
        ),
    )
    order = [col(Publication.starts_at).desc(), col(Publication.id).desc()]
    return _published(session, started, Publication.starts_at, order, most)


def _published(
    session: Session, wanted: Any, at: Any, order: Iterable[Any], most: int = MOST
) -> list[Task]:
    query = (
        _columns(*COLUMNS, at, Actor.name, Publication.expires_at, Publication.id)
        .select_from(Publication)
        .join(Revision, col(Publication.revision_id) == Revision.id)
        .join(Article, col(Publication.article_id) == Article.id)
        .join(Author, col(Revision.author_id) == Author.id)
        .join(Actor, col(Publication.by_id) == Actor.id)
        .where(wanted)
        .order_by(*order)
        .limit(most)
    )
    return [_scheduled(*row) for row in session.execute(query)]


def _scheduled(*row: Any) -> Task:
    return replace(Task(*row[:-2]), until=row[-2], publication_id=row[-1])


def is_brand_new(session: Session) -> bool:
    """Whether nobody has written anything yet."""
    return session.exec(select(func.min(Article.id))).one() is None
