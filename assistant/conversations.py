"""A customer's conversation: who, where from, and every turn of it.

    open ─hand_off→ waiting ─claim→ with_agent ─resolve→ resolved        open ─resolve→ resolved

The label follows from the facts: what became of the newest Handoff, and `ended_at`.
"""

import hashlib
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, func
from sqlmodel import Field, Session, SQLModel, col, select

from assistant import live
from kb.articles import CONTROL
from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid, NotFound

TEXT_LIMIT = 4000
TURNS_LIMIT = 1000
CLIENT_ID_LIMIT = 80
CUSTOMER, ASSISTANT, AGENT, SYSTEM, NOTE = "customer", "assistant", "agent", "system", "note"
# What only staff may read.
STAFF_AUTHORS = frozenset({NOTE})


def _json(default: type) -> Any:
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


class Conversation(SQLModel, table=True):
    """One customer's talk on one channel; its id says nothing, its token opens it."""

    id: str = Field(default_factory=lambda: secrets.token_urlsafe(12), primary_key=True)
    started_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    channel: str
    audience: str
    locale: str
    customer_id: str | None = Field(default=None, index=True)
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    attributes: dict[str, Any] = _json(dict)
    page_url: str | None = None
    page_title: str | None = None
    pages: list[dict[str, Any]] = _json(list)
    searches: list[dict[str, Any]] = _json(list)
    facts: list[dict[str, Any]] = _json(list)
    # The customer's own correction of what they want; else it is read from the turns.
    want: str | None = None
    customer_read: int = 0
    agent_read: int = 0
    solved: bool | None = None
    score: int | None = None
    comment: str = ""
    asked_solved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    followed_up_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def is_verified(self) -> bool:
        """Whether the website has vouched for who this is."""
        return self.customer_id is not None


class ConversationToken(SQLModel, table=True):
    """A secret that opens one conversation, on one device; only its digest is kept."""

    digest: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Turn(SQLModel, table=True):
    """One thing said, numbered within its conversation.

    `kind` is message, answer, clarify, abstained, phrase, offer, status or note; `detail` holds
    what was shown beside the words, as ids of Revisions, so that it can be shown again.
    """

    __table_args__ = (
        UniqueConstraint("conversation_id", "number"),
        UniqueConstraint("conversation_id", "client_id"),
        Index("ix_turn_conversation", "conversation_id", "number"),
    )

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id")
    number: int
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    author: str
    kind: str
    locale: str
    text: str
    person_id: int | None = Field(default=None, foreign_key="person.id")
    client_id: str | None = None
    receipt_id: str | None = Field(default=None, foreign_key="receipt.id", index=True)
    revision_id: int | None = Field(default=None, foreign_key="revision.id", index=True)
    deviates: bool = False
    helped: bool | None = None
    comment: str = ""
    detail: dict[str, Any] = _json(dict)

    @property
    def is_for_staff(self) -> bool:
        """Whether the customer must not see it."""
        return self.author in STAFF_AUTHORS


def start_conversation(
    session: Session, channel: str, audience: str, locale: str, **context: Any
) -> tuple[Conversation, str]:
    """A new conversation and the token that opens it."""
    conversation = Conversation(channel=channel, audience=audience, locale=locale, **context)
    session.add(conversation)
    session.flush()
    return conversation, add_token(session, conversation)


def add_token(session: Session, conversation: Conversation) -> str:
    """One more secret that opens the conversation; this is the only time it is readable."""
    secret = f"vc_{secrets.token_urlsafe(24)}"
    session.add(ConversationToken(digest=_digest(secret), conversation_id=conversation.id))
    session.flush()
    return secret


def open_with(session: Session, conversation_id: str, token: str) -> Conversation:
    """The conversation that this token opens. Raises NotFound for any other."""
    found = session.get(ConversationToken, _digest(token)) if len(token) <= 200 else None
    if found is None or not secrets.compare_digest(
        found.conversation_id.encode(), conversation_id.encode(errors="replace")
    ):
        raise NotFound("there is no such conversation, or this token does not open it")
    return get_conversation(session, conversation_id)


