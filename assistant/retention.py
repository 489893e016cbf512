"""Forgetting: conversations after VERBATIM_RETENTION_DAYS, and what serves for a while only."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine
from sqlmodel import Session, col, delete, select

from assistant.conversations import Conversation
from assistant.ending import erase_words
from assistant.handoffs import Handoff
from assistant.impact_runs import ImpactRun
from assistant.live import LiveEvent
from assistant.outgoing import Outgoing
from kb.db import now, reading, transaction
from kb.password_resets import KEPT, PasswordReset
from kb.settings import Settings
from kb.sign_in import IDLE, WINDOW, SignInFailure, StaffSession

LIVE_EVENTS = timedelta(days=7)
# That something was sent, or never could be.
OUTGOING = timedelta(days=30)
# What a publication would have changed, with the questions that it was about.
IMPACTS = timedelta(days=30)
# Conversations erased in one transaction; others write in between.
BATCH = 50


def forget_old(engine: Engine, settings: Settings, at: datetime | None = None) -> int:
    """Erase what has grown too old; how many conversations that was."""
    at = at or now()
    with transaction(engine) as session:
        _forget_short_lived(session, at)
    if not settings.retention_days:
        return 0
    before = at - timedelta(days=settings.retention_days)
    erased = 0
    while ids := _old_ones(engine, before):
        erased += _erase(engine, ids, before)
    return erased


def _old_ones(engine: Engine, before: datetime) -> list[str]:
    with reading(engine) as session:
        query = select(Conversation.id).where(*_is_old(before)).limit(BATCH)
        return list(session.exec(query.order_by(col(Conversation.changed_at))))


def _is_old(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Nothing has moved since, and nobody still has to do something about it."""
    is_open = select(Handoff.id).where(
        Handoff.conversation_id == Conversation.id,
        col(Handoff.resolved_at).is_(None),
        col(Handoff.cancelled_at).is_(None),
    )
    return col(Conversation.changed_at) < before, ~is_open.exists()


def _erase(engine: Engine, ids: list[str], before: datetime) -> int:
    with transaction(engine) as session:
        query = select(Conversation).where(col(Conversation.id).in_(ids), *_is_old(before))
        found = session.exec(query).all()
        for conversation in found:
            erase_words(session, conversation)
        return len(found)


def _forget_short_lived(session: Session, at: datetime) -> None:
    """Old news, sign-ins that ended, and what left long ago."""
    old = col(Outgoing.created_at) < at - OUTGOING
    for gone in (
        delete(LiveEvent).where(col(LiveEvent.at) < at - LIVE_EVENTS),
        delete(StaffSession).where(col(StaffSession.expires_at) < at),
        delete(StaffSession).where(col(StaffSession.seen_at) < at - IDLE),
        delete(SignInFailure).where(col(SignInFailure.at) < at - WINDOW),
        delete(PasswordReset).where(col(PasswordReset.created_at) < at - KEPT),
        delete(Outgoing).where(col(Outgoing.delivered_at).is_not(None), old),
        delete(Outgoing).where(col(Outgoing.given_up_at).is_not(None), old),
        delete(ImpactRun).where(col(ImpactRun.created_at) < at - IMPACTS),
    ):
        session.execute(gone)
