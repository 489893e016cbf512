"""Every article there is, live or not, as editors list it: filtered, sorted, page by page.

What a place (an article in one language) is, follows from its newest Revision and from what
is live of it; a row of the list is an article with all its places.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, func, or_, type_coerce
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from kb.articles import STATE_AFTER, Article, Review, Revision, tidy_tag
from kb.db import now
from kb.owners import Assignment, Owners
from kb.publishing import Publication, select_live

SORTS = ("changed", "title", "slug", "category")
PER_PAGE, PART = 50, 500
MOST_WORDS = 8
# The letters that Arabic keyboards write differently from Persian ones.
PERSIAN = str.maketrans("يكى", "یکی")


@dataclass(frozen=True)
class Filters:
    """What to list; an empty field asks for nothing."""

    q: str = ""
    state: str = ""
    category: str = ""
    audience: str = ""
    owner: str = ""
    tag: str = ""
    locale: str = ""
    sort: str = "changed"


@dataclass(frozen=True)
class Place:
    """An article in one language."""

    locale: str
    title: str
    newest: int
    newest_state: str
    changed_at: datetime
    live: int | None
    scheduled: int | None
    was_live: bool
    is_outdated: bool
    category: str
    audience: str
    owner: str
    tags: tuple[str, ...]
    verify_days: int | None

    @property
    def states(self) -> tuple[str, ...]:
        """What to say of it, the most important first."""
        found = ["live"] if self.live else []
        if self.scheduled:
            found.append("scheduled")
        if self.newest != self.live and self.newest_state != "approved":
            found.append(self.newest_state)
        elif self.newest not in (self.live, self.scheduled) and not self.was_live:
            found.append("approved")
        if self.was_live and not self.live:
            found.insert(0, "withdrawn")
        if self.is_outdated:
            found.append("outdated")
        return tuple(found)


@dataclass(frozen=True)
class Row:
    """An article as the list shows it, in the words of one of its languages."""

    article_id: int
    slug: str
    source_locale: str
    locale: str
    title: str
    category: str
    audience: str
    owner: str
    tags: tuple[str, ...]
    changed_at: datetime
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Choices:
    """What there is to filter by."""

    categories: tuple[str, ...]
    audiences: tuple[str, ...]
    owners: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class _Facts:
    """What publications and reviews say of some articles."""

    verdicts: dict[int, str]
    live: dict[tuple[int, str], int]
    scheduled: dict[tuple[int, str], int]
    ever: frozenset[tuple[int, str]]
    owners: Owners


def find_articles(session: Session, filters: Filters, reader: str) -> list[int]:
    """The ids that the filters leave, in order; `reader` is the language of the titles."""
    query = _sorted(_chosen(filters), filters, reader)
    return list(session.execute(query).scalars())


def ids_of(session: Session, slugs: list[str]) -> list[int]:
    """The articles of these slugs, in the order of their slugs; unknown ones are left out."""
    query = select(Article.id).where(col(Article.slug).in_(slugs)).order_by(Article.slug)
    return [id_ for id_ in session.exec(query) if id_ is not None]


def every_row(session: Session, ids: list[int], reader: str) -> Iterator[Row]:
    """The rows of a long list, read in parts."""
    for start in range(0, len(ids), PART):
        yield from rows_of(session, ids[start : start + PART], reader)


def rows_of(session: Session, ids: list[int], reader: str) -> list[Row]:
    """These articles, in this order, as read with six questions to the store."""
    query = select(Article).where(col(Article.id).in_(ids))
    articles = {article.id: article for article in session.exec(query)}
    newest = _newest_by_place(session, ids)
    facts = _read_facts(session, ids, newest)
    wordings: dict[int, list[Revision]] = defaultdict(list)
    for revision in newest:
        wordings[revision.article_id].append(revision)
    return [_row(articles[id_], wordings[id_], facts, reader) for id_ in ids if wordings[id_]]


def _row(article: Article, newest: list[Revision], facts: _Facts, reader: str) -> Row:
    def order(locale: str) -> tuple[bool, bool, str]:
        return (locale != reader, locale != article.source_locale, locale)

    places = _places(article, newest, facts)
    shown = min(newest, key=lambda revision: order(revision.locale))
    return Row(
        article_id=shown.article_id,
        slug=article.slug,
        source_locale=article.source_locale,
        locale=shown.locale,
        title=shown.title,
        category=shown.category,
        audience=shown.audience,
        owner=facts.owners.of(shown),
        tags=tuple(shown.tags),
        changed_at=max(place.changed_at for place in places),
        places=tuple(sorted(places, key=lambda p: (p.locale != article.source_locale, p.locale))),
    )


def places_of(session: Session, article: Article) -> tuple[Place, ...]:
    """One article in every language it has, the source first."""
    assert article.id is not None
    rows = rows_of(session, [article.id], article.source_locale)
    return rows[0].places if rows else ()


def choices(session: Session) -> Choices:
    """The categories, audiences, owners and tags that wordings have."""
    tags = {tag for tags in _distinct(session, Revision.tags) for tag in tags}
    owners = {*_distinct(session, Revision.owner), *_distinct(session, Assignment.owner)}
    return Choices(
        tuple(sorted(_distinct(session, Revision.category))),
        tuple(sorted(_distinct(session, Revision.audience))),
        tuple(sorted(owners - {""})),
        tuple(sorted(tags)),
    )


def _distinct(session: Session, column: Any) -> list[Any]:
    return list(session.execute(select(column).distinct()).scalars())


# -- choosing ----------------------------------------------------------------------


def _chosen(filters: Filters) -> Any:
    """The ids of the articles that the filters leave, each once."""
    clauses = list(_clauses(filters))
    if not clauses:
        return select(Article.id)
    return _newest_revisions(Revision.article_id).where(*clauses).distinct()


def _newest_revisions(*columns: Any) -> Any:
    """Of every place the newest Revision; an index alone tells that there is no newer one."""
    later = aliased(Revision)
    newer = select(later.id).where(
        later.article_id == Revision.article_id,
        later.locale == Revision.locale,
        later.version > Revision.version,
    )
    return select(*columns).where(~newer.exists())


def _clauses(filters: Filters) -> Iterator[Any]:
    if filters.owner:
        yield _is_owned_by(filters.owner)
    for name in ("category", "audience", "locale"):
        if wanted := getattr(filters, name):
            yield getattr(Revision, name) == wanted
    if filters.tag:
        tags = type_coerce(Revision.tags, String)
        yield tags.contains(f"\n{tidy_tag(filters.tag)}\n", autoescape=True)
    for word in filters.q.split()[:MOST_WORDS]:
        yield _holds(word)
    if filters.state in STATES:
        yield _STATES[filters.state](now())


def _is_owned_by(owner: str) -> Any:
    """Whom the wording names, unless somebody was put in their place."""
    newest = select(func.max(Assignment.id)).group_by(
        col(Assignment.article_id), col(Assignment.locale)
    )
    replaced = select(Assignment.id).where(
        col(Assignment.id).in_(newest),
        Assignment.article_id == Revision.article_id,
        Assignment.locale == Revision.locale,
        Assignment.instead_of == Revision.owner,
    )
    is_named = and_(col(Revision.owner) == owner, ~replaced.exists())
    return or_(is_named, replaced.where(Assignment.owner == owner).exists())


def _holds(word: str) -> Any:
    texts = [
        col(column).icontains(form, autoescape=True)
        for form in dict.fromkeys((word, word.translate(PERSIAN)))
        for column in (Revision.title, Revision.answer)
    ]
    slugs = select(Article.id).where(col(Article.slug).contains(word.lower(), autoescape=True))
    return or_(col(Revision.article_id).in_(slugs), *texts)


def _is_live(at: datetime) -> Any:
    return _of_place(select_live(at))


def _is_withdrawn(at: datetime) -> Any:
    return and_(_of_place(_ever_live(at)), ~_is_live(at))


def _is_scheduled(at: datetime) -> Any:
    return _of_place(_waiting(at))


def _is_draft(_at: datetime) -> Any:
    last = _last_verdict()
    return or_(last.is_(None), last == "changes_requested")


def _is_in_review(_at: datetime) -> Any:
    return _last_verdict() == "submitted"


def _is_approved(at: datetime) -> Any:
    """Approved, and never published nor about to be."""
    this = Publication.revision_id == Revision.id
    shown = or_(_of_place(_ever_live(at).where(this)), _of_place(_waiting(at).where(this)))
    return and_(_last_verdict().in_(("approved", "adopted")), ~shown)


def _is_outdated(at: datetime) -> Any:
    """A translation of an older version than the source's live (else newest) one."""
    source, text = aliased(Article), aliased(Revision)
    of_source = and_(
        col(text.article_id) == Revision.article_id, col(text.locale) == source.source_locale
    )
    live = select_live(at).with_only_columns(Publication.revision_id)
    shown = select(text.version).where(of_source, col(text.id).in_(live))
    newest = select(func.max(text.version)).where(of_source)
    either = [query.correlate(Revision, source).scalar_subquery() for query in (shown, newest)]
    current = select(func.coalesce(*either)).where(source.id == Revision.article_id)
    return and_(
        col(Revision.source_version).is_not(None),
        current.correlate(Revision).scalar_subquery() > Revision.source_version,
    )


