"""Recall: an answer was wrong, and everybody who was given it is found.

A Correction says which wordings were wrong, which are right, since when, and why. In the same
transaction there is a RecallTarget for each recipient, so that a crash can delay telling somebody
and never forget or repeat it:

    waiting ─tell→ told ─read→ seen        waiting ─close→ closed, with the reason

A correction of a correction covers the wordings that the earlier one covered, and stands in for
whatever of it was not told yet.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Index, UniqueConstraint, func
from sqlmodel import Field, Session, SQLModel, col, select

from assistant.conversations import AGENT, ASSISTANT, Conversation, Turn
from assistant.desk.kcs import ArticleUse
from assistant.receipts import CORRECTED, Receipt
from assistant.transcripts import TranscriptCopy
from kb import history
from kb.articles import CONTROL, Article, Revision, check_locale, load_revisions
from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid
from kb.people import Person, require
from kb.publishing import Publication, live_publication

WHY_LIMIT = 300
WIDGET, EMAIL, STAFF = "widget", "email", "agent"
# Why somebody is not told, or not by this target.
SUPERSEDED, IN_CHAT, ERASED, LEFT = "superseded", "seen_in_chat", "erased", "left"


class Correction(SQLModel, table=True):
    """What was wrong with an article, since when, and what it was in one sentence a locale.

    `unreachable` counts by channel the receipts that lead to nobody, `left` colleagues who left.
    """

    id: int | None = Field(default=None, primary_key=True)
    article_id: int = Field(foreign_key="article.id", index=True)
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    since: datetime = Field(sa_type=UtcDateTime)
    gathered_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    why: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    unreachable: dict[str, int] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )


class WrongRevision(SQLModel, table=True):
    """A wording that was wrong, and the one that is right in its language."""

    correction_id: int = Field(foreign_key="correction.id", primary_key=True)
    revision_id: int = Field(foreign_key="revision.id", primary_key=True, index=True)
    right_id: int = Field(foreign_key="revision.id", index=True)


class RecallTarget(SQLModel, table=True):
    """Somebody to be told of a Correction, once; `recipient` is who, by what the channel knows.

    Erasing a conversation takes `recipient` and `conversation_id` with it. `handed_at` is when a
    letter went to the outbox, `token` what its link carries.
    """

    __table_args__ = (
        UniqueConstraint("correction_id", "channel", "recipient"),
        Index("ix_recalltarget_untold", "told_at", "closed"),
    )

    id: int | None = Field(default=None, primary_key=True)
    correction_id: int = Field(foreign_key="correction.id")
    channel: str
    recipient: str
    revision_id: int = Field(foreign_key="revision.id")
    conversation_id: str | None = Field(default=None, index=True)
    person_id: int | None = Field(default=None, foreign_key="person.id")
    notification_id: int | None = Field(default=None, foreign_key="notification.id")
    turn: int | None = None
    token: str = Field(default_factory=lambda: secrets.token_urlsafe(12), unique=True)
    queued_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    handed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    told_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed: str = ""

    @property
    def key(self) -> str:
        """Under which it is told, whatever the channel; used once."""
        return f"correction-{self.correction_id}-{self.id}"


@dataclass(frozen=True)
class Fault:
    """In one language: the wordings that were wrong, oldest first, and the right one."""

    right: Revision
    wrong: tuple[Revision, ...]

    @property
    def locale(self) -> str:
        """The language."""
        return self.right.locale


@dataclass(frozen=True)
class Recipient:
    """Somebody who was given wrong words, and which of them last."""

    channel: str
    recipient: str
    revision_id: int
    conversation_id: str | None = None
    person_id: int | None = None


@dataclass(frozen=True)
class Reach:
    """Whom a correction concerns: who can be told, and how many receipts lead to nobody."""

    recipients: tuple[Recipient, ...] = ()
    unreachable: dict[str, int] = field(default_factory=dict)

    def count(self, channel: str) -> int:
        """How many are told on a channel."""
        return sum(recipient.channel == channel for recipient in self.recipients)

    @property
    def unreachable_receipts(self) -> int:
        """How many receipts lead to nobody."""
        return sum(n for channel, n in self.unreachable.items() if channel != LEFT)


# -- what was wrong ------------------------------------------------------------------


def earlier_versions(session: Session, article: Article, right: Revision) -> list[Publication]:
    """The first time that each other wording was live in that language, the latest first."""
    found: dict[int, Publication] = {}
    for publication in _ever_live(session, article, right.locale):
        if publication.revision_id != right.id:
            found.setdefault(publication.revision_id, publication)
    return sorted(found.values(), key=lambda p: (p.starts_at, p.id), reverse=True)


def _ever_live(session: Session, article: Article, locale: str) -> list[Publication]:
    query = select(Publication).where(
        Publication.article_id == article.id,
        Publication.locale == locale,
        Publication.starts_at <= now(),
    )
    found = session.exec(query.order_by(col(Publication.starts_at), col(Publication.id)))
    return [publication for publication in found if not publication.was_cancelled]


def right_in(session: Session, article: Article, locale: str) -> Revision:
    """What is live there, and so is taken for right. Raises Conflict where nothing is."""
    assert article.id is not None
    live = live_publication(session, article.id, check_locale(locale))
    if live is None:
        raise Conflict(f"{article.slug} is not live in {locale}; publish the right answer first")
    return live.revision


def fault_in(
    session: Session, article: Article, right: Revision, versions: Iterable[int] = ()
) -> Fault:
    """What was wrong in a language: these versions, else what was live just before.

    Raises Invalid for a version that was never live, Conflict where there is no other at all.
    """
    earlier = earlier_versions(session, article, right)
    if not earlier:
        raise Conflict(f"no other version of {article.slug} was ever live in {right.locale}")
    chosen = set(versions)
    known = {publication.revision.version for publication in earlier}
    if chosen - known:
        never = ", ".join(map(str, sorted(chosen - known)))
        raise Invalid(f"version {never} was never live in {right.locale}", "wrong")
    if not chosen:
        chosen = {earlier[0].revision.version}
    wrong = [p.revision for p in reversed(earlier) if p.revision.version in chosen]
    return Fault(right, tuple(wrong))


# -- whom it concerns ----------------------------------------------------------------


def reach_of(
    session: Session, article: Article, faults: Sequence[Fault], since: datetime | None = None
) -> Reach:
    """Whom a correction of these faults would concern; writes nothing."""
    wrong, begun = _whole_story(session, article, faults, since)
    return _reach(session, article.id, set(wrong), begun, {fault.right.id for fault in faults})


def _whole_story(
    session: Session, article: Article, faults: Sequence[Fault], since: datetime | None
) -> tuple[dict[int, int], datetime]:
    """Each wrong wording with its right one, and since when they were given.

    What earlier corrections put in the place of wrong words, and was wrong too, brings those along.
    """
    wrong = {w.id: f.right.id for f in faults for w in f.wrong if w.id and f.right.id}
    begun = since or _first_live(session, wrong)
    added = set(wrong)
    while added:
        query = select(WrongRevision, Correction).where(
            WrongRevision.correction_id == Correction.id,
            Correction.article_id == article.id,
            col(WrongRevision.right_id).in_(added),
        )
        added = set()
        for row, correction in session.exec(query):
            begun = min(begun, correction.since)
            if row.revision_id not in wrong and row.revision_id not in wrong.values():
                wrong[row.revision_id] = wrong[row.right_id]
                added.add(row.revision_id)
    return wrong, begun


def _first_live(session: Session, revision_ids: Iterable[int]) -> datetime:
    query = select(func.min(Publication.starts_at)).where(
        col(Publication.revision_id).in_(list(revision_ids))
    )
    return session.exec(query).one() or now()


def _reach(
    session: Session,
    article_id: int | None,
    wrong: set[int],
    since: datetime,
    rights: set[int | None],
) -> Reach:
    given = _given_turns(session, wrong, since)
    people, left = _agents(session, wrong, since)
    told = _told_of(session, rights)
    found = {
        (r.channel, r.recipient): r
        for r in (*_in_chats(given), *_by_mail(session, given), *people)
        if (r.channel, r.recipient) not in told
    }
    unreachable = _lost_receipts(session, article_id, wrong, since)
    return Reach(tuple(found.values()), unreachable | ({LEFT: left} if left else {}))


Given = tuple[Conversation, int, int]


def _given_turns(session: Session, wrong: set[int], since: datetime) -> list[Given]:
    """Conversations in which wrong words were given: number and revision of each such turn."""
    query = (
        select(Conversation, Turn.number, Turn.revision_id)
        .join(Turn, col(Turn.conversation_id) == Conversation.id)
        .where(
            col(Turn.revision_id).in_(wrong),
            col(Turn.author).in_((ASSISTANT, AGENT)),
            Turn.at >= since,
        )
        .order_by(col(Conversation.changed_at), col(Conversation.id), col(Turn.number))
    )
    return [(found, number, id_ or 0) for found, number, id_ in session.exec(query)]


def _in_chats(given: list[Given]) -> Iterable[Recipient]:
    """One for each visitor; a signed-in customer is told where they wrote last."""
    for conversation, _number, revision_id in given:
        whose = f"customer {conversation.customer_id}" if conversation.customer_id else ""
        yield Recipient(WIDGET, whose or conversation.id, revision_id, conversation.id)


def _by_mail(session: Session, given: list[Given]) -> Iterable[Recipient]:
    """Addresses that were left in the chat, and those that a copy with wrong words went to."""
    first: dict[str, int] = {}
    words: dict[str, int] = {}
    for conversation, number, revision_id in given:
        first.setdefault(conversation.id, number)
        words[conversation.id] = revision_id
        if conversation.email:
            yield _letter_to(conversation.email, revision_id, conversation.id)
    copies = select(TranscriptCopy).order_by(col(TranscriptCopy.id))
    for copy in session.exec(copies.where(col(TranscriptCopy.conversation_id).in_(list(first)))):
        if copy.turns >= first[copy.conversation_id]:
            yield _letter_to(copy.email, words[copy.conversation_id], copy.conversation_id)


def _letter_to(address: str, revision_id: int, conversation_id: str) -> Recipient:
    return Recipient(EMAIL, address.strip().lower(), revision_id, conversation_id)


def _agents(session: Session, wrong: set[int], since: datetime) -> tuple[list[Recipient], int]:
    """Colleagues who gave the wrong words to somebody, and how many of them have left."""
    used = select(ArticleUse.by_id, ArticleUse.revision_id).where(
        col(ArticleUse.revision_id).in_(wrong), ArticleUse.at >= since
    )
    said = select(Turn.person_id, Turn.revision_id).where(
        col(Turn.revision_id).in_(wrong), Turn.author == AGENT, Turn.at >= since
    )
    words = dict([*session.exec(used), *session.exec(said)])
    people = session.exec(select(Person).where(col(Person.id).in_([i for i in words if i]))).all()
    there = [p for p in people if p.deactivated_at is None and not p.is_program and p.id]
    found = [Recipient(STAFF, str(p.id), words[p.id] or 0, person_id=p.id) for p in there if p.id]
    return found, len([p for p in people if p.deactivated_at is not None])


def _told_of(session: Session, rights: set[int | None]) -> set[tuple[str, str]]:
    """Who is told these very right words already, by an earlier correction."""
    query = (
        select(RecallTarget.channel, RecallTarget.recipient)
        .join(WrongRevision, col(WrongRevision.correction_id) == RecallTarget.correction_id)
        .where(col(WrongRevision.right_id).in_(rights), RecallTarget.closed != SUPERSEDED)
    )
    return {(channel, recipient) for channel, recipient in session.exec(query)}


def _lost_receipts(
    session: Session, article_id: int | None, wrong: set[int], since: datetime
) -> dict[str, int]:
    """By channel, receipts of wrong words that no conversation holds (any more)."""
    held = select(Turn.id).where(Turn.receipt_id == Receipt.id).exists()
    query = select(Receipt.channel, func.count()).where(
        Receipt.article_id == article_id,
        col(Receipt.revision_id).in_(wrong),
        Receipt.issued_at >= since,
        col(Receipt.is_audit).is_(False),
        Receipt.outcome != CORRECTED,
        ~held,
    )
    return dict(session.exec(query.group_by(Receipt.channel)).all())


# -- marking -------------------------------------------------------------------------


def correct_answer(
    session: Session,
    article: Article,
    faults: Sequence[Fault],
    why: Mapping[str, str],
    by: Person,
    since: datetime | None = None,
) -> Correction:
    """Mark what is live as the correction of these faults, with everybody who is to be told.

    Raises Invalid without a reason, Conflict for what is marked already or is not live.
    The caller holds the write lock.
    """
    require(by, "publish")
    reasons = checked_why(why)
    if not faults:
        raise Invalid("choose at least one language in which the answer was wrong", "wrong")
    at = now()
    if since and (since.tzinfo is None or since > at):
        raise Invalid("the wrong answer was given since a time in the past", "since")
    fresh = [found for fault in faults if (found := _unmarked(session, article, fault))]
    if not fresh:
        raise Conflict(f"{article.slug} is already marked as corrected by what is live")
    wrong, begun = _whole_story(session, article, fresh, since)
    assert article.id is not None
    assert by.id is not None
    correction = Correction(
        article_id=article.id, by_id=by.id, at=at, gathered_at=at, since=begun, why=reasons
    )
    session.add(correction)
    session.flush()
    assert correction.id is not None
    for id_, right_id in wrong.items():
        row = WrongRevision(correction_id=correction.id, revision_id=id_, right_id=right_id)
        session.add(row)
    session.flush()
    _stand_in(session, correction, set(wrong))
    gather(session, correction, at)
    for fault in fresh:
        versions = [revision.version for revision in fault.wrong]
        history.record(
            session,
            "corrected",
            by,
            article.id,
            fault.locale,
            fault.right.version,
            correction=correction.id,
            wrong=versions,
        )
    return correction


def checked_why(why: Mapping[str, str]) -> dict[str, str]:
    """The sentences that were written, by locale. Raises Invalid for none or an overlong one."""
    found = {check_locale(code): " ".join(text.split()) for code, text in why.items()}
    found = {code: CONTROL.sub("", text) for code, text in found.items() if text}
    if not found:
        raise Invalid("say in one sentence what was wrong", "why")
    for code, text in found.items():
        if len(text) > WHY_LIMIT:
            raise Invalid(
                f"the sentence ({code}) has {len(text)} characters; shorten it to {WHY_LIMIT}",
                f"why_{code}",
            )
    return found


def _unmarked(session: Session, article: Article, fault: Fault) -> Fault | None:
    """The fault without what was marked before. Raises Conflict when it is not live."""
    if right_in(session, article, fault.locale).id != fault.right.id:
        raise Conflict(f"version {fault.right.version} is not live in {fault.locale}")
    query = select(WrongRevision.revision_id).where(WrongRevision.right_id == fault.right.id)
    marked = set(session.exec(query))
    wrong = tuple(revision for revision in fault.wrong if revision.id not in marked)
    return Fault(fault.right, wrong) if wrong else None


def _stand_in(session: Session, correction: Correction, wrong: set[int]) -> None:
    """Nobody is told words that are known to be wrong: this correction reaches them instead."""
    stale = select(WrongRevision.correction_id).where(
        col(WrongRevision.right_id).in_(wrong), WrongRevision.correction_id != correction.id
    )
    waiting = select(RecallTarget).where(col(RecallTarget.correction_id).in_(stale), *untold())
    for target in session.exec(waiting):
        target.closed = SUPERSEDED
        session.add(target)
    session.flush()


def untold() -> tuple[ColumnElement[bool], ...]:
    """Conditions for targets that wait."""
    return col(RecallTarget.told_at).is_(None), col(RecallTarget.closed) == ""


def gather(session: Session, correction: Correction, at: datetime) -> int:
    """Write a target for everybody who has none yet; how many. Holds the write lock."""
    rows = session.exec(
        select(WrongRevision).where(WrongRevision.correction_id == correction.id)
    ).all()
    wrong, rights = {row.revision_id for row in rows}, {row.right_id for row in rows}
    reach = _reach(session, correction.article_id, wrong, correction.since, {*rights})
    known = set(
        session.exec(
            select(RecallTarget.channel, RecallTarget.recipient).where(
                RecallTarget.correction_id == correction.id
            )
        )
    )
    fresh = [r for r in reach.recipients if (r.channel, r.recipient) not in known]
    assert correction.id is not None
    for found in fresh:
        session.add(
            RecallTarget(
                correction_id=correction.id,
                channel=found.channel,
                recipient=found.recipient,
                revision_id=found.revision_id,
                conversation_id=found.conversation_id,
                person_id=found.person_id,
                queued_at=at,
            )
        )
    correction.unreachable, correction.gathered_at = reach.unreachable, at
    session.add(correction)
    session.flush()
    return len(fresh)


def is_behind(session: Session, correction: Correction) -> bool:
    """Whether somebody was given wrong words since it was last looked; a cheap look."""
    wrong = select(WrongRevision.revision_id).where(WrongRevision.correction_id == correction.id)
    said = select(Turn.id).where(
        col(Turn.revision_id).in_(wrong), Turn.at >= correction.gathered_at
    )
    used = select(ArticleUse.id).where(
        col(ArticleUse.revision_id).in_(wrong), ArticleUse.at >= correction.gathered_at
    )
    return any(session.exec(query.limit(1)).first() is not None for query in (said, used))


def forget_conversation(session: Session, conversation_id: str) -> None:
    """It was erased: who it was is gone, and that somebody was told stays counted.

    A customer who was to be told there is told in another conversation of theirs.
    """
    query = select(RecallTarget).where(RecallTarget.conversation_id == conversation_id)
    untold_of = set()
    for target in session.exec(query):
        target.recipient, target.conversation_id = f"erased {target.id}", None
        if target.told_at is None and not target.closed:
            target.closed = ERASED
            untold_of.add(target.correction_id)
        session.add(target)
    session.flush()
    for correction_id in untold_of:
        correction = session.get(Correction, correction_id)
        assert correction is not None
        gather(session, correction, now())


# -- what was corrected --------------------------------------------------------------


@dataclass(frozen=True)
class Corrected:
    """That some words were wrong: the correction, and what is right in their language."""

    correction: Correction
    right: Revision

    def why(self, locale: str) -> str:
        """The reason in that language, else in the words' own, else in any."""
        return why_in(self.correction, locale, self.right.locale)


