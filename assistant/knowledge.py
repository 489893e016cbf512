"""How knowledge is used and looked after in a stretch of time: what KCS v6 counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, func, select

from assistant.changes import OPEN
from assistant.conversations import Conversation
from assistant.desk.kcs import ArticleUse, Flag
from assistant.handoffs import Handoff
from assistant.spans import DAY, Span, count_of
from kb.articles import Review, Revision
from kb.db import now
from kb.history import Event
from kb.publishing import Publication


@dataclass(frozen=True)
class Knowledge:
    """Counts of a span, and ages in days. `open_flags` and their ages are as of now."""

    cases: int
    linked: int
    uses: int
    used_articles: int
    open_flags: int
    flag_days: float | None
    oldest_flag_days: float | None
    publish_days: float | None
    created: int
    improved: int

    @property
    def link_rate(self) -> float | None:
        """Of the cases resolved, those with an article used or linked."""
        return self.linked / self.cases if self.cases else None

    @property
    def reuse(self) -> float | None:
        """How often an article that was used was used."""
        return self.uses / self.used_articles if self.used_articles else None


def knowledge(session: Session, span: Span, at: datetime | None = None) -> Knowledge:
    """What KCS counts; articles know no channel, so only cases are narrowed to one."""
    cases, linked = _cases(session, span)
    uses, used = _uses(session, span)
    ages = _flag_ages(session, span, at or now())
    return Knowledge(
        cases=cases,
        linked=linked,
        uses=uses,
        used_articles=used,
        open_flags=len(ages),
        flag_days=_median_days(ages),
        oldest_flag_days=max(ages) / DAY if ages else None,
        publish_days=_median_days(_times_to_publish(session, span)),
        created=_created(session, span),
        improved=_improved(session, span),
    )


def _cases(session: Session, span: Span) -> tuple[int, int]:
    """Cases that were resolved, and those of them with an article linked or used."""
    used = select(ArticleUse.id).where(col(ArticleUse.handoff_id) == col(Handoff.id))
    linked = count_of(or_(col(Handoff.revision_id).is_not(None), used.exists()))
    query: Any = select(func.count(), linked).where(span.holds(Handoff.resolved_at))
    query = query.join(Conversation, col(Conversation.id) == col(Handoff.conversation_id))
    if span.channel:
        query = query.where(Conversation.channel == span.channel)
    if span.locale:
        query = query.where(Handoff.locale == span.locale)
    cases, with_article = session.execute(query).one()
    return cases, int(with_article or 0)


def _uses(session: Session, span: Span) -> tuple[int, int]:
    """How often agents gave an article to a customer, and how many articles."""
    query: Any = select(func.count(), func.count(func.distinct(ArticleUse.article_id)))
    query = _in_language(query.select_from(ArticleUse), ArticleUse, span)
    uses, articles = session.execute(query.where(span.holds(ArticleUse.at))).one()
    return uses, articles


def _flag_ages(session: Session, span: Span, at: datetime) -> list[timedelta]:
    query = _in_language(select(col(Flag.at)).where(Flag.state == OPEN), Flag, span)
    return [at - since for since in session.execute(query).scalars()]


def _in_language(query: Any, model: Any, span: Span) -> Any:
    """Only what is about a wording in the span's language."""
    if not span.locale:
        return query
    query = query.join(Revision, col(Revision.id) == col(model.revision_id))
    return query.where(Revision.locale == span.locale)


def _created(session: Session, span: Span) -> int:
    query = select(func.count()).where(Event.kind == "created", span.holds(Event.at))
    if span.locale:
        query = query.where(Event.locale == span.locale)
    return session.exec(query).one()


def _improved(session: Session, span: Span) -> int:
    """Versions after the first that went live."""
    live = _first_live(span, Publication.revision_id)
    query = select(func.count()).select_from(Revision).join(live, live.c.revision_id == Revision.id)
    return session.exec(query.where(Revision.version > 1, span.holds(live.c.at))).one()


def _times_to_publish(session: Session, span: Span) -> list[timedelta]:
    """From an article's first draft in a language to the first time it was live in it.

    Files that were adopted had their first draft elsewhere, and are left out.
    """
    place = Revision.article_id, Revision.locale
    live = _first_live(span, Publication.article_id, Publication.locale)
    here = live.c.article_id == Revision.article_id, live.c.locale == Revision.locale
    adopted = select(Review.id).where(
        col(Review.revision_id) == col(Revision.id), Review.verdict == "adopted"
    )
    query: Any = select(func.min(Revision.created_at), func.min(live.c.at))
    query = (
        query.select_from(Revision)
        .join(live, here[0] & here[1])
        .where(span.holds(live.c.at))
        .group_by(*place)
        .having(func.coalesce(count_of(adopted.exists()), 0) == 0)
    )
    return [max(at - drafted, timedelta(0)) for drafted, at in session.execute(query)]


def _first_live(span: Span, *of: Any) -> Any:
    """When each of them was live first; what was called off before it began never was."""
    began = or_(
        col(Publication.ended_at).is_(None),
        col(Publication.ended_at) > col(Publication.starts_at),
    )
    query: Any = select(func.min(Publication.starts_at).label("at")).add_columns(*of)
    query = query.where(began).group_by(*of)
    if span.locale:
        query = query.where(Publication.locale == span.locale)
    return query.subquery()


def _median_days(lengths: Iterable[timedelta]) -> float | None:
    days = [length / DAY for length in lengths]
    return median(days) if days else None
