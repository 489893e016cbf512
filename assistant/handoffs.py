"""Handing a conversation to a person: the request, its place in the queue, its end.

waiting ─claim→ with_agent ─resolve→ resolved      with_agent ─give_back→ waiting (in front)
waiting ─cancel→ cancelled                         resolved ─reopen→ with_agent | waiting
"""

from datetime import datetime
from typing import Any

from sqlmodel import Field, Session, SQLModel, col, select

from assistant import live
from assistant.conversations import Conversation
from kb.db import UtcDateTime, now
from kb.errors import NotFound

WAITING, WITH_AGENT, RESOLVED, CANCELLED = "waiting", "with_agent", "resolved", "cancelled"
WISHES = ("wait", "callback", "email")
REASONS = ("request", "failures", "complaint", "frustration", "people_only", "other")
DISPOSITIONS = ("answered", "new", "other")


class Handoff(SQLModel, table=True):
    """A customer's wish for a person, and what became of it: facts with who and when."""

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    reason: str
    wish: str = "wait"
    locale: str
    skill: str = ""
    offered_to_id: int | None = Field(default=None, foreign_key="person.id")
    offered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # Meant for one person; nobody else is offered it, though anybody may take it.
    meant_for_id: int | None = Field(default=None, foreign_key="person.id")
    claimed_by_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    claimed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    returned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cancelled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resolved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resolved_by_id: int | None = Field(default=None, foreign_key="person.id")
    disposition: str | None = None
    revision_id: int | None = Field(default=None, foreign_key="revision.id")
    note: str = ""
    # What the customer was last told, so that only changes are.
    told_position: int | None = None
    told_seconds: int | None = None
    told_choice: bool = False

    @property
    def status(self) -> str:
        """`waiting`, `with_agent`, `resolved` or `cancelled`."""
        if self.cancelled_at:
            return CANCELLED
        if self.resolved_at:
            return RESOLVED
        return WITH_AGENT if self.claimed_by_id else WAITING

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.status in (WAITING, WITH_AGENT)


def latest_handoff(session: Session, conversation_id: str) -> Handoff | None:
    """The newest Handoff of a conversation, whatever became of it."""
    query = select(Handoff).where(Handoff.conversation_id == conversation_id)
    return session.exec(query.order_by(col(Handoff.id).desc()).limit(1)).first()


def get_handoff(session: Session, handoff_id: int) -> Handoff:
    """The Handoff of that id, as it is now. Raises NotFound."""
    found = session.get(Handoff, handoff_id, populate_existing=True) if handoff_id > 0 else None
    if found is None:
        raise NotFound("there is no such handoff")
    return found


def status_of(conversation: Conversation, handoff: Handoff | None) -> str:
    """`open`, `waiting`, `with_agent` or `resolved`: the conversation's own label."""
    if handoff and handoff.is_open:
        return handoff.status
    return RESOLVED if conversation.ended_at else "open"


def tell_handoff(session: Session, handoff: Handoff, **data: Any) -> None:
    """Customer and desk will see where this stands now."""
    session.add(handoff)
    session.flush()
    live.tell(session, handoff.conversation_id, "conversation", {"handoff": handoff.id, **data})