_STATES = {
    "live": _is_live,
    "draft": _is_draft,
    "in_review": _is_in_review,
    "approved": _is_approved,
    "scheduled": _is_scheduled,
    "withdrawn": _is_withdrawn,
    "outdated": _is_outdated,
}
STATES = tuple(_STATES)


def _of_place(publications: Any) -> Any:
    here = publications.with_only_columns(Publication.id).where(
        Publication.article_id == Revision.article_id, Publication.locale == Revision.locale
    )
    return here.correlate(Revision).exists()


def _ever_live(at: datetime) -> Any:
    counted = or_(
        col(Publication.ended_at).is_(None), col(Publication.ended_at) > Publication.starts_at
    )
    return select(Publication).where(Publication.starts_at <= at, counted)


def _waiting(at: datetime) -> Any:
    return select(Publication).where(
        Publication.starts_at > at, col(Publication.ended_at).is_(None)
    )


def _last_verdict() -> Any:
    last = select(Review.verdict).where(Review.revision_id == Revision.id)
    return last.order_by(col(Review.id).desc()).limit(1).correlate(Revision).scalar_subquery()


# -- sorting -----------------------------------------------------------------------


def _sorted(chosen: Any, filters: Filters, reader: str) -> Any:
    """The chosen ids in order; ties end at the article's id."""
    found = chosen.subquery()
    id_ = found.c[0]
    if filters.sort == "slug":
        query = select(id_).join(Article, col(Article.id) == id_)
        return query.order_by(col(Article.slug))
    if filters.sort in ("title", "category"):
        return _by_words(id_, filters, reader)
    last = select(Revision.article_id, func.max(Revision.id).label("last"))
    lasts = last.group_by(col(Revision.article_id)).subquery()
    query = select(id_).join(lasts, lasts.c.article_id == id_)
    return query.order_by(lasts.c.last.desc())


