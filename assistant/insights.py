"""What customers asked in a stretch of time: when, where, about what, and what came of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlmodel import Session, col, func, select

from assistant.conversations import Conversation, Turn
from assistant.deflection import ABSTAINED, CLARIFY, QUIET, with_ending
from assistant.feedback import Feedback
from assistant.gaps import Gap, asked_before_a_person, folded_question
from assistant.handoffs import Handoff
from assistant.knowledge import Knowledge, knowledge
from assistant.receipts import Receipt
from assistant.spans import DAY, Span, asked_in, count_of
from kb.articles import Article, Revision
from kb.clocks import DayOf
from kb.db import now

# Within so long, asking about the same is asking again.
AGAIN = timedelta(days=7)
TOP = 10


@dataclass(frozen=True)
class Cell:
    """So many questions that have all of this in common; `article` is what was answered."""

    day: str
    channel: str
    locale: str
    article: str | None
    is_settled: bool
    ending: str
    count: int

    @property
    def outcome(self) -> str:
        """Answered, asked back or no answer."""
        return self.ending if self.ending in (CLARIFY, ABSTAINED) else "answered"


@dataclass(frozen=True)
class Endings:
    """How many questions ended in which way; `settled` were asked before the last 7 days."""

    confirmed: int = 0
    assumed: int = 0
    open: int = 0
    came_back: int = 0
    clarify: int = 0
    abstained: int = 0
    settled: int = 0

    @property
    def answered(self) -> int:
        """All that were given an answer."""
        return self.confirmed + self.assumed + self.open + self.came_back

    @property
    def asked(self) -> int:
        """All of them."""
        return self.answered + self.clarify + self.abstained


@dataclass(frozen=True)
class Helpfulness:
    """An article: how often it was given, and what readers said of it."""

    article: str
    given: int = 0
    helped: int = 0
    did_not: int = 0


@dataclass(frozen=True)
class Topic:
    """An article, or a question that none answers, and how often something became of it."""

    text: str
    count: int
    is_article: bool = False


@dataclass(frozen=True)
class About:
    """One asking by somebody who can be told apart, and what it was about."""

    who: str
    topic: tuple[str, bool]
    at: datetime


# -- when, where, and how it ended ---------------------------------------------------------


def cells(session: Session, span: Span, at: datetime | None = None) -> list[Cell]:
    """The questions of a span, counted by all that the figures tell apart, in one pass."""
    is_settled = col(Receipt.issued_at) < (at or now()) - QUIET
    asked: Any = select(  # type: ignore[call-overload]
        DayOf(Receipt.issued_at).label("day"),
        col(Receipt.channel).label("channel"),
        col(Receipt.locale).label("locale"),
        col(Receipt.article).label("article"),
        is_settled.label("settled"),
    )
    rows = with_ending(asked.select_from(Receipt), is_settled).where(*asked_in(span)).subquery()
    query = rows.select().add_columns(func.count()).group_by(*rows.c)
    return [
        Cell(str(day), channel, locale, article, bool(settled), ending, count)
        for day, channel, locale, article, settled, ending, count in session.execute(query)
    ]


def counted(found: Iterable[Cell], *names: str) -> Counter[Any]:
    """How many questions, by one attribute or several."""
    by: Counter[Any] = Counter()
    key = attrgetter(*names)
    for cell in found:
        by[key(cell)] += cell.count
    return by


def endings(found: Sequence[Cell]) -> Endings:
    """How many ended in which way."""
    settled = sum(cell.count for cell in found if cell.is_settled)
    return Endings(**counted(found, "ending"), settled=settled)


def days_in(span: Span) -> list[str]:
    """Its days in UTC, quiet ones too, the last perhaps in part."""
    first, last = span.since.date(), (span.until - timedelta(microseconds=1)).date()
    return [(first + n * DAY).isoformat() for n in range((last - first).days + 1)]


# -- about what ----------------------------------------------------------------------------


def helpfulness(session: Session, span: Span, found: Iterable[Cell]) -> list[Helpfulness]:
    """Every article that was given or judged."""
    given = counted((c for c in found if c.outcome == "answered" and c.article), "article")
    by = {slug: Helpfulness(slug, count) for slug, count in given.items()}
    for slug, helped, did_not in session.execute(_verdicts(span)):
        so_far = by.get(slug, Helpfulness(slug))
        by[slug] = replace(so_far, helped=helped or 0, did_not=did_not or 0)
    return list(by.values())


def _verdicts(span: Span) -> Any:
    """What readers said in the span, by article: (slug, helped, did not)."""
    helped = col(Feedback.helped)
    query = (
        select(Article.slug, count_of(helped.is_(True)), count_of(helped.is_(False)))
        .select_from(Feedback)
        .join(Article, col(Article.id) == col(Feedback.article_id))
        .join(Revision, col(Revision.id) == col(Feedback.revision_id))
        .where(span.holds(Feedback.at))
        .group_by(Article.slug)
    )
    if span.channel:
        query = query.where(Feedback.channel == span.channel)
    return query.where(Revision.locale == span.locale) if span.locale else query


def top_articles(judged: Iterable[Helpfulness]) -> list[Helpfulness]:
    """Those that were given most."""
    given = [h for h in judged if h.given]
    return sorted(given, key=lambda h: (-h.given, h.article))[:TOP]


def unhelpful_articles(judged: Iterable[Helpfulness]) -> list[Helpfulness]:
    """Those of which readers said most often that they did not help."""
    bad = [h for h in judged if h.did_not]
    return sorted(bad, key=lambda h: (-h.did_not, h.helped, h.article))[:TOP]


def empty_searches(session: Session, span: Span) -> list[Topic]:
    """What was looked for on the help site in vain, most often first."""
    on_site = Receipt.outcome == "abstained", Receipt.channel == "help_site"
    return _most_asked(session, span, *on_site)


def before_a_person(session: Session, span: Span) -> list[Topic]:
    """What was asked last before a person was asked for, most often first."""
    return _most_asked(session, span, col(Receipt.id).in_(asked_before_a_person()))


def _most_asked(session: Session, span: Span, *where: Any) -> list[Topic]:
    """Questions by their words alone; those of which the words are forgotten are left out."""
    question = col(Receipt.question)
    query = select(question, func.count()).where(*asked_in(span), question != "", *where)
    times: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for text, count in session.execute(query.group_by(question).order_by(question)):
        words = folded_question(text)
        spelled.setdefault(words, text)
        times[words] += count
    return [Topic(spelled[words], n) for words, n in _ranked(times) if words]


def _ranked(times: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(times.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP]


def persons_by_reason(session: Session, span: Span) -> dict[str, int]:
    """How often a person was asked for, and why; the most frequent reason first."""
    query = (
        select(Handoff.reason, func.count())
        .join(Conversation, col(Conversation.id) == col(Handoff.conversation_id))
        .where(span.holds(Handoff.created_at))
        .group_by(Handoff.reason)
    )
    if span.channel:
        query = query.where(Conversation.channel == span.channel)
    if span.locale:
        query = query.where(Handoff.locale == span.locale)
    return dict(_ranked(Counter(dict(session.exec(query).all()))))


# -- again ---------------------------------------------------------------------------------


def asked_again(session: Session, span: Span, gaps: Iterable[Gap] = ()) -> list[Topic]:
    """What the same customer asked about again within a week, most often first.

    The same is the same article or, where none answered, the same one of the `gaps`.
    """
    groups = {a.receipt_id: gap.text for gap in gaps for a in gap.askings}
    abouts = _abouts(session, replace(span, since=span.since - AGAIN), groups)
    times = Counter(asking.topic for asking in again(abouts) if asking.at >= span.since)
    return [Topic(text, count, is_article) for (text, is_article), count in _ranked(times)]


def again(askings: Iterable[About]) -> list[About]:
    """Those about what the same person had asked within the week before. Pure."""
    last: dict[tuple[str, tuple[str, bool]], datetime] = {}
    found = []
    for asking in sorted(askings, key=lambda a: a.at):
        before = last.get((asking.who, asking.topic))
        if before and asking.at - before <= AGAIN:
            found.append(asking)
        last[asking.who, asking.topic] = asking.at
    return found


def _abouts(session: Session, span: Span, groups: Mapping[str, str]) -> list[About]:
    """Askings whose topic is known; a conversation of nobody known is somebody of its own."""
    who = func.coalesce(Conversation.customer_id, Conversation.id)
    query = (
        select(who, Receipt.article, Receipt.id, Receipt.issued_at)
        .distinct()
        .join(Turn, col(Turn.receipt_id) == col(Receipt.id))
        .join(Conversation, col(Conversation.id) == col(Turn.conversation_id))
        .where(*asked_in(span))
    )
    found = []
    for somebody, article, receipt, at in session.execute(query):
        topic = (article, True) if article else (groups.get(receipt, ""), False)
        if topic[0]:
            found.append(About(somebody, topic, at))
    return found


# -- all of it -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Insights:
    """Everything that is said of a span, and what it is compared with."""

    at: datetime
    span: Span
    cells: list[Cell]
    endings: Endings
    before: Endings
    persons: dict[str, int]
    persons_before: dict[str, int]
    before_a_person: list[Topic]
    empty_searches: list[Topic]
    again: list[Topic]
    top: list[Helpfulness]
    unhelpful: list[Helpfulness]
    knowledge: Knowledge
    knowledge_before: Knowledge

    @property
    def articles(self) -> set[str]:
        """Slugs of every article that is spoken of."""
        again = {topic.text for topic in self.again if topic.is_article}
        return again | {h.article for h in (*self.top, *self.unhelpful)}


def insights(session: Session, span: Span, gaps: Iterable[Gap] = ()) -> Insights:
    """What the record says of a span."""
    at = now()
    found = cells(session, span, at)
    judged = helpfulness(session, span, found)
    return Insights(
        at=at,
        span=span,
        cells=found,
        endings=endings(found),
        before=endings(cells(session, span.before, at)),
        persons=persons_by_reason(session, span),
        persons_before=persons_by_reason(session, span.before),
        before_a_person=before_a_person(session, span),
        empty_searches=empty_searches(session, span),
        again=asked_again(session, span, gaps),
        top=top_articles(judged),
        unhelpful=unhelpful_articles(judged),
        knowledge=knowledge(session, span, at),
        knowledge_before=knowledge(session, span.before, at),
    )
