"""Agents are a channel too: where they changed an approved answer before they sent it.

For coaches and editors: many changes to one answer say that the answer is wrong, not the agents. So
it is counted by article, and nobody is ranked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, case, col, func, select

from assistant.desk.kcs import ArticleUse
from kb.articles import Revision
from kb.db import now

RECENT = timedelta(days=30)


@dataclass(frozen=True)
class Habit:
    """How often an article was given by agents lately, and how often in other words."""

    article_id: int
    used: int
    changed: int


@dataclass(frozen=True)
class Deviation:
    """One answer as it was approved and as it was sent."""

    at: datetime
    revision: Revision
    sent: str


def habits(session: Session, limit: int = 20, at: datetime | None = None) -> list[Habit]:
    """Articles that agents changed in the last 30 days, the most changed first."""
    changed = func.sum(case((col(ArticleUse.text).is_not(None), 1), else_=0))
    query = (
        select(ArticleUse.article_id, func.count(), changed)
        .where(ArticleUse.at > (at or now()) - RECENT)
        .group_by(col(ArticleUse.article_id))
        .having(changed > 0)
        .order_by(changed.desc(), col(ArticleUse.article_id))
        .limit(limit)
    )
    return [Habit(id_, used, int(count)) for id_, used, count in session.exec(query)]


def deviations(session: Session, article_id: int, limit: int = 5) -> list[Deviation]:
    """The latest changes to an article's answer."""
    query = (
        select(ArticleUse, Revision)
        .join(Revision, col(Revision.id) == ArticleUse.revision_id)
        .where(ArticleUse.article_id == article_id, col(ArticleUse.text).is_not(None))
        .order_by(col(ArticleUse.id).desc())
        .limit(limit)
    )
    return [Deviation(use.at, revision, use.text or "") for use, revision in session.exec(query)]