def _by_words(id_: Any, filters: Filters, reader: str) -> Any:
    """By the newest words in the reader's language, else in the article's own."""
    read, own = aliased(Revision), aliased(Revision)
    query = (
        select(id_)
        .join(Article, col(Article.id) == id_)
        .outerjoin(read, _newest_in(read, id_, filters.locale or reader))
        .outerjoin(own, _newest_in(own, id_, Article.source_locale))
    )
    titles = func.lower(func.coalesce(read.title, own.title))
    categories = func.coalesce(read.category, own.category)
    order = (titles,) if filters.sort == "title" else (categories, titles)
    return query.order_by(*order, id_)


def _newest_in(of: Any, article_id: Any, locale: Any) -> Any:
    later = aliased(Revision)
    version = select(func.max(later.version)).where(
        later.article_id == article_id, later.locale == locale
    )
    return and_(
        of.article_id == article_id, of.locale == locale, of.version == version.scalar_subquery()
    )


# -- the facts of a page -------------------------------------------------------------


def _read_facts(session: Session, ids: list[int], newest: list[Revision]) -> _Facts:
    at = now()
    here = col(Publication.article_id).in_(ids)
    columns = (Publication.article_id, Publication.locale, Revision.version)
    of_revision = col(Revision.id) == col(Publication.revision_id)

    def versions(publications: Any) -> dict[tuple[int, str], int]:
        query = publications.with_only_columns(*columns).where(here).join(Revision, of_revision)
        return {(article_id, locale): n for article_id, locale, n in session.execute(query)}

    reviewed = select(Review.revision_id, Review.verdict).where(
        col(Review.revision_id).in_([revision.id for revision in newest])
    )
    return _Facts(
        {row[0]: row[1] for row in session.execute(reviewed.order_by(col(Review.id)))},
        versions(select_live(at)),
        versions(_waiting(at)),
        frozenset(versions(_ever_live(at))),
        Owners(session, ids),
    )


def _newest_by_place(session: Session, ids: list[int]) -> list[Revision]:
    query = _newest_revisions(Revision).where(col(Revision.article_id).in_(ids))
    return list(session.execute(query).scalars())


def _places(article: Article, newest: list[Revision], facts: _Facts) -> list[Place]:
    assert article.id is not None
    source = facts.live.get((article.id, article.source_locale)) or max(
        (r.version for r in newest if r.locale == article.source_locale), default=0
    )
    return [_place(revision, source, facts) for revision in newest]


def _place(revision: Revision, source: int, facts: _Facts) -> Place:
    key = (revision.article_id, revision.locale)
    assert revision.id is not None
    return Place(
        locale=revision.locale,
        title=revision.title,
        newest=revision.version,
        newest_state=STATE_AFTER.get(facts.verdicts.get(revision.id, ""), "draft"),
        changed_at=revision.created_at,
        live=facts.live.get(key),
        scheduled=facts.scheduled.get(key),
        was_live=key in facts.ever,
        is_outdated=revision.source_version is not None and source > revision.source_version,
        category=revision.category,
        audience=revision.audience,
        owner=facts.owners.of(revision),
        tags=tuple(revision.tags),
        verify_days=revision.verify_days,
    )
