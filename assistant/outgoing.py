"""What must leave the house: mail and webhooks, kept until delivered or given up.

    waiting ─deliver→ delivered
    waiting ─fail→ waiting, later ─for the tenth time→ given up ─retry→ waiting

A message is claimed in one transaction, delivered outside any, and marked in another. Whoever
crashes in between leaves it claimed for a while; it then goes out once more under the same key.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import JSON, Column, Engine
from sqlmodel import Field, Session, SQLModel, col, select

from kb.db import UtcDateTime, now, reading, transaction
from kb.errors import NotFound

ATTEMPTS = 10
# The nine waits between ten attempts grow evenly from the first to the longest.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
# So that many messages that failed together do not come back together.
JITTER = 0.2
# Longer than any delivery takes.
CLAIMED_FOR = timedelta(minutes=5)
ERROR_LIMIT = 300
# Seconds; what is slower has failed.
TIMEOUT = 10.0


class Undeliverable(Exception):
    """It will never arrive, however often it is tried; the message says why."""


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


# Delivers one message, or raises: Undeliverable for ever, anything else for now.
Sender = Callable[[Outgoing], None]


def queue(
    session: Session, kind: str, key: str, data: dict[str, Any], at: datetime | None = None
) -> bool:
    """Send this once the transaction is committed; False when the key was used before.

    The caller holds the write lock.
    """
    if session.exec(select(Outgoing.id).where(Outgoing.key == key)).first() is not None:
        return False
    at = at or now()
    session.add(Outgoing(kind=kind, key=key, data=data, created_at=at, next_at=at))
    session.flush()
    return True


def deliver_due(
    engine: Engine, senders: Mapping[str, Sender], at: datetime | None = None
) -> tuple[int, int]:
    """Deliver what is due, oldest first; how many went out and how many failed.

    After a failure the rest of its kind waits for the next call: the peer may be away.
    """
    at = at or now()
    kinds, delivered, failed = set(senders), 0, 0
    while kinds and (message := _claim(engine, kinds, at)):
        if _deliver(engine, senders[message.kind], message, at):
            delivered += 1
        else:
            failed += 1
            kinds.discard(message.kind)
    return delivered, failed


def _claim(engine: Engine, kinds: set[str], at: datetime) -> Outgoing | None:
    """The oldest message that is due, and nobody else's for a while."""
    due = (
        select(Outgoing)
        .where(col(Outgoing.next_at) <= at, col(Outgoing.kind).in_(kinds))
        .order_by(col(Outgoing.next_at), col(Outgoing.id))
        .limit(1)
    )
    with reading(engine) as session:
        # Looked at without the lock first: mostly there is nothing.
        if session.exec(due).first() is None:
            return None
    with transaction(engine) as session:
        message = session.exec(due).first()
        if message:
            # Counted before, so that what brings the process down is not tried for ever.
            message.attempts += 1
            message.next_at = at + CLAIMED_FOR
            session.add(message)
        return message


def _deliver(engine: Engine, send: Sender, message: Outgoing, at: datetime) -> bool:
    try:
        send(message)
    except Exception as error:
        is_final = isinstance(error, Undeliverable) or message.attempts >= ATTEMPTS
        _mark_failed(engine, message, _said(error), at, is_final)
        return isinstance(error, Undeliverable)
    _mark_delivered(engine, message, at)
    return True


def _said(error: Exception) -> str:
    words = " ".join(str(error).split())
    named = words if isinstance(error, Undeliverable) else f"{type(error).__name__}: {words}"
    return named[:ERROR_LIMIT]


def _mark_delivered(engine: Engine, message: Outgoing, at: datetime) -> None:
    """The words have left; only that they did is kept."""
    with transaction(engine) as session:
        found = session.get(Outgoing, message.id)
        if found:
            found.delivered_at, found.next_at = at, None
            found.data, found.error = {}, ""
            session.add(found)


def _mark_failed(
    engine: Engine, message: Outgoing, error: str, at: datetime, is_final: bool
) -> None:
    with transaction(engine) as session:
        found = session.get(Outgoing, message.id)
        if found:
            found.error = error
            found.next_at = None if is_final else at + wait_after(found.key, found.attempts)
            found.given_up_at = at if is_final else None
            session.add(found)


def wait_after(key: str, attempts: int) -> timedelta:
    """How long to wait after so many attempts; the same for the same message."""
    ratio: float = (LONGEST_WAIT / FIRST_WAIT) ** (1 / (ATTEMPTS - 2))
    spread = int.from_bytes(sha256(f"{key} {attempts}".encode()).digest()[:4]) / 2**32
    return FIRST_WAIT * ratio ** (attempts - 1) * (1 + JITTER * (spread - 0.5))


def undelivered(session: Session) -> list[Outgoing]:
    """What waits, and what was given up, oldest first."""
    query = select(Outgoing).where(col(Outgoing.delivered_at).is_(None))
    return list(session.exec(query.order_by(col(Outgoing.id))))


def retry(session: Session, message_id: int | None = None, at: datetime | None = None) -> int:
    """Put back one message that was given up, or all of them; how many they were.

    Raises NotFound for an id that was not given up.
    """
    query = select(Outgoing).where(col(Outgoing.given_up_at).is_not(None))
    if message_id is not None:
        query = query.where(Outgoing.id == message_id)
    found = session.exec(query).all()
    if message_id is not None and not found:
        raise NotFound(f"no message {message_id} was given up; see `verbatim outgoing`")
    for message in found:
        message.given_up_at, message.next_at, message.attempts = None, at or now(), 0
        session.add(message)
    return len(found)
