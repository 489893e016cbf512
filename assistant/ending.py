"""After a conversation: whether it was solved, a copy by mail, and forgetting it."""

from datetime import timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, select

from assistant import live
from assistant.conversations import Conversation, ConversationToken, Turn, last_number
from assistant.desk.cases import cancel, reopen
from assistant.desk.kcs import ArticleUse, Flag
from assistant.feedback import COMMENT_LIMIT
from assistant.handoffs import WITH_AGENT, Handoff, latest_handoff
from assistant.helpdesks import DELETED, announce
from assistant.letters import check_address
from assistant.outgoing import Outgoing, queue
from assistant.recall import forget_conversation
from assistant.transcripts import TranscriptCopy, transcript_of
from kb.articles import CONTROL
from kb.db import now
from kb.errors import Conflict, Invalid
from kb.settings import Settings

# Two clicks within a minute are one; a chat is no means of filling somebody's mailbox.
SAME_CLICK = timedelta(minutes=1)
COPIES_LIMIT = 5


def rate(
    session: Session,
    conversation: Conversation,
    solved: bool,
    score: int | None = None,
    comment: str = "",
) -> None:
    """The customer says whether it is solved; a no opens the case again with the same agent.

    Raises Invalid for an overlong comment or a score that is not 1 to 5.
    """
    comment = CONTROL.sub("", comment).strip()
    if len(comment) > COMMENT_LIMIT:
        raise Invalid(f"a comment has at most {COMMENT_LIMIT} characters", "comment")
    if score is not None and not 1 <= score <= 5:
        raise Invalid("a score is 1 to 5", "score")
    conversation.solved, conversation.comment = solved, comment
    conversation.score = score if score is not None else conversation.score
    if solved:
        conversation.ended_at = conversation.ended_at or now()
    session.add(conversation)
    session.flush()
    if solved or reopen(session, conversation) is None:
        live.tell(session, conversation.id, "conversation", {})


def send_transcript(
    session: Session, conversation: Conversation, email: str, settings: Settings
) -> None:
    """A copy of the conversation by mail; a click is one mail, a later click another.

    Raises Invalid for what is no address, Conflict after a few copies.
    """
    to = check_address(email)
    whom, query = _short(to), select(Outgoing).where(_copies_of(conversation))
    sent = session.exec(query.order_by(col(Outgoing.id))).all()
    latest = sent[-1] if sent else None
    if latest and latest.key.endswith(whom) and now() - latest.created_at < SAME_CLICK:
        return
    if len(sent) >= COPIES_LIMIT:
        raise Conflict(f"{COPIES_LIMIT} copies were sent already")
    letter = transcript_of(session, conversation, to, settings)
    key = f"{_prefix(conversation)}{len(sent) + 1}-{whom}"
    queue(session, "mail", key, letter.as_data())
    turns = last_number(session, conversation.id)
    session.add(TranscriptCopy(conversation_id=conversation.id, email=to, turns=turns))


def _copies_of(conversation: Conversation) -> ColumnElement[bool]:
    return col(Outgoing.key).startswith(_prefix(conversation), autoescape=True)


def _prefix(conversation: Conversation) -> str:
    return f"transcript-{_short(conversation.id)}-"


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:24]


def erase(session: Session, conversation: Conversation) -> None:
    """Everything the customer said and was told is gone; receipts, which name nobody, stay.

    Raises Conflict while a person is with them.
    """
    handoff = latest_handoff(session, conversation.id)
    if handoff and handoff.status == WITH_AGENT:
        raise Conflict("somebody is with you; end the conversation first")
    cancel(session, conversation)
    erase_words(session, conversation)


def erase_words(session: Session, conversation: Conversation) -> None:
    """Its turns, tokens, cases and copies that could not be sent; what it counted for stays."""
    id_ = conversation.id
    handoffs = session.exec(select(Handoff).where(Handoff.conversation_id == id_)).all()
    for handoff in handoffs:
        announce(session, handoff, DELETED)
    for used in (ArticleUse, Flag):
        ids = [handoff.id for handoff in handoffs]
        kept = session.exec(select(used).where(col(used.handoff_id).in_(ids)))
        for row in kept:
            row.handoff_id = None
            session.add(row)
    session.flush()
    for gone in (Turn, ConversationToken, Handoff, TranscriptCopy, live.LiveEvent):
        session.execute(delete(gone).where(col(gone.conversation_id) == id_))
    unsent = (_copies_of(conversation), col(Outgoing.given_up_at).is_not(None))
    session.execute(delete(Outgoing).where(*unsent))
    session.delete(conversation)
    session.flush()
    forget_conversation(session, id_)
    live.tell(session, id_, "deleted", {})
