"""How a question ended for the customer, as far as can be told.

    answered ─ said that it helped → confirmed
             ─ nothing further within 7 days → assumed
             ─ nothing further, but 7 days are not over → open
             ─ did not help, asked on, or wanted a person → came_back

What is confirmed is never mixed with what is assumed. Something further is a message in the same
conversation, one in another conversation of the same customer, or the wish for a person; thanks
and goodbye are nothing further.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from assistant.conversations import CUSTOMER, Conversation, Turn
from assistant.feedback import Feedback
from assistant.handoffs import Handoff
from assistant.intents import COURTESIES
from assistant.receipts import Receipt
from kb.clocks import DaysBetween

CONFIRMED, ASSUMED, OPEN, CAME_BACK = "confirmed", "assumed", "open", "came_back"
CLARIFY, ABSTAINED = "clarify", "abstained"
ENDINGS = (CONFIRMED, ASSUMED, OPEN, CAME_BACK, CLARIFY, ABSTAINED)
# So many days without another word, and an answer is assumed to have been enough.
QUIET = timedelta(days=7)


def with_ending(query: Any, is_settled: ColumnElement[bool]) -> Any:
    """A query over receipts with one more column, `ending`; settled are those whose 7 days are
    over."""
    said, told = _verdicts(), _places()
    quiet = case((is_settled, ASSUMED), else_=OPEN)
    ending = case(
        (col(Receipt.outcome) != "answered", col(Receipt.outcome)),
        (said.c.did_not == 1, CAME_BACK),
        (said.c.helped == 1, CONFIRMED),
        (told.c.number.is_(None), quiet),
        (and_(col(Conversation.solved).is_(True), ~_needed_a_person()), CONFIRMED),
        (_was_not_enough(told.c.number), CAME_BACK),
        else_=quiet,
    )
    return (
        query.add_columns(ending.label("ending"))
        .outerjoin(said, said.c.receipt_id == Receipt.id)
        .outerjoin(told, told.c.receipt_id == Receipt.id)
        .outerjoin(Conversation, col(Conversation.id) == told.c.conversation_id)
    )


def _verdicts() -> Any:
    """What was said of a reply."""
    helped = col(Feedback.helped)
    return (
        select(
            col(Feedback.receipt_id),
            func.max(case((helped.is_(True), 1), else_=0)).label("helped"),
            func.max(case((helped.is_(False), 1), else_=0)).label("did_not"),
        )
        .where(col(Feedback.receipt_id).is_not(None))
        .group_by(col(Feedback.receipt_id))
        .subquery()
    )


def _places() -> Any:
    """Where in a conversation a reply was given."""
    return (
        select(
            col(Turn.receipt_id),
            func.min(Turn.conversation_id).label("conversation_id"),
            func.max(Turn.number).label("number"),
        )
        .where(col(Turn.receipt_id).is_not(None))
        .group_by(col(Turn.receipt_id))
        .subquery()
    )


def _needed_a_person() -> ColumnElement[bool]:
    return select(Handoff.id).where(Handoff.conversation_id == Conversation.id).exists()


def _was_not_enough(number: ColumnElement[int]) -> ColumnElement[bool]:
    """Something further was heard within the 7 days after that turn of the conversation."""
    later, elsewhere = aliased(Turn), aliased(Conversation)
    went_on = select(later.id).where(
        later.conversation_id == Conversation.id, later.number > number, _is_contact(later)
    )
    person = select(Handoff.id).where(
        Handoff.conversation_id == Conversation.id, _soon(Handoff.created_at)
    )
    returned = (
        select(later.id)
        .join(elsewhere, col(elsewhere.id) == col(later.conversation_id))
        .where(
            elsewhere.customer_id == Conversation.customer_id,
            elsewhere.id != Conversation.id,
            _is_contact(later),
        )
    )
    return or_(went_on.exists(), person.exists(), returned.exists())


def _is_contact(turn: Any) -> ColumnElement[bool]:
    """The customer said something, soon after, that was more than a courtesy."""
    reply = aliased(Turn)
    courtesy = select(reply.id).where(
        reply.conversation_id == turn.conversation_id,
        reply.number == turn.number + 1,
        reply.kind == "phrase",
        col(reply.detail)["phrase", "name"].as_string().in_(COURTESIES),
    )
    return and_(turn.author == CUSTOMER, _soon(turn.at), ~courtesy.exists())


def _soon(moment: Any) -> ColumnElement[bool]:
    """After the reply, within the 7 days."""
    days = DaysBetween(Receipt.issued_at, moment)
    return and_(col(moment) >= col(Receipt.issued_at), days <= QUIET.days)
