"""The append-only record of what happened; its last id is the store's epoch."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, func
from sqlmodel import Field, Session, SQLModel, col, select

from kb.db import UtcDateTime, now, written_once
from kb.people import Person

# Events that can change what customers are told; the rest leave the index as it is.
LIVE_KINDS = frozenset({"published", "withdrawn", "went_live", "expired", "schedule_cancelled"})


@written_once
class Event(SQLModel, table=True):
    """One thing somebody did; never changed, never deleted."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    kind: str = Field(index=True)
    article_id: int | None = Field(default=None, foreign_key="article.id", index=True)
    locale: str | None = None
    version: int | None = None
    by_id: int | None = Field(default=None, foreign_key="person.id")
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


# Asked with every question, so built once.
LAST_EVENT = select(func.max(Event.id))


def record(
    session: Session,
    kind: str,
    by: Person | None,
    article_id: int | None = None,
    locale: str | None = None,
    version: int | None = None,
    **data: Any,
) -> Event:
    """Add an Event to the running transaction."""
    event = Event(
        kind=kind,
        article_id=article_id,
        locale=locale,
        version=version,
        by_id=by.id if by else None,
        data=data,
    )
    session.add(event)
    session.flush()
    return event


def record_about(
    session: Session, kind: str, person: Person, by: Person | None, **data: Any
) -> Event:
    """Add an Event about somebody on the staff; `by` is None for the command line."""
    return record(session, kind, by, person=person.id, email=person.email, **data)


def live_epoch(session: Session) -> int:
    """The id of the last Event that can have changed what customers are told; 0 for none."""
    last = select(func.max(Event.id)).where(col(Event.kind).in_(LIVE_KINDS))
    return session.execute(last).scalar_one() or 0


def epoch(session: Session) -> int:
    """The id of the last Event; 0 for an empty store."""
    return session.execute(LAST_EVENT).scalar_one() or 0
