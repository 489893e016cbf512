"""Who has been told of a correction, and who has seen it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, case, cast, literal, or_
from sqlmodel import Session, col, func, select

from assistant.conversations import Conversation
from assistant.notifications import Notification
from assistant.outgoing import Outgoing
from assistant.recall import ERASED, IN_CHAT, LEFT, SUPERSEDED, RecallTarget
from kb.people import Person

WAITING, HANDED, TOLD, SEEN, FAILED = "waiting", "handed", "told", "seen", "failed"
STATES = (SEEN, TOLD, HANDED, WAITING, FAILED, IN_CHAT, SUPERSEDED, ERASED, LEFT)
# Somebody who is told of it elsewhere is one recipient, not two.
ELSEWHERE = frozenset({SUPERSEDED, IN_CHAT})
PAGE = 100
BATCH = 1_000


@dataclass(frozen=True)
class Told:
    """One recipient of one correction and how far it got."""

    target: RecallTarget
    state: str
    seen_at: datetime | None
    name: str
    locale: str


@dataclass(frozen=True)
class Reckoning:
    """How many recipients of a correction are in which state, on each channel."""

    counts: Counter[tuple[str, str]]

    def of(self, *states: str, channel: str = "") -> int:
        """How many are in one of these states, on one channel or all."""
        return sum(
            n
            for (where, state), n in self.counts.items()
            if state in states and channel in ("", where)
        )

    @property
    def all(self) -> int:
        """Everybody it concerns and who can be told."""
        return sum(n for (_channel, state), n in self.counts.items() if state not in ELSEWHERE)

    @property
    def told(self) -> int:
        """How many have been told, whether they have seen it or not."""
        return self.of(TOLD, SEEN)

    @property
    def seen(self) -> int:
        """How many have seen it."""
        return self.of(SEEN)


def reckon(session: Session, correction_ids: list[int]) -> dict[int, Reckoning]:
    """How far each of these corrections has got."""
    counted: dict[int, Counter[tuple[str, str]]] = {id_: Counter() for id_ in correction_ids}
    query = _joined(
        select(RecallTarget.correction_id, RecallTarget.channel, _state(), func.count())
    )
    query = query.where(col(RecallTarget.correction_id).in_(correction_ids))
    for id_, channel, state, n in session.exec(
        query.group_by(RecallTarget.correction_id, RecallTarget.channel, _state())
    ):
        counted[id_][(channel, state)] = n
    return {id_: Reckoning(counts) for id_, counts in counted.items()}


def list_told(
    session: Session, correction_id: int, state: str = "", page: int = 1
) -> tuple[list[Told], int]:
    """A page of the recipients, as they were found, and how many there are."""
    query = _told(correction_id, state)
    total = session.exec(select(func.count()).select_from(query.subquery())).one()
    rows = session.exec(query.limit(PAGE).offset((page - 1) * PAGE))
    return [_row(*row) for row in rows], total


def everybody_told(session: Session, correction_id: int) -> Iterator[Told]:
    """All of them, for a file."""
    query = _told(correction_id, "").execution_options(yield_per=BATCH)
    for row in session.exec(query):
        yield _row(*row)


def _told(correction_id: int, state: str) -> Any:
    shown: Any = (
        RecallTarget,
        _state().label("state"),
        Notification.read_at,
        Person.name,
        Conversation.name.label("customer"),  # type: ignore[union-attr]
        Conversation.locale,
    )
    query = (
        _joined(select(*shown))
        .outerjoin(Person, col(Person.id) == RecallTarget.person_id)
        .outerjoin(Conversation, col(Conversation.id) == RecallTarget.conversation_id)
        .where(RecallTarget.correction_id == correction_id)
    )
    if state:
        query = query.where(_state() == state)
    return query.order_by(col(RecallTarget.id))


def _row(
    target: RecallTarget,
    state: str,
    read_at: datetime | None,
    colleague: str | None,
    customer: str | None,
    locale: str | None,
) -> Told:
    return Told(target, state, target.seen_at or read_at, colleague or customer or "", locale or "")


def _joined(query: Any) -> Any:
    key = literal("correction-") + cast(RecallTarget.correction_id, String)
    key = key + "-" + cast(RecallTarget.id, String)
    return query.outerjoin(
        Notification, col(Notification.id) == RecallTarget.notification_id
    ).outerjoin(Outgoing, col(Outgoing.key) == key)


def _state() -> Any:
    target = RecallTarget
    return case(
        (col(target.closed) != "", target.closed),
        (or_(col(target.seen_at).is_not(None), col(Notification.read_at).is_not(None)), SEEN),
        (col(target.told_at).is_not(None), TOLD),
        (col(Outgoing.given_up_at).is_not(None), FAILED),
        (col(target.handed_at).is_not(None), HANDED),
        else_=WAITING,
    )
