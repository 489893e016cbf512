"""What must leave the house: mail and webhooks, kept until delivered or given up.

waiting ─deliver→ delivered      waiting ─fail→ waiting (later) ─ten times→ given up ─retry→ waiting
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, select

from kb.db import UtcDateTime, now


class Outgoing(SQLModel, table=True):
    """One message to the world outside; `key` is used once, so nothing is sent twice."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, index=True)
    kind: str
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    attempts: int = 0
    next_at: datetime | None = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    given_up_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str = ""


def queue(session: Session, kind: str, key: str, data: dict[str, Any]) -> bool:
    """Send this once the transaction is committed; False when the key was used before.

    The caller holds the write lock.
    """
    if session.exec(select(Outgoing.id).where(Outgoing.key == key)).first() is not None:
        return False
    session.add(Outgoing(kind=kind, key=key, data=data))
    session.flush()
    return True
