"""Whether a translation still says what its source says."""

from sqlmodel import Session

from kb.articles import Article, Revision, latest_revision
from kb.publishing import live_publication


def is_outdated(session: Session, article: Article, revision: Revision) -> bool:
    """The live source has moved on since this translation was written; it is still served."""
    if revision.locale == article.source_locale or revision.source_version is None:
        return False
    assert article.id is not None
    live = live_publication(session, article.id, article.source_locale)
    source = live.revision if live else latest_revision(session, article.id, article.source_locale)
    return source is not None and source.version > revision.source_version
