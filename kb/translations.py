"""Whether a translation still says what its source says, and in which facts it does not."""

from typing import Any

from sqlmodel import Session

from kb.agreement import Difference, Text, differing_facts
from kb.articles import Article, Revision, find_revision, latest_revision
from kb.publishing import live_publication

FIELDS = ("title", "answer", "body")


def is_outdated(session: Session, article: Article, revision: Revision) -> bool:
    """The live source has moved on since this translation was written; it is still served."""
    if revision.locale == article.source_locale or revision.source_version is None:
        return False
    source = source_of(session, article)
    return source is not None and source.version > revision.source_version


def source_of(session: Session, article: Article) -> Revision | None:
    """What translators translate: the source as it is live, else its newest version."""
    assert article.id is not None
    live = live_publication(session, article.id, article.source_locale)
    return live.revision if live else latest_revision(session, article.id, article.source_locale)


def translated_source(session: Session, article: Article, revision: Revision) -> Revision | None:
    """The version of the source that a translation was made from."""
    if revision.source_version is None:
        return None
    return find_revision(session, article, article.source_locale, revision.source_version)


def warnings_for(session: Session, revision: Revision) -> list[Difference]:
    """Facts in which a translation differs from the source that is to stand beside it."""
    if revision.locale == revision.article.source_locale:
        return []
    source = source_of(session, revision.article)
    return differences_between(source, revision) if source else []


def differences_between(source: Any, target: Any) -> list[Difference]:
    """The same for two wordings; each has a locale, title, answer and body."""
    return [
        difference
        for field in FIELDS
        for difference in differing_facts(
            Text(getattr(source, field), source.locale),
            Text(getattr(target, field), target.locale),
            field,
        )
    ]
