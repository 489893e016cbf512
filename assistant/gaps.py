"""What customers asked and were not helped with, grouped by meaning across languages.

A receipt counts where nothing was said (unanswered), where the customer was asked back and chose
nothing (doubtful), where the answer did not help (unhelpful), or where a person was asked for
next (person). Small talk, signs and spam are left out.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, case, literal, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from assistant.conversations import Turn
from assistant.feedback import Feedback
from assistant.gap_decisions import GapDecision
from assistant.handoffs import Handoff
from assistant.receipts import Receipt
from kb.db import now
from retriever.lexical import WORD, fold

UNANSWERED, DOUBTFUL, UNHELPFUL, PERSON = KINDS = ("unanswered", "doubtful", "unhelpful", "person")
# How far back questions are grouped, in days, and what a page can be narrowed to.
WINDOW = 90
PERIODS = (7, 30, 90)
LINK = re.compile(r"https?://|www\.\w", re.I)
MARKUP = re.compile(r"<\s*/?\s*[a-z!]|\bselect\b.+\bfrom\b|\bunion\s+select\b|\.\./\.\.", re.I)
SAME_AGAIN = re.compile(r"(.)\1{5,}|\b(\w+)(?:\W+\2\b){3,}")


@dataclass(frozen=True, slots=True)
class Asking:
    """One time that a question was asked and not helped with; `kind` says how."""

    receipt_id: str
    question: str
    locale: str
    channel: str
    at: datetime
    kind: str
    conversation_id: str | None


@dataclass(frozen=True)
class Phrase:
    """The same words, however often they were asked; `text` as they were asked first."""

    digest: str
    text: str
    language: str
    askings: tuple[Asking, ...]

    @property
    def is_silence(self) -> bool:
        """Whether all it needed was an answer."""
        return all(asking.kind in (UNANSWERED, DOUBTFUL) for asking in self.askings)

    @property
    def count(self) -> int:
        """How often they were asked."""
        return len({asking.receipt_id for asking in self.askings})

    @property
    def last(self) -> datetime:
        """When they were asked last."""
        return max(asking.at for asking in self.askings)


@dataclass(frozen=True)
class Gap:
    """Questions that mean the same; the phrase asked most stands for them."""

    phrases: tuple[Phrase, ...]
    decision: GapDecision | None = None
    at: datetime = field(default_factory=now)

    @property
    def key(self) -> str:
        """The digest of the phrase that stands for it."""
        return self.phrases[0].digest

    @property
    def text(self) -> str:
        """What stands for it."""
        return self.phrases[0].text

    @cached_property
    def askings(self) -> tuple[Asking, ...]:
        """Every asking, the latest first."""
        every = [asking for phrase in self.phrases for asking in phrase.askings]
        return tuple(sorted(every, key=lambda a: (a.at, a.receipt_id), reverse=True))

    def count(self, kind: str | None = None, days: int = WINDOW) -> int:
        """How often it was asked, in one way not helped with or in any, in so many last days."""
        return len({asking.receipt_id for asking in self._asked(kind, days)})

    def _asked(self, kind: str | None, days: int) -> list[Asking]:
        since = self.at - timedelta(days=days)
        return [a for a in self.askings if a.at >= since and (not kind or a.kind == kind)]

    @cached_property
    def kinds(self) -> Counter[str]:
        """How often in which way not helped with."""
        return Counter({kind: n for kind in KINDS if (n := self.count(kind))})

    def people(self, kind: str | None = None, days: int = WINDOW) -> int:
        """How many asked, as far as can be told: a conversation is one, so is a search."""
        return len({a.conversation_id or a.receipt_id for a in self._asked(kind, days)})

    def said_in(self, language: str) -> Phrase:
        """The wording asked most in a reader's language; in none, what stands for the group."""
        return next((p for p in self.phrases if p.language == language), self.phrases[0])

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Languages it was asked in, the most frequent first."""
        counted: Counter[str] = Counter()
        for phrase in self.phrases:
            counted[phrase.language] += phrase.count
        return tuple(code for code, _ in counted.most_common())

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Channels it was asked on, the most frequent first."""
        return tuple(name for name, _ in Counter(a.channel for a in self.askings).most_common())

    @property
    def last(self) -> datetime:
        """When it was asked last."""
        return self.askings[0].at

    @property
    def is_handled(self) -> bool:
        """Whether somebody has dealt with it, and it has not grown since."""
        return self.decision is not None and not self.has_grown

    @property
    def has_grown(self) -> bool:
        """Whether it was asked so often since that it deserves another look."""
        return self.decision is not None and self.decision.is_outgrown_by(self.count())


