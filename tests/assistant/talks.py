"""Conversations that the tests begin from, written without asking anything."""

from typing import Any

from sqlmodel import Session

from assistant.conversations import (
    ASSISTANT,
    CUSTOMER,
    NOTE,
    Conversation,
    add_turn,
    start_conversation,
)
from assistant.desk.cases import claim, hand_off, resolve
from assistant.desk.presence import set_presence
from assistant.handoffs import Handoff
from kb.articles import Revision, find_article
from kb.publishing import live_publication
from tests.cast import DELIVERY_COSTS, omar, published

QUESTION = "how much is shipping to <b>Rome</b>?"


def talk(session: Session, locale: str = "en", **more: Any) -> Conversation:
    """A question, its approved answer, and a note that is for staff."""
    conversation, _token = start_conversation(session, "widget", "public", locale, **more)
    revision = delivery_costs(session)
    add_turn(session, conversation, CUSTOMER, "message", QUESTION)
    add_turn(session, conversation, ASSISTANT, "answer", revision.answer, revision_id=revision.id)
    add_turn(session, conversation, NOTE, "note", "they sound cross")
    return conversation


def delivery_costs(session: Session) -> Revision:
    """The live answer, published the first time."""
    article = find_article(session, "delivery-costs")
    if article is None or article.id is None:
        return published(session, "delivery-costs", DELIVERY_COSTS)
    live = live_publication(session, article.id, "en")
    assert live is not None
    return live.revision


def handed_off(session: Session, conversation: Conversation) -> Handoff:
    """In the queue."""
    return hand_off(session, conversation)


def resolved(session: Session, conversation: Conversation) -> Handoff:
    """Taken and done by omar."""
    handoff, agent = hand_off(session, conversation), omar(session)
    set_presence(session, agent, online=True)
    claim(session, handoff, agent)
    resolve(session, handoff, agent, "answered", delivery_costs(session))
    return handoff