def why_in(correction: Correction, *locales: str) -> str:
    """The reason in the first of these languages that has it, else in any."""
    told = correction.why
    return next((told[code] for code in locales if code in told), next(iter(told.values()), ""))


class Corrections:
    """Which of some wordings turned out wrong, read in two queries."""

    def __init__(self, session: Session, revision_ids: Iterable[int | None]) -> None:
        ids = {id_ for id_ in revision_ids if id_ is not None}
        query = (
            select(WrongRevision, Correction)
            .join(Correction, col(Correction.id) == WrongRevision.correction_id)
            .where(col(WrongRevision.revision_id).in_(ids))
            .order_by(col(Correction.id))
        )
        rows: Sequence[Any] = session.exec(query).all() if ids else []
        rights = load_revisions(session, {row.right_id for row, _c in rows})
        # The latest correction of a wording is the one that holds.
        self.found = {
            row.revision_id: Corrected(correction, rights[row.right_id]) for row, correction in rows
        }

    def of(self, revision_id: int | None, given_at: datetime | None = None) -> Corrected | None:
        """What corrects a wording that was given then; None where it was, or is, right."""
        found = self.found.get(revision_id or 0)
        if found is None or (given_at is not None and given_at < found.correction.since):
            return None
        return found


def corrected_since(session: Session, revision_ids: Iterable[int], since: datetime) -> set[int]:
    """Which of these wordings are the right ones of corrections made since then."""
    query = (
        select(WrongRevision.right_id)
        .join(Correction, col(Correction.id) == WrongRevision.correction_id)
        .where(col(WrongRevision.right_id).in_(list(revision_ids)), Correction.at >= since)
    )
    return set(session.exec(query))