def is_noise(text: str) -> bool:
    """Whether a text is spam or an attack rather than a question."""
    letters = sum(c.isalpha() for c in text)
    return bool(
        letters < 2
        or len(LINK.findall(text)) > 1
        or (LINK.search(text) and len(text.split()) < 4)
        or MARKUP.search(text)
        or SAME_AGAIN.search(text.casefold())
    )


def folded_question(text: str) -> str:
    """The words alone: what two askings of the very same question have in common."""
    return " ".join(WORD.findall(fold(text)))


def askings_since(session: Session, since: datetime) -> list[Asking]:
    """Every asking that was not helped with, oldest first."""
    kinds = _kinds(since).subquery()
    talk = aliased(Turn)
    rows = session.execute(
        select(  # type: ignore[call-overload]
            Receipt.id,
            Receipt.question,
            Receipt.locale,
            Receipt.channel,
            Receipt.issued_at,
            kinds.c.kind,
            func.min(talk.conversation_id),
        )
        .join(kinds, kinds.c.receipt_id == Receipt.id)
        .outerjoin(talk, talk.receipt_id == Receipt.id)
        .group_by(
            Receipt.id,
            Receipt.question,
            Receipt.locale,
            Receipt.channel,
            Receipt.issued_at,
            kinds.c.kind,
        )
        .order_by(Receipt.issued_at, Receipt.id, kinds.c.kind)
    )
    return [Asking(*row) for row in rows]


def _kinds(since: datetime) -> Any:
    """Receipts with the ways in which they did not help: (receipt_id, kind)."""
    recent = (col(Receipt.issued_at) >= since) & col(Receipt.is_audit).is_(False)
    silent: Select[Any] = select(  # type: ignore[assignment]
        col(Receipt.id).label("receipt_id"),
        case((col(Receipt.outcome) == "abstained", UNANSWERED), else_=DOUBTFUL).label("kind"),
    ).where(recent, col(Receipt.outcome).in_(["abstained", "clarify"]), ~was_chosen_from(since))
    unhelpful = select(col(Receipt.id), literal(UNHELPFUL)).where(
        recent,
        col(Receipt.id).in_(
            select(Feedback.receipt_id).where(
                col(Feedback.helped).is_(False), col(Feedback.receipt_id).is_not(None)
            )
        ),
    )
    person = select(col(Receipt.id), literal(PERSON)).where(
        recent, col(Receipt.id).in_(asked_before_a_person())
    )
    return union_all(silent, unhelpful, person)


def was_chosen_from(since: datetime) -> ColumnElement[bool]:
    """Whether the customer chose one of the options: then they were helped after all."""
    chosen = aliased(Receipt)
    came_from = select(chosen.detail["chosen_from"].as_string()).where(
        chosen.outcome == "answered",
        # What was chosen is certain; hardly any other answer is.
        chosen.confidence == 1.0,
        chosen.issued_at >= since,
        chosen.detail["chosen_from"].as_string().is_not(None),
    )
    return col(Receipt.id).in_(came_from)


def asked_before_a_person() -> Select[Any]:
    """The receipts of what was asked last before a person was asked for."""
    return select(asked_before_each().subquery().c.receipt_id)


def asked_before_each() -> Select[Any]:
    """Handoffs with the receipt of what was asked last before: (handoff_id, receipt_id)."""
    earlier = aliased(Turn)
    last = (
        select(func.max(earlier.number))
        .where(
            earlier.conversation_id == Handoff.conversation_id,
            col(earlier.receipt_id).is_not(None),
            earlier.at <= Handoff.created_at,
        )
        .scalar_subquery()
    )
    return select(  # type: ignore[return-value]
        col(Handoff.id).label("handoff_id"), col(Turn.receipt_id).label("receipt_id")
    ).join(
        Turn,
        (col(Handoff.conversation_id) == col(Turn.conversation_id)) & (col(Turn.number) == last),
    )


def gaps_of(
    groups: Sequence[Sequence[Phrase]], decisions: Sequence[GapDecision], at: datetime
) -> list[Gap]:
    """Groups of phrases with what was decided about them, biggest first."""
    decided = {digest: d for d in decisions for digest in d.members}
    gaps = []
    for phrases in groups:
        ordered = sorted(phrases, key=lambda p: (-p.count, p.askings[0].at, p.digest))
        found = [decided[p.digest] for p in ordered if p.digest in decided]
        newest = max(found, key=lambda d: d.id or 0, default=None)
        gaps.append(Gap(tuple(ordered), newest, at))
    return sorted(gaps, key=lambda g: (-g.count(), -g.last.timestamp(), g.key))
