"""Every transition of an Article and its Revisions: check, change, Event.

    Revision:  draft ─submit→ in_review ─approve→ approved     request_changes returns to draft
    Article:   unpublished ─publish→ live ─withdraw→ unpublished

Editing always starts a new draft beside the live wording. The Publication that
started last decides what is live in a locale: if it was withdrawn or has expired,
nothing is. A schedule needs no clockwork to be true, because being live is a
question about an instant; `apply_due` only writes it into history.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Index, Select, and_, or_, tuple_
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlmodel import Field, Relationship, Session, SQLModel, col, select

from kb import history
from kb.articles import (
    CONTROL,
    Article,
    Review,
    Revision,
    Wording,
    check_locale,
    check_slug,
    check_wording,
    find_article,
    insert_revision,
    latest_revision,
)
from kb.audiences import ASSISTANT, Audiences
from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid, NotAllowed
from kb.fact_uses import carry_uses, expand, folded, keep_uses, stale_names
from kb.people import Person, require

NOTE_LIMIT = 4000


class Publication(SQLModel, table=True):
    """The fact that a Revision is live for an audience since a time, by someone."""

    __table_args__ = (Index("ix_publication_place", "article_id", "locale", "starts_at"),)

    id: int | None = Field(default=None, primary_key=True)
    article_id: int = Field(foreign_key="article.id")
    revision_id: int = Field(foreign_key="revision.id")
    locale: str
    audience: str
    by_id: int = Field(foreign_key="person.id")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by_id: int | None = Field(default=None, foreign_key="person.id")
    start_recorded: bool = True
    expiry_recorded: bool = False

    revision: Revision = Relationship()
    article: Article = Relationship()

    @property
    def was_cancelled(self) -> bool:
        """Ended before it ever started, so that it never counted."""
        return self.ended_at is not None and self.ended_at <= self.starts_at

    def is_live(self, at: datetime) -> bool:
        """Whether it would show at that instant, if nothing started after it."""
        started = self.starts_at <= at and not self.was_cancelled
        ended = self.ended_at is not None and self.ended_at <= at
        expired = self.expires_at is not None and self.expires_at <= at
        return started and not ended and not expired


# -- transitions -----------------------------------------------------------------


def draft(
    session: Session,
    slug: str,
    locale: str,
    wording: Wording,
    by: Person,
    based_on: int | None = None,
    source_version: int | None = None,
    carries: bool = True,
) -> Revision:
    """A new draft of an article that may not exist yet; `{{name}}` becomes that shared fact.

    `based_on` is the version the editor started from: if somebody has written a newer
    one since, Conflict is raised and nothing is written. `carries` is for texts without
    placeholders: words of the version before that nobody touched are still the facts they were.
    """
    require(by, "write")
    check_slug(slug)
    check_locale(locale)
    expanded = expand(session, wording.tidied(), locale)
    wording, uses = expanded.wording, expanded.uses
    check_wording(wording)
    article = find_article(session, slug) or _create_article(session, slug, locale, by)
    assert article.id is not None
    newest = latest_revision(session, article.id, locale)
    if based_on is not None and based_on != (newest.version if newest else 0):
        raise Conflict(_overtaken(slug, locale, based_on, newest))
    if source_version is None:
        source_version = _source_version(session, article, locale)
    if newest and carries:
        uses = carry_uses(session, newest, wording, uses)
    revision = insert_revision(session, article, locale, wording, _id(by), source_version)
    keep_uses(session, revision, uses)
    _record(session, "drafted", by, revision, sha256=revision.sha256)
    return revision


def _create_article(session: Session, slug: str, locale: str, by: Person) -> Article:
    article = Article(slug=slug, source_locale=locale)
    session.add(article)
    session.flush()
    history.record(session, "created", by, article.id, locale, slug=slug)
    return article


def _overtaken(slug: str, locale: str, based_on: int, newest: Revision | None) -> str:
    now_at = f"version {newest.version}" if newest else "no version"
    return (
        f"{slug} ({locale}) now has {now_at}, not {based_on}; "
        "read it and send your change again, based on it"
    )


def _source_version(session: Session, article: Article, locale: str) -> int | None:
    """Which version of the source a translation written now translates."""
    if locale == article.source_locale:
        return None
    assert article.id is not None
    live = live_publication(session, article.id, article.source_locale)
    if live:
        return live.revision.version
    newest = latest_revision(session, article.id, article.source_locale)
    return newest.version if newest else None


def submit(
    session: Session,
    revision: Revision,
    by: Person,
    publishes: bool = False,
    at: datetime | None = None,
    expires: datetime | None = None,
) -> None:
    """Ask for a review of a draft; `publishes` asks to publish it with its approval."""
    require(by, "write")
    if publishes:
        _check_zones(at, expires)
        _check_order(at or now(), expires)
    asked = Review(
        verdict="submitted",
        by_id=_id(by),
        publishes=publishes,
        starts_at=at if publishes else None,
        expires_at=expires if publishes else None,
    )
    _review(session, revision, by, "draft", asked)


def request_changes(session: Session, revision: Revision, by: Person, note: str = "") -> None:
    """Send a Revision back to its author."""
    require(by, "approve")
    note = CONTROL.sub("", note).strip()
    if len(note) > NOTE_LIMIT:
        raise Invalid(f"a note has at most {NOTE_LIMIT} characters", "note")
    verdict = Review(verdict="changes_requested", by_id=_id(by), note=note)
    _review(session, revision, by, "in_review", verdict)


def approve(
    session: Session, revision: Revision, by: Person, publishes: bool | None = None
) -> Publication | None:
    """Approve somebody else's Revision. Raises NotAllowed for one's own.

    It is published at once when its submission asked for that; `publishes` overrules it.
    """
    require(by, "approve")
    if revision.author_id == by.id:
        raise NotAllowed("an author cannot approve their own wording; ask another publisher")
    asked = revision.submission
    _review(session, revision, by, "in_review", Review(verdict="approved", by_id=_id(by)))
    if asked is None or not (asked.publishes if publishes is None else publishes):
        return None
    return publish(session, revision, by, asked.starts_at, asked.expires_at)


def adopt(session: Session, revision: Revision, by: Person) -> None:
    """Take over an approval that was given elsewhere, as in a content repository."""
    require(by, "adopt")
    _review(session, revision, by, "draft", Review(verdict="adopted", by_id=_id(by)))


def _review(session: Session, revision: Revision, by: Person, needed: str, review: Review) -> None:
    if revision.state != needed:
        raise Conflict(f"version {revision.version} is {revision.state}, not {needed}")
    revision.reviews.append(review)
    session.add(revision)
    session.flush()
    _record(session, review.verdict, by, revision, note=review.note)


def publish(
    session: Session,
    revision: Revision,
    by: Person,
    at: datetime | None = None,
    expires: datetime | None = None,
    impact: dict[str, int] | None = None,
) -> Publication:
    """Make an approved Revision live, now or at a time, until an expiry if there is one.

    `impact` is what the publisher saw that it would change, and signed by publishing.

    An older version that waits to go live later is cancelled: it would undo this one.
    """
    require(by, "publish")
    _check_zones(at, expires)
    started = now()
    starts = at if at and at > started else started
    _check_publishable(session, revision, starts, expires)
    for waiting in _scheduled(session, revision.article_id, revision.locale, starts):
        if waiting.revision.version < revision.version:
            _end(session, waiting, started, by, "schedule_cancelled")
    publication = Publication(
        article_id=revision.article_id,
        revision_id=revision.id,  # type: ignore[arg-type]
        locale=revision.locale,
        audience=revision.audience,
        by_id=_id(by),
        starts_at=starts,
        expires_at=expires,
        start_recorded=starts <= started,
    )
    session.add(publication)
    session.flush()
    kind = "published" if publication.start_recorded else "scheduled"
    seen = {} if impact is None else {"impact": impact}
    _record(session, kind, by, revision, starts_at=starts.isoformat(), **seen)
    return publication


def _check_zones(*times: datetime | None) -> None:
    if any(time is not None and time.tzinfo is None for time in times):
        raise Invalid("a time needs its zone, such as 2030-01-31T09:00+01:00", "at")


def _check_order(starts: datetime, expires: datetime | None) -> None:
    if expires and expires <= starts:
        raise Invalid("the expiry must come after the start", "expires")


def _check_publishable(
    session: Session, revision: Revision, starts: datetime, expires: datetime | None
) -> None:
    if not revision.is_approved:
        raise Conflict(f"version {revision.version} is {revision.state}; have it approved first")
    if stale := stale_names(session, revision):
        raise Conflict(
            f"version {revision.version} states {', '.join(stale)} as it was before it changed; "
            "open it in the editor and save it again"
        )
    _check_order(starts, expires)
    live = live_publication(session, revision.article_id, revision.locale, starts)
    if live is None:
        return
    if live.revision.version > revision.version:
        raise Conflict(
            f"version {live.revision.version} is live by then and newer; "
            f"restore version {revision.version} as a new draft instead"
        )
    if live.revision_id == revision.id and live.expires_at == expires:
        raise Conflict(f"version {revision.version} is live by then already")


def cancel(session: Session, publication: Publication, by: Person) -> None:
    """Take back one Publication that has not started; what is live stays live."""
    require(by, "publish")
    at = now()
    if publication.starts_at <= at or publication.ended_at is not None:
        raise Conflict(f"version {publication.revision.version} is not scheduled any more")
    _end(session, publication, at, by, "schedule_cancelled")


def withdraw(session: Session, article: Article, locale: str, by: Person) -> None:
    """Take the wording in that locale, and what is scheduled to follow, off every channel."""
    require(by, "publish")
    assert article.id is not None
    at = now()
    live = live_publication(session, article.id, locale, at)
    waiting = _scheduled(session, article.id, locale, at)
    if live is None and not waiting:
        raise Conflict(f"{article.slug} is not live in {locale}")
    for publication in waiting:
        _end(session, publication, at, by, "schedule_cancelled")
    if live:
        _end(session, live, at, by, "withdrawn")


def _end(session: Session, publication: Publication, at: datetime, by: Person, kind: str) -> None:
    publication.ended_at, publication.ended_by_id = at, by.id
    publication.start_recorded = publication.expiry_recorded = True
    session.add(publication)
    session.flush()
    _record(session, kind, by, publication.revision)


def publish_again(session: Session, former: Publication, by: Person, epoch: int) -> Publication:
    """Make live what was live at an earlier epoch, for as long as it would have been."""
    at = now()
    publication = Publication(
        article_id=former.article_id,
        revision_id=former.revision_id,
        locale=former.locale,
        audience=former.audience,
        by_id=_id(by),
        starts_at=at,
        expires_at=former.expires_at,
    )
    session.add(publication)
    session.flush()
    data = {"starts_at": at.isoformat(), "rolled_back_to": epoch}
    _record(session, "published", by, former.revision, **data)
    return publication


def take_down(session: Session, publication: Publication, by: Person, kind: str) -> None:
    """End what is live as `withdrawn`, or what has not begun as `schedule_cancelled`."""
    _end(session, publication, now(), by, kind)


def restore(session: Session, revision: Revision, by: Person) -> Revision:
    """An old version's wording as a new draft, with what its shared facts are today.

    A translation still translates what it did.
    """
    return draft(
        session,
        revision.article.slug,
        revision.locale,
        folded(session, revision),
        by,
        source_version=revision.source_version,
    )


def apply_due(session: Session, at: datetime | None = None) -> int:
    """Write what the clock has made true into history; the number of Events."""
    at = at or now()
    starting = session.exec(
        select(Publication).where(
            col(Publication.start_recorded).is_(False), Publication.starts_at <= at
        )
    ).all()
    expiring = session.exec(
        select(Publication).where(
            col(Publication.expiry_recorded).is_(False), col(Publication.expires_at) <= at
        )
    ).all()
    due = [(p.starts_at, p.id, "went_live", p) for p in starting]
    due += [(p.expires_at, p.id, "expired", p) for p in expiring if p.expires_at]
    for _, _, kind, publication in sorted(due, key=lambda step: step[:2]):
        publication.start_recorded = True
        publication.expiry_recorded |= kind == "expired"
        session.add(publication)
        _record(session, kind, None, publication.revision)
    session.flush()
    return len(due)


def next_due(session: Session) -> datetime | None:
    """The earliest start or expiry that history has not recorded yet."""
    starts = select(Publication.starts_at).where(col(Publication.start_recorded).is_(False))
    ends = select(Publication.expires_at).where(
        col(Publication.expiry_recorded).is_(False), col(Publication.expires_at).is_not(None)
    )
    first = session.exec(starts.order_by(col(Publication.starts_at)).limit(1)).first()
    last = session.exec(ends.order_by(col(Publication.expires_at)).limit(1)).first()
    return min((t for t in (first, last) if t), default=None)


# -- what is live ----------------------------------------------------------------


def live_publications(
    session: Session,
    at: datetime | None = None,
    audiences: Iterable[str] | None = None,
    article_ids: Iterable[int] | None = None,
) -> list[Publication]:
    """What shows at that instant (now), by article and locale; None for audiences is all."""
    query = select_live(at or now())
    if audiences is not None:
        query = query.where(col(Publication.audience).in_(list(audiences)))
    if article_ids is not None:
        query = query.where(col(Publication.article_id).in_(list(article_ids)))
    query = query.options(
        selectinload(Publication.article),  # type: ignore[arg-type]
        selectinload(Publication.revision).options(  # type: ignore[arg-type]
            selectinload(Revision.phrasing_rows),  # type: ignore[arg-type]
            selectinload(Revision.reviews),  # type: ignore[arg-type]
            selectinload(Revision.verifications),  # type: ignore[arg-type]
        ),
    )
    return list(session.exec(query.order_by(Publication.article_id, Publication.locale)))


def live_answers(
    session: Session,
    audiences: Iterable[str] | None = None,
    article_ids: Iterable[int] | None = None,
) -> list[Publication]:
    """What shows now and answers questions: everything but the assistant's own phrases."""
    live = live_publications(session, None, audiences, article_ids)
    return [publication for publication in live if publication.audience != ASSISTANT]


