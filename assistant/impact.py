"""What a publication would change: recorded questions, asked of the store as it is and would be.

Both are asked with the code that answers customers, and nobody is told. The questions that would
be told something else are asked again one by one, so that every difference is one that a
customer would see.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import Session, col, select

from assistant.answering import LABELS, OPTIONS, RELATED, Answered, Clarification, Words, judge
from assistant.answering import Judged as Decided
from assistant.receipts import Receipt
from assistant.understanding import Question, understand
from kb.audiences import AGENTS, PUBLIC
from kb.db import now
from kb.errors import Invalid
from retriever.index import Index, Level
from retriever.progress import Progress, silent
from retriever.replay import Memory, Put, find_exactly, find_many, remember
from retriever.search import Findings

DAYS = 30
# The questions asked most; more would take minutes and say no more.
MOST = 20_000
LIMIT = OPTIONS + RELATED
# Revisions that are read together; fewer than the index keeps.
AT_ONCE = 1_000


class Kind(StrEnum):
    """What becomes of a reply; in the order in which a publisher wants to see them."""

    lost = "lost"
    changed = "changed"
    gained = "gained"
    asked_back = "asked_back"
    words = "words"
    unchanged = "unchanged"


@dataclass(frozen=True)
class Recorded:
    """A question that was asked, so often, by readers of a locale and an audience."""

    text: str
    locale: str
    audience: str
    count: int


@dataclass(frozen=True)
class Named:
    """An article as a reply gives or offers it."""

    slug: str
    title: str
    locale: str
    version: int


@dataclass(frozen=True)
class Told:
    """What a reader is told: an outcome and the articles that it gives or offers."""

    outcome: str
    articles: tuple[Named, ...] = ()


@dataclass(frozen=True)
class Difference:
    """A question that would be told something else."""

    kind: Kind
    question: Recorded
    before: Told
    after: Told


@dataclass(frozen=True)
class Impact:
    """All differences, most asked first; and how many questions, asked so often, there were."""

    differences: tuple[Difference, ...]
    questions: int
    distinct: int

    @property
    def counts(self) -> dict[str, int]:
        """How many of the questions asked come under each kind of difference, and all of them."""
        found: Counter[str] = Counter()
        for difference in self.differences:
            found[difference.kind] += difference.question.count
        kinds = (kind for kind in Kind if kind is not Kind.unchanged)
        return {"questions": self.questions} | {kind.value: found[kind] for kind in kinds}


def recorded_questions(
    session: Session, locales: Sequence[str], at: datetime | None = None
) -> list[Recorded]:
    """What was asked in the last 30 days, most asked first; a choice among options asks nothing."""
    since = (at or now()) - timedelta(days=DAYS)
    times = func.count()
    query = (
        select(Receipt.question, Receipt.locale, Receipt.audience, times)
        .where(
            Receipt.issued_at >= since,
            col(Receipt.is_audit).is_(False),
            col(Receipt.locale).in_(locales),
            col(Receipt.detail)["chosen_from"].as_string().is_(None),
        )
        .group_by(Receipt.question, Receipt.locale, Receipt.audience)
        .order_by(times.desc(), Receipt.question, Receipt.locale, Receipt.audience)
        .limit(MOST)
    )
    return [Recorded(*row) for row in session.execute(query)]


def compare(before: Told, after: Told) -> Kind:
    """What becomes of a reply. Pure."""
    if before == after:
        return Kind.unchanged
    was, is_now = (told.outcome == LABELS[Answered] for told in (before, after))
    if was and is_now:
        same = before.articles[0].slug == after.articles[0].slug
        return Kind.words if same else Kind.changed
    if was or is_now:
        return Kind.lost if was else Kind.gained
    offered = [(told.outcome, [a.slug for a in told.articles]) for told in (before, after)]
    return Kind.unchanged if offered[0] == offered[1] else Kind.asked_back


def replay(
    session: Session,
    index: Index,
    levels: tuple[Level, Level],
    recorded: Iterable[Recorded],
    locales: list[str],
    progress: Progress = silent,
) -> Impact:
    """The questions asked of both levels, and what differs."""
    asked = [(one, question) for one in recorded if (question := _understood(one, locales))]
    puts = [_put(question) for _, question in asked if question.has_words]
    encoders = levels[0].encoders
    memory = remember(index.vectors.questions, encoders, puts, progress)
    sides = [Side(session, index, level, memory, locales, progress) for level in levels]
    told = [side.told(asked) for side in sides]
    found = []
    for (one, question), *pair in zip(asked, *told, strict=True):
        if compare(*pair) is not Kind.unchanged:
            before, after = (side.told_exactly(one, question) for side in sides)
            found.append(Difference(compare(before, after), one, before, after))
    differences = tuple(d for d in found if d.kind is not Kind.unchanged)
    return Impact(differences, sum(one.count for one, _ in asked), len(asked))


def _understood(one: Recorded, locales: list[str]) -> Question | None:
    try:
        return understand(one.text, one.locale, locales)
    except Invalid:
        return None


def _put(question: Question) -> Put:
    return Put(question.search, question.language)


@dataclass(frozen=True)
class Side:
    """One state of the store, and what it would tell."""

    session: Session
    index: Index
    level: Level
    memory: Memory
    locales: list[str]
    progress: Progress = silent

    def told(self, asked: Sequence[tuple[Recorded, Question]]) -> list[Told]:
        """What each is told; what this level told before is kept with it."""
        known, keys = self.level.told, [(one.text, one.locale, one.audience) for one, _ in asked]
        fresh = [pair for pair, key in zip(asked, keys, strict=True) if key not in known]
        missing = [key for key in keys if key not in known]
        known |= dict(zip(missing, self._told_anew(fresh), strict=True))
        return [known[key] for key in keys]

    def _told_anew(self, asked: Sequence[tuple[Recorded, Question]]) -> list[Told]:
        """What each is told; agents, as ever, what customers are told where these are answered."""
        found: dict[int, Told] = {}
        for audience in sorted({one.audience for one, _ in asked}):
            numbers = [n for n, (one, _) in enumerate(asked) if one.audience == audience]
            if audience == AGENTS:
                found |= self._told(numbers, asked, PUBLIC)
                numbers = [n for n in numbers if found[n].outcome != LABELS[Answered]]
            found |= self._told(numbers, asked, audience)
        return [found[n] for n in range(len(asked))]

    def told_exactly(self, one: Recorded, question: Question) -> Told:
        """What one is told, to the bit."""
        audiences = (PUBLIC, AGENTS) if one.audience == AGENTS else (one.audience,)
        for audience in audiences:
            told = self._decided(question, self._found_exactly(question, audience), audience)
            if told.outcome == LABELS[Answered]:
                break
        return told

    def _found_exactly(self, question: Question, audience: str) -> Findings:
        put = _put(question)
        return find_exactly(self.index.vectors, self.level, self.memory, put, audience, LIMIT)

    def _told(
        self, numbers: Sequence[int], asked: Sequence[tuple[Recorded, Question]], audience: str
    ) -> dict[int, Told]:
        told = {n: Told("abstained") for n in numbers}
        spoken = [n for n in numbers if asked[n][1].has_words]
        puts = [_put(asked[n][1]) for n in spoken]
        index, level = self.index, self.level
        found = find_many(index.vectors, level, self.memory, puts, audience, LIMIT, self.progress)
        self._fetch_words(found, audience)
        for n, findings in zip(spoken, found, strict=True):
            told[n] = self._decided(asked[n][1], findings, audience)
        return told

    def _fetch_words(self, found: Sequence[Findings], audience: str) -> None:
        """Have what may be told in memory: one query instead of hundreds."""
        articles = {match.article_id for findings in found for match in findings.matches}
        live = self.level.live(sorted(articles), audience)
        ids = [id_ for of_locales in live.values() for id_ in of_locales.values()]
        self.index.revisions(ids[:AT_ONCE])

    def _decided(self, question: Question, findings: Findings, audience: str) -> Told:
        live = self.level.live([match.article_id for match in findings.matches], audience)
        findings = replace(findings, live=live)
        return told_of(judge(self.session, self.index, question, findings, self.locales, audience))


def told_of(decided: Decided) -> Told:
    """What a reader gets of a decision."""
    outcome = decided.outcome
    words: tuple[Words, ...] = ()
    if isinstance(outcome, Answered):
        words = (outcome.words,)
    elif isinstance(outcome, Clarification):
        words = outcome.options
    named = (Named(w.slug, w.revision.title, w.revision.locale, w.revision.version) for w in words)
    return Told(LABELS[type(outcome)], tuple(named))
