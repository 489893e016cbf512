"""One message in, everything it brings about out: judged first, then written in one transaction.

Judging takes as long as an embedding; meanwhile others may write. So what was judged is checked
against the conversation as it is when it is written.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.answering import remember
from assistant.conversations import (
    ASSISTANT,
    CUSTOMER,
    Conversation,
    Turn,
    add_turn,
    clean_text,
    get_turn,
    open_with,
    sent_before,
    tell_turn,
    turns_of,
)
from assistant.desk.cases import hand_off
from assistant.desk.hours import Hours, parse_hours
from assistant.desk.queue import sweep
from assistant.dialogue import (
    FAILURES,
    Listener,
    Utterance,
    failures_in,
    listen,
    pick,
)
from assistant.feedback import COMMENT_LIMIT, Feedback
from assistant.handoffs import Handoff, latest_handoff
from assistant.personal import facts_in
from assistant.rewriting import Rewriter
from assistant.speaking import say_phrase, speak
from kb.articles import CONTROL, Revision
from kb.db import reading, transaction
from kb.errors import Conflict, Invalid
from kb.settings import Settings
from retriever.index import Index

FACTS_LIMIT = 50


@dataclass(frozen=True)
class Assistant:
    """The opened parts that a conversation needs."""

    engine: Engine
    index: Index
    settings: Settings
    rewriter: Rewriter | None = None
    hours: Hours = field(init=False)

    def __post_init__(self) -> None:
        hours = parse_hours(self.settings.desk_hours, self.settings.desk_timezone)
        object.__setattr__(self, "hours", hours)

    def listener(self, session: Session, conversation: Conversation, turns: list[Turn]) -> Listener:
        """What judging a message of that conversation needs."""
        return Listener(
            session,
            self.index,
            self.settings.locales,
            conversation,
            turns,
            self.rewriter,
            frozenset(self.settings.people_only),
        )


def take_message(
    assistant: Assistant, conversation_id: str, token: str, text: str, client_id: str | None = None
) -> list[Turn]:
    """The customer's turn and everything said to it; the same client_id again changes nothing.

    Raises Invalid for an empty or overlong text, NotFound for a token that does not open this.
    """
    text = clean_text(text)

    def judge(listener: Listener) -> list[Utterance]:
        return listen(listener, text)

    return _exchange(assistant, conversation_id, token, text, client_id, judge)


def take_choice(
    assistant: Assistant,
    conversation_id: str,
    token: str,
    number: int,
    slug: str | None,
    client_id: str | None = None,
) -> list[Turn]:
    """The customer clicked an option of a clarification, or `None` of them.

    Raises Invalid for what was not offered.
    """
    with reading(assistant.engine) as session:
        conversation = open_with(session, conversation_id, token)
        asked = get_turn(session, conversation, number)
        options = {o["article"]: o["revision"] for o in asked.detail.get("options", [])}
        if asked.kind != "clarify" or (slug is not None and slug not in options):
            raise Invalid("choose one of the articles that this turn offers", "article")
        title = session.get(Revision, options[slug]) if slug else None
        text = title.title if title else "—"

    def judge(listener: Listener) -> list[Utterance]:
        return pick(listener, asked, slug)

    return _exchange(assistant, conversation_id, token, text, client_id, judge)


def _exchange(
    assistant: Assistant,
    conversation_id: str,
    token: str,
    text: str,
    client_id: str | None,
    judge: Callable[[Listener], list[Utterance]],
) -> list[Turn]:
    with reading(assistant.engine) as session:
        conversation = open_with(session, conversation_id, token)
        before = sent_before(session, conversation, client_id)
        if before:
            return _said_to(session, before)
        utterances = []
        if _is_the_assistants(session, conversation):
            turns = turns_of(session, conversation_id)
            utterances = judge(assistant.listener(session, conversation, turns))
    with transaction(assistant.engine) as session:
        conversation = open_with(session, conversation_id, token)
        before = sent_before(session, conversation, client_id)
        if before:
            return _said_to(session, before)
        return _write(session, assistant, conversation, text, client_id, utterances)


def _is_the_assistants(session: Session, conversation: Conversation) -> bool:
    """Whether nobody else has been asked for: the assistant does not talk over a person."""
    handoff = latest_handoff(session, conversation.id)
    return handoff is None or not handoff.is_open


def _write(
    session: Session,
    assistant: Assistant,
    conversation: Conversation,
    text: str,
    client_id: str | None,
    utterances: list[Utterance],
) -> list[Turn]:
    said = add_turn(session, conversation, CUSTOMER, "message", text, client_id=client_id)
    _keep_facts(session, conversation, said)
    if not _is_the_assistants(session, conversation):
        return [said]
    conversation.ended_at = conversation.asked_solved_at = None
    session.add(conversation)
    for utterance in utterances:
        if utterance.reason == "agreed":
            hand_over(session, assistant, conversation)
        else:
            speak(session, conversation, utterance)
            if utterance.judged:
                remember(assistant.index, utterance.judged)
    return turns_of(session, conversation.id, after=said.number - 1)


def _keep_facts(session: Session, conversation: Conversation, said: Turn) -> None:
    """Order numbers and addresses are asked for once in a conversation, never twice."""
    known = {(fact["kind"], fact["value"]) for fact in conversation.facts}
    found = [fact for fact in facts_in(said.text) if (fact.kind, fact.value) not in known]
    if not found or len(known) >= FACTS_LIMIT:
        return
    fresh = [{"kind": f.kind, "value": f.value, "turn": said.number} for f in found]
    conversation.facts = [*conversation.facts, *fresh][:FACTS_LIMIT]
    email = next((f.value for f in found if f.kind == "email"), None)
    phone = next((f.value for f in found if f.kind == "phone"), None)
    conversation.email = conversation.email or email
    conversation.phone = conversation.phone or phone
    session.add(conversation)


def _said_to(session: Session, turn: Turn) -> list[Turn]:
    """A turn with what the assistant said to it at the time."""
    said = [turn]
    for later in turns_of(session, turn.conversation_id, after=turn.number):
        if later.author != ASSISTANT:
            break
        said.append(later)
    return said


def hand_over(
    session: Session,
    assistant: Assistant,
    conversation: Conversation,
    reason: str | None = None,
    wish: str = "wait",
) -> Handoff:
    """Ask for a person, put the case in the queue, and bring the queue level."""
    turns = turns_of(session, conversation.id)
    offered = [t.detail.get("reason") for t in turns if t.kind == "offer"]
    why = reason or (offered[-1] if offered else None) or "request"
    handoff = hand_off(session, conversation, why, wish, _skill(session, turns))
    sweep(session, assistant.hours)
    return handoff


def _skill(session: Session, turns: list[Turn]) -> str:
    """The category of what was talked about last."""
    for turn in reversed(turns):
        options = turn.detail.get("options") or turn.detail.get("related") or []
        id_ = turn.revision_id or (options[0]["revision"] if options else None)
        revision = session.get(Revision, id_) if id_ else None
        if revision:
            return revision.category.lower()
    return ""


def judge_turn(
    session: Session, conversation: Conversation, number: int, helped: bool, comment: str = ""
) -> list[Turn]:
    """Whether an answer helped; after the second that did not, a person is offered.

    Gives the turn and what was said to it. Raises Conflict for a turn that is no answer.
    """
    comment = CONTROL.sub("", comment).strip()
    if len(comment) > COMMENT_LIMIT:
        raise Invalid(f"a comment has at most {COMMENT_LIMIT} characters", "comment")
    turn = get_turn(session, conversation, number)
    if turn.author != ASSISTANT or turn.kind != "answer" or turn.revision_id is None:
        raise Conflict("only an answer can help or not")
    is_new = turn.helped is not helped
    turn.helped, turn.comment = helped, comment
    session.add(turn)
    _keep_feedback(session, conversation, turn)
    tell_turn(session, turn)
    if helped or not is_new or not _is_the_assistants(session, conversation):
        return [turn]
    turns = turns_of(session, conversation.id)
    offered = turns[-1].kind == "offer"
    if offered or failures_in(turns) < FAILURES:
        return [turn]
    return [turn, say_phrase(session, conversation, "offer_person", "offer", reason="failures")]


def _keep_feedback(session: Session, conversation: Conversation, turn: Turn) -> None:
    """One verdict a reply: said again, it replaces the one before."""
    assert turn.revision_id is not None
    revision = session.get(Revision, turn.revision_id)
    assert revision is not None
    said = _feedback_on(session, turn.receipt_id) or Feedback(
        article_id=revision.article_id,
        revision_id=turn.revision_id,
        channel=conversation.channel,
        helped=False,
        receipt_id=turn.receipt_id,
    )
    said.helped, said.comment = bool(turn.helped), turn.comment
    session.add(said)
    session.flush()


def _feedback_on(session: Session, receipt_id: str | None) -> Feedback | None:
    return session.exec(select(Feedback).where(Feedback.receipt_id == receipt_id)).first()