def best_live(
    session: Session, article_ids: Iterable[int], locales: list[str], audiences: Audiences
) -> dict[int, Publication]:
    """What shows of each article, in the first of these locales that it has."""
    rank = {code: place for place, code in reversed(list(enumerate(locales)))}
    places = select_live(now()).with_only_columns(
        Publication.id, Publication.article_id, Publication.locale
    )
    places = places.where(
        col(Publication.article_id).in_(list(article_ids)), col(Publication.locale).in_(locales)
    )
    if audiences is not None:
        places = places.where(col(Publication.audience).in_(sorted(audiences)))
    chosen: dict[int, tuple[int, int]] = {}
    for id_, article_id, locale in session.execute(places):
        place = (rank[locale], id_)
        chosen[article_id] = min(place, chosen.get(article_id, place))
    query = select(Publication).where(col(Publication.id).in_([id_ for _, id_ in chosen.values()]))
    whole = query.options(joinedload(Publication.article), joinedload(Publication.revision))  # type: ignore[arg-type]
    return {publication.article_id: publication for publication in session.exec(whole)}


def live_publication(
    session: Session, article_id: int, locale: str, at: datetime | None = None
) -> Publication | None:
    """What shows of one article in one locale."""
    query = select_live(at or now()).where(
        Publication.article_id == article_id, Publication.locale == locale
    )
    found: Publication | None = session.exec(query).first()
    return found


