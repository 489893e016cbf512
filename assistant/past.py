"""“What did you say on 3 March?” Any question asked again as of any moment.

What was live at that moment is laid out and searched as it is today, so the words are exactly
those of then; how sure one had to be is today's. What was really said, to whoever asked the same
at that time, is in the receipts, which come along.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from assistant.answering import OPTIONS, RELATED, Judged, judge
from assistant.personal import masked
from assistant.receipts import Receipt
from assistant.understanding import Question, understand
from kb.audiences import ASSISTANT, PUBLIC
from kb.db import now
from kb.errors import Invalid
from kb.publishing import live_publications
from retriever.index import Index, Level
from retriever.search import find_at, nothing_found

# Receipts of the same question so long before and after.
AROUND = timedelta(days=1)
RECORDED = 20
# No store is older; what a clock reads before this, calendars disagree about.
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Past:
    """What would have been replied at that moment, and what was replied around it."""

    at: datetime
    judged: Judged
    recorded: tuple[Receipt, ...]


def ask_past(
    session: Session,
    index: Index,
    text: str,
    locales: list[str],
    at: datetime,
    locale: str | None = None,
    audience: str = PUBLIC,
) -> Past:
    """The reply of that moment, which is not kept.

    Raises Invalid for the future, for a time before 1970, and without a zone.
    """
    if at.tzinfo is None:
        raise Invalid("a moment needs its zone, such as 2026-03-03T12:00+01:00", "at")
    if at > now():
        raise Invalid("that moment is still to come", "at")
    if at < BEGINNING:
        raise Invalid("there was no store before 1970; name a later moment", "at")
    question = understand(text, locale, locales)
    findings = nothing_found(index, session)
    if question.has_words:
        level = level_at(session, index, at)
        findings = find_at(
            None, level, question.search, question.language, audience, OPTIONS + RELATED
        )
        ids = [match.article_id for match in findings.matches]
        findings = replace(findings, live=level.live(ids, audience))
    judged = judge(session, index, question, findings, locales, audience)
    return Past(at, judged, _recorded(session, question, at, audience))


def level_at(session: Session, index: Index, at: datetime) -> Level:
    """What could be searched at that moment, beside the live Level, which stays as it is."""
    level, _ = index.level(session)
    present = {(d.article_id, d.locale): d.revision_id for d in level.documents}
    past = {
        (p.article_id, p.locale): p.revision
        for p in live_publications(session, at)
        if p.audience != ASSISTANT
    }
    other = [r for place, r in past.items() if present.get(place) != r.id]
    return index.imagine(level, other, [place for place in present if place not in past])


def _recorded(
    session: Session, question: Question, at: datetime, audience: str
) -> tuple[Receipt, ...]:
    query = (
        select(Receipt)
        .where(
            Receipt.question == masked(question.text),
            Receipt.audience == audience,
            col(Receipt.is_audit).is_(False),
            Receipt.issued_at > at - AROUND,
            Receipt.issued_at < at + AROUND,
        )
        .order_by(col(Receipt.issued_at))
        .limit(RECORDED)
    )
    return tuple(session.exec(query))
