"""Writing what the assistant says into a conversation, each answer with its Receipt."""

from dataclasses import asdict
from typing import Any

from sqlmodel import Session

from assistant.answering import (
    Abstained,
    Answered,
    Clarification,
    Judged,
    Words,
    give,
    name_answer,
)
from assistant.conversations import ASSISTANT, Conversation, Turn, add_turn
from assistant.dialogue import Utterance
from assistant.phrases import phrase
from assistant.receipts import Receipt


def speak(session: Session, conversation: Conversation, said: Utterance) -> Turn:
    """Write one utterance into the conversation, with its Receipt where it answers a question."""
    if said.chosen:
        return _give_chosen(session, conversation, said.chosen, said.searched.get("receipt"))
    if said.judged:
        return _give_reply(session, conversation, said.judged, said.searched)
    assert said.phrase is not None
    if said.asked_again:
        return _ask_again(session, conversation, said.asked_again)
    kind = "offer" if said.reason else "phrase"
    return say_phrase(session, conversation, said.phrase, kind, reason=said.reason)


def _ask_again(session: Session, conversation: Conversation, asked: Turn) -> Turn:
    """The same options once more, on the same receipt."""
    detail = {k: asked.detail[k] for k in ("options", "search", "locale") if k in asked.detail}
    turn = say_phrase(session, conversation, "choose_one", "clarify", **detail)
    turn.receipt_id = asked.receipt_id
    session.add(turn)
    return turn


def say_phrase(
    session: Session, conversation: Conversation, name: str, kind: str = "phrase", **detail: Any
) -> Turn:
    """Approved words that answer nothing."""
    words = phrase(session, name, conversation.locale)
    kept = {"name": name, "version": words.version, "sha256": words.sha256}
    detail = {key: value for key, value in detail.items() if value is not None}
    return add_turn(
        session,
        conversation,
        ASSISTANT,
        kind,
        words.text,
        locale=words.locale,
        detail={"phrase": kept, **detail},
    )


def _give_reply(
    session: Session, conversation: Conversation, judged: Judged, searched: dict[str, Any]
) -> Turn:
    reply = give(session, judged, conversation.channel, conversation.audience)
    if searched:
        reply.receipt.detail = reply.receipt.detail | {"dialogue": searched}
    session.flush()
    outcome = reply.outcome
    detail = _detail(outcome) | {"search": judged.question.text, "locale": judged.question.locale}
    if isinstance(outcome, Answered):
        return _answer_turn(session, conversation, outcome.words, reply.receipt, detail)
    asks_back = isinstance(outcome, Clarification)
    name = "choose_one" if asks_back else _abstaining(outcome)
    kind = "clarify" if asks_back else "abstained"
    turn = say_phrase(session, conversation, name, kind, **detail)
    turn.receipt_id = reply.receipt.id
    session.add(turn)
    return turn


def _abstaining(outcome: object) -> str:
    is_unsure = isinstance(outcome, Abstained) and outcome.reason == "not_sure"
    return "not_sure" if is_unsure else "no_answer"


def _detail(outcome: Answered | Clarification | Abstained) -> dict[str, Any]:
    """What was shown beside the words, as ids."""
    if isinstance(outcome, Clarification):
        return {"options": [_noted(words) for words in outcome.options]}
    detail: dict[str, Any] = {"related": [_noted(words) for words in outcome.related]}
    if isinstance(outcome, Abstained):
        return detail | {"reason": outcome.reason}
    return detail | ({"passage": asdict(outcome.passage)} if outcome.passage else {})


def _noted(words: Words) -> dict[str, Any]:
    return {"article": words.slug, "revision": words.revision.id}


def _answer_turn(
    session: Session,
    conversation: Conversation,
    words: Words,
    receipt: Receipt,
    detail: dict[str, Any],
) -> Turn:
    return add_turn(
        session,
        conversation,
        ASSISTANT,
        "answer",
        words.revision.answer,
        locale=words.revision.locale,
        receipt_id=receipt.id,
        revision_id=words.revision.id,
        detail=detail,
    )


def _give_chosen(
    session: Session, conversation: Conversation, words: Words, asked_in: str | None
) -> Turn:
    """The option that the customer picked is the answer to what they had asked."""
    asked = session.get(Receipt, asked_in) if asked_in else None
    question = asked.question if asked else words.revision.title
    receipt = Receipt(
        epoch=asked.epoch if asked else 0,
        channel=conversation.channel,
        audience=conversation.audience,
        question=question,
        locale=conversation.locale,
        outcome="answered",
        confidence=1.0,
        detail=(asked.detail if asked else {}) | {"chosen_from": asked_in},
    )
    name_answer(receipt, words)
    session.add(receipt)
    session.flush()
    detail = {"related": [], "search": question, "locale": conversation.locale}
    return _answer_turn(session, conversation, words, receipt, detail)