def select_live(at: datetime) -> Any:
    """The query for the Publications that show at an instant, to be narrowed further."""
    later = aliased(Publication)
    overtaken = (
        select(later.id)
        .where(
            later.article_id == Publication.article_id,
            later.locale == Publication.locale,
            later.starts_at <= at,
            _counted(later),
            tuple_(later.starts_at, later.id) > tuple_(Publication.starts_at, Publication.id),
        )
        .exists()
    )
    query: Select[Any] = select(Publication).where(
        Publication.starts_at <= at,
        or_(col(Publication.ended_at).is_(None), col(Publication.ended_at) > at),
        or_(col(Publication.expires_at).is_(None), col(Publication.expires_at) > at),
        _counted(Publication),
        ~overtaken,
    )
    return query


def _counted(publication: Any) -> Any:
    return or_(publication.ended_at.is_(None), publication.ended_at > publication.starts_at)


def scheduled(session: Session, article_id: int, locale: str) -> list[Publication]:
    """What waits to go live in that locale, soonest first."""
    return sorted(_scheduled(session, article_id, locale, now()), key=lambda p: p.starts_at)


def _scheduled(session: Session, article_id: int, locale: str, at: datetime) -> list[Publication]:
    place = and_(col(Publication.article_id) == article_id, col(Publication.locale) == locale)
    waiting = select(Publication).where(
        place, Publication.starts_at > at, col(Publication.ended_at).is_(None)
    )
    return list(session.exec(waiting))


def _record(
    session: Session, kind: str, by: Person | None, revision: Revision, **data: Any
) -> None:
    history.record(
        session, kind, by, revision.article_id, revision.locale, revision.version, **data
    )


def _id(person: Person) -> int:
    assert person.id is not None
    return person.id
