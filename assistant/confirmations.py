"""Questions whose right article somebody has named, as wordings that it could be found by.

A customer chose it when asked back or said that its answer helped; an agent gave it to one whose
question had brought a person. Nothing learns from that by itself: an editor takes a wording over,
it is reviewed like any change, the impact of its publication is seen before, and what a version
brought its rollback takes away.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import case, literal, union_all
from sqlmodel import Session, col, select

from assistant.desk.kcs import ArticleUse
from assistant.feedback import Feedback
from assistant.gap_answers import give_wording
from assistant.gap_decisions import DECLINED, PHRASED, GapDecision, decide
from assistant.gaps import asked_before_each
from assistant.receipts import Receipt
from kb.articles import Article, Revision
from kb.people import Person

CHOSEN, GIVEN, HELPED, FAILED = ("chosen", "given", "helped", "failed")
# What decisions about these keep as members begins so: others are about groups of gaps.
MARK = "confirmed:"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One time that somebody named the article that a question means, or denied it (failed)."""

    receipt_id: str
    question: str
    locale: str
    at: datetime
    article_id: int
    kind: str


@dataclass(frozen=True)
class Confirmed:
    """The same words with the article they mean; `text` as they were asked first."""

    digest: str
    text: str
    language: str
    article_id: int
    confirmations: tuple[Confirmation, ...]

    @property
    def key(self) -> str:
        """What it is known by on a page."""
        return f"{self.article_id}-{self.digest}"

    @cached_property
    def kinds(self) -> Counter[str]:
        """How often in which way."""
        return Counter(c.kind for c in self.confirmations)

    @property
    def support(self) -> int:
        """How many more say that it is the one than say that it is not."""
        return sum(self.kinds.values()) - 2 * self.kinds[FAILED]

    @property
    def last(self) -> datetime:
        """When somebody said so last."""
        return self.confirmations[-1].at

    @property
    def order(self) -> tuple[int, int, float, str]:
        """First what the assistant could not tell by itself, then what most people say."""
        untold = self.kinds[CHOSEN] + self.kinds[GIVEN]
        return -untold, -self.support, -self.last.timestamp(), self.key


def confirmations_since(session: Session, since: datetime) -> list[Confirmation]:
    """Every one, oldest first."""
    kinds = _kinds().subquery()
    rows = session.execute(
        select(  # type: ignore[call-overload]
            Receipt.id,
            Receipt.question,
            Receipt.locale,
            kinds.c.at,
            kinds.c.article_id,
            kinds.c.kind,
        )
        .join(kinds, kinds.c.receipt_id == Receipt.id)
        .where(kinds.c.at >= since, col(Receipt.is_audit).is_(False))
        .order_by(kinds.c.at, Receipt.id, kinds.c.kind)
    )
    return [Confirmation(*row) for row in rows]


def _kinds() -> Any:
    """(receipt_id, at, article_id, kind) of every receipt whose article somebody named."""
    chosen: Any = select(
        col(Receipt.id).label("receipt_id"),
        col(Receipt.issued_at).label("at"),
        col(Receipt.article_id).label("article_id"),
        literal(CHOSEN).label("kind"),
    ).where(
        Receipt.outcome == "answered",
        # What was chosen is certain; hardly any other answer is.
        Receipt.confidence == 1.0,
        col(Receipt.detail)["chosen_from"].as_string().is_not(None),
        col(Receipt.article_id).is_not(None),
    )
    judged: Any = select(
        Feedback.receipt_id,
        Feedback.at,
        Feedback.article_id,
        case((col(Feedback.helped).is_(True), HELPED), else_=FAILED),
    ).where(col(Feedback.receipt_id).is_not(None))
    asked = asked_before_each().subquery()
    given: Any = select(
        asked.c.receipt_id, col(ArticleUse.at), col(ArticleUse.article_id), literal(GIVEN)
    ).join(asked, asked.c.handoff_id == ArticleUse.handoff_id)
    return union_all(chosen, judged, given)


def strongest(found: Iterable[Confirmed]) -> list[Confirmed]:
    """For the same words the article that most people name, best first; none where it is a tie or
    more people deny it."""
    by_words: dict[str, list[Confirmed]] = {}
    for confirmed in found:
        by_words.setdefault(confirmed.digest, []).append(confirmed)
    kept = []
    for rivals in by_words.values():
        first, *others = sorted(rivals, key=lambda c: -c.support)
        if first.support > max((c.support for c in others), default=0):
            kept.append(first)
    return sorted(kept, key=lambda c: c.order)


def undecided(found: Iterable[Confirmed], decisions: Sequence[GapDecision]) -> list[Confirmed]:
    """Those about which nobody has decided."""
    decided = {member for decision in decisions for member in decision.members}
    return [confirmed for confirmed in found if MARK + confirmed.key not in decided]


def take_over(
    session: Session, article: Article, wordings: Sequence[Confirmed], by: Person
) -> list[Revision]:
    """Give an article its confirmed wordings, in new versions that are reviewed. Raises Invalid as
    `give_wording` does."""
    made = give_wording(session, article, wordings, by)
    _decide(session, wordings, by, PHRASED, revision_id=made[0].id)
    return made


def decline(session: Session, wordings: Sequence[Confirmed], by: Person) -> None:
    """Leave wordings of one article out, for good unless that is taken back."""
    _decide(session, wordings, by, DECLINED)


def _decide(
    session: Session, wordings: Sequence[Confirmed], by: Person, action: str, **more: Any
) -> None:
    members = [MARK + confirmed.key for confirmed in wordings]
    size = sum(len(confirmed.confirmations) for confirmed in wordings)
    article_id = wordings[0].article_id
    decide(session, by, action, wordings[0].text, members, size, article_id=article_id, **more)


def is_about_confirmed(decision: GapDecision) -> bool:
    """Whether it decided about wordings that somebody confirmed, rather than about a gap."""
    return any(member.startswith(MARK) for member in decision.members)
