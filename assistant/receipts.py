"""What was said, to which question, when, on which channel, from which Revision."""

import secrets
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel

from kb.db import UtcDateTime, now
from kb.errors import NotFound

# The outcome of a receipt that nobody asked for: an earlier answer was wrong, and this is right.
CORRECTED = "corrected"
# Whether what is asked just now is an audit's: its receipts are no customer's questions.
auditing: ContextVar[bool] = ContextVar("auditing", default=False)


class Receipt(SQLModel, table=True):
    """One reply on one channel; its id is unguessable, so whoever has it may read it."""

    id: str = Field(default_factory=lambda: secrets.token_urlsafe(12), primary_key=True)
    issued_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    epoch: int
    channel: str
    audience: str
    question: str
    locale: str
    outcome: str
    confidence: float
    article_id: int | None = Field(default=None, foreign_key="article.id", index=True)
    revision_id: int | None = Field(default=None, foreign_key="revision.id")
    article: str | None = None
    version: int | None = None
    answer_locale: str | None = None
    answer_sha256: str | None = None
    is_audit: bool = Field(default_factory=auditing.get)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


def get_receipt(session: Session, receipt_id: str) -> Receipt:
    """The receipt of that id. Raises NotFound."""
    receipt = session.get(Receipt, receipt_id) if len(receipt_id) <= 64 else None
    if receipt is None:
        raise NotFound("there is no such receipt")
    return receipt