def get_conversation(session: Session, conversation_id: str) -> Conversation:
    """The conversation of that id, as it is now. Raises NotFound."""
    found = session.get(Conversation, conversation_id, populate_existing=True)
    if found is None:
        raise NotFound("there is no such conversation")
    return found


def conversations_of(
    session: Session, customer_id: str, besides: str = "", limit: int = 20
) -> list[Conversation]:
    """A signed-in customer's conversations, the one that moved last first."""
    query = (
        select(Conversation)
        .where(Conversation.customer_id == customer_id, Conversation.id != besides)
        .order_by(col(Conversation.changed_at).desc())
    )
    return list(session.exec(query.limit(limit)))


def turns_of(session: Session, conversation_id: str, after: int = 0) -> list[Turn]:
    """All turns in order, those of staff among themselves included."""
    query = select(Turn).where(Turn.conversation_id == conversation_id, Turn.number > after)
    return list(session.exec(query.order_by(col(Turn.number))))


def get_turn(session: Session, conversation: Conversation, number: int) -> Turn:
    """One turn by its number. Raises NotFound."""
    query = select(Turn).where(Turn.conversation_id == conversation.id, Turn.number == number)
    found = session.exec(query).first() if 0 < number <= TURNS_LIMIT * 10 else None
    if found is None:
        raise NotFound(f"this conversation has no turn {number}")
    return found


def sent_before(session: Session, conversation: Conversation, client_id: str | None) -> Turn | None:
    """The turn that this very sending has already made. Raises Invalid for an overlong id."""
    if client_id is None:
        return None
    if not 0 < len(client_id) <= CLIENT_ID_LIMIT or CONTROL.search(client_id):
        raise Invalid(f"client_id has 1 to {CLIENT_ID_LIMIT} characters", "client_id")
    query = select(Turn).where(Turn.conversation_id == conversation.id, Turn.client_id == client_id)
    return session.exec(query).first()


def add_turn(
    session: Session, conversation: Conversation, author: str, kind: str, text: str, **more: Any
) -> Turn:
    """Write the next turn and tell whoever is watching. The caller holds the write lock.

    Raises Conflict when the conversation has become too long.
    """
    number = 1 + (last_number(session, conversation.id) or 0)
    if number > TURNS_LIMIT and author == CUSTOMER:
        raise Conflict("this conversation is too long; start a new one")
    more.setdefault("locale", conversation.locale)
    turn = Turn(
        conversation_id=conversation.id,
        number=number,
        author=author,
        kind=kind,
        text=text,
        **more,
    )
    conversation.changed_at = turn.at
    session.add(turn)
    session.add(conversation)
    session.flush()
    tell_turn(session, turn)
    return turn


def tell_turn(session: Session, turn: Turn) -> None:
    """Whoever is watching will see this turn, new or changed."""
    live.tell(
        session, turn.conversation_id, "turn", {"n": turn.number}, staff_only=turn.is_for_staff
    )


def last_number(session: Session, conversation_id: str) -> int:
    """How many turns there are; 0 for none."""
    query = select(func.max(Turn.number)).where(Turn.conversation_id == conversation_id)
    return session.exec(query).one() or 0


def clean_text(text: str) -> str:
    """What was typed, without control characters. Raises Invalid when empty or too long."""
    cleaned = CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not cleaned:
        raise Invalid("the message is empty; write something", "text")
    if len(cleaned) > TEXT_LIMIT:
        raise Invalid(
            f"the message has {len(cleaned):,} characters; shorten it to {TEXT_LIMIT:,}", "text"
        )
    return cleaned


def mark_read(session: Session, conversation: Conversation, by: str, number: int) -> None:
    """One side has seen the turns up to this one."""
    number = min(number, last_number(session, conversation.id))
    field = "customer_read" if by == CUSTOMER else "agent_read"
    if number > getattr(conversation, field):
        setattr(conversation, field, number)
        session.add(conversation)
        live.tell(session, conversation.id, "read", {"author": by, "n": number})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
