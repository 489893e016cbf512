"""What is live, listed: for help sites, feeds and the API."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from kb.articles import Revision, find_article, find_revision
from kb.audiences import Audiences
from kb.errors import NotFound
from kb.publishing import Publication, live_answers, live_publications


@dataclass(frozen=True)
class Page:
    """Part of a list; `next` is what to send as `after` for the rest, None at the end."""

    items: list[Publication]
    total: int
    next: str | None


def list_live(
    session: Session, locale: str, audiences: Audiences, limit: int, after: str = ""
) -> Page:
    """Live articles with wording in that locale, by slug."""
    found = [p for p in live_answers(session, audiences) if p.locale == locale]
    found.sort(key=lambda p: p.article.slug)
    rest = [p for p in found if p.article.slug > after]
    more = rest[limit - 1].article.slug if len(rest) > limit else None
    return Page(rest[:limit], len(found), more)


def live_in(
    session: Session, slug: str, locale: str, locales: list[str], audiences: Audiences
) -> Publication:
    """What shows of an article to a reader of that locale, in another where it has none.

    Raises NotFound, whatever the reason.
    """
    article = find_article(session, slug)
    if article is None or article.id is None:
        raise NotFound(f"there is no article {slug[:120]!r}")
    live = {p.locale: p for p in live_publications(session, None, audiences, [article.id])}
    for code in (locale, *locales):
        if code in live:
            return live[code]
    raise NotFound(f"there is no article {slug[:120]!r}")


def published_version(
    session: Session, slug: str, locale: str, version: int, audiences: Audiences
) -> Revision:
    """A version that these audiences could once read. Raises NotFound otherwise."""
    article = find_article(session, slug)
    revision = find_revision(session, article, locale, version) if article else None
    if revision is None or not _was_live(session, revision, audiences):
        raise NotFound(f"there is no version {version} of {slug[:120]!r} in {locale[:40]!r}")
    return revision


def _was_live(session: Session, revision: Revision, audiences: Audiences) -> bool:
    query = select(Publication).where(
        Publication.revision_id == revision.id, col(Publication.start_recorded).is_(True)
    )
    if audiences is not None:
        query = query.where(col(Publication.audience).in_(list(audiences)))
    return any(not publication.was_cancelled for publication in session.exec(query))
