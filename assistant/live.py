"""What has just happened in conversations, in order, for whoever is watching.

The rows are the truth; a watcher who was away reads on from the last one it has seen.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, delete, func, text
from sqlmodel import Field, Session, SQLModel, col, select

from kb.db import UtcDateTime, now

# PostgreSQL's channel for waking other processes.
WAKE = "verbatim_live"
TYPING = "typing"
TYPING_SECONDS = 30


class LiveEvent(SQLModel, table=True):
    """One thing that watchers of a conversation are told; ids are never used twice."""

    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: str = Field(index=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    kind: str
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    staff_only: bool = False


def tell(
    session: Session,
    conversation_id: str,
    kind: str,
    data: dict[str, Any],
    staff_only: bool = False,
) -> None:
    """Tell watchers once the transaction is committed. The caller holds the write lock."""
    session.add(
        LiveEvent(conversation_id=conversation_id, kind=kind, data=data, staff_only=staff_only)
    )
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"NOTIFY {WAKE}"))


def tell_typing(session: Session, conversation_id: str, author: str, name: str | None) -> None:
    """Somebody is typing; what is older than a moment is forgotten."""
    long_ago = now() - timedelta(seconds=TYPING_SECONDS)
    old = (col(LiveEvent.kind) == TYPING, col(LiveEvent.at) < long_ago)
    session.execute(
        delete(LiveEvent).where(col(LiveEvent.conversation_id) == conversation_id, *old)
    )
    tell(session, conversation_id, TYPING, {"author": author, "name": name})


def last_event(session: Session) -> int:
    """The id of the newest event; 0 for none."""
    return session.exec(select(func.max(LiveEvent.id))).one() or 0


def events_after(
    session: Session, last: int, conversation_id: str | None = None, limit: int = 500
) -> list[LiveEvent]:
    """What happened after that event, oldest first; in one conversation or in all."""
    query = select(LiveEvent).where(col(LiveEvent.id) > last).order_by(col(LiveEvent.id))
    if conversation_id is not None:
        query = query.where(LiveEvent.conversation_id == conversation_id)
    return list(session.exec(query.limit(limit)))
