"""Some time after a case was resolved, its customer is asked once by e-mail whether it is solved.

The links in that e-mail are signed with what only the store knows of the conversation, end after
two weeks, and mean the one resolution that was asked about.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import escape

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from assistant.conversations import Conversation, ConversationToken, turns_of
from assistant.letters import Letter, html_page, paragraph, texts_in
from assistant.mail import Mailer
from assistant.outgoing import Outgoing, Sender, queue
from assistant.package import want_of
from kb.db import now, reading
from kb.errors import NotFound
from kb.settings import Settings

FOLLOW_UP = "follow_up"
VALID_DAYS = 14
# Whom a server that was off for longer has not asked, it does not ask any more.
WINDOW = timedelta(days=3)
BATCH = 200
TOKEN = re.compile(r"(?P<until>[0-9]{1,11})\.(?P<asked>[0-9]{1,18})\.(?P<proof>[0-9a-f]{32})")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class FollowUp:
    """A question about one resolution; `is_settled` once it was answered or opened again."""

    conversation: Conversation
    is_settled: bool


def queue_follow_ups(session: Session, settings: Settings, at: datetime | None = None) -> int:
    """Ask whoever has not said it; once for each resolution. The caller holds the write lock."""
    if not settings.followup_hours:
        return 0
    due = _due(session, settings, at or now())
    for conversation in due:
        assert conversation.asked_solved_at is not None
        conversation.followed_up_at = at or now()
        session.add(conversation)
        asked = _stamp(conversation.asked_solved_at)
        data = {"conversation": conversation.id, "asked": asked}
        queue(session, FOLLOW_UP, f"follow-up-{conversation.id}-{asked}", data, at)
    return len(due)


def has_due(session: Session, settings: Settings, at: datetime) -> bool:
    """Whether anybody is to be asked; a cheap look without the write lock."""
    return bool(settings.followup_hours and _due(session, settings, at))


def _due(session: Session, settings: Settings, at: datetime) -> list[Conversation]:
    until = at - timedelta(hours=settings.followup_hours)
    asked, told = col(Conversation.asked_solved_at), col(Conversation.followed_up_at)
    query = select(Conversation).where(
        col(Conversation.changed_at) > until - WINDOW,
        asked.between(until - WINDOW, until),
        col(Conversation.solved).is_(None),
        col(Conversation.email).is_not(None),
        told.is_(None) | (told < asked),
    )
    return list(session.exec(query.order_by(asked).limit(BATCH)))


def follow_up_sender(engine: Engine, mailer: Mailer, settings: Settings) -> Sender:
    """Delivers the outbox's follow-ups; who has answered meanwhile is left in peace."""

    def send(message: Outgoing) -> None:
        with reading(engine) as session:
            conversation = session.get(Conversation, message.data["conversation"])
            if conversation is None or not conversation.email:
                return
            if _is_settled(conversation, message.data["asked"]):
                return
            letter = letter_of(session, conversation, settings)
        mailer.send(letter, message.key, message.created_at)

    return send


def letter_of(session: Session, conversation: Conversation, settings: Settings) -> Letter:
    """The question whether it is solved, with what it was about and a link for yes and for no."""
    texts = texts_in(conversation.locale)
    want = conversation.want or want_of(turns_of(session, conversation.id))
    token = token_of(session, conversation, settings)
    page = f"{settings.base_url}/follow-up/{conversation.id}"
    links = {
        texts[f"follow_up_{answer}"]: f"{page}?answer={answer}&token={token}"
        for answer in ("yes", "no")
    }
    return Letter(
        to=conversation.email or "",
        subject=texts["follow_up_subject"],
        text=_as_text(texts, want, links),
        html=html_page(conversation.locale, _as_html(texts, want, links)),
        locale=conversation.locale,
        leave=f"{page}/leave?token={token}",
        secret=token,
    )


def _as_text(texts: dict[str, str], want: str, links: dict[str, str]) -> str:
    about = [f"{texts['follow_up_intro']}\n> {want}"] if want else []
    choices = [f"{words}:\n{url}" for words, url in links.items()]
    return "\n\n".join([*about, texts["follow_up_ask"], *choices, _once(texts)]) + "\n"


def _as_html(texts: dict[str, str], want: str, links: dict[str, str]) -> list[str]:
    quoted = f"<blockquote>{paragraph(want)}</blockquote>"
    about = [paragraph(texts["follow_up_intro"]), quoted] if want else []
    ask = f"<p><b>{escape(texts['follow_up_ask'])}</b></p>"
    choices = [_link(words, url) for words, url in links.items()]
    return [*about, ask, *choices, paragraph(_once(texts))]


def _once(texts: dict[str, str]) -> str:
    return texts["follow_up_once"].format(days=VALID_DAYS)


def _link(words: str, url: str) -> str:
    return f'<p><a href="{escape(url)}">{escape(words)}</a></p>'


# -- links -------------------------------------------------------------------------


def token_of(session: Session, conversation: Conversation, settings: Settings) -> str:
    """What the links carry: which resolution, until when, and the proof that we wrote it."""
    assert conversation.asked_solved_at is not None
    days = timedelta(hours=settings.followup_hours, days=VALID_DAYS)
    asked = _stamp(conversation.asked_solved_at)
    until = int((conversation.asked_solved_at + days).timestamp())
    return f"{until}.{asked}.{_proof(session, conversation.id, until, asked)}"


def open_follow_up(
    session: Session, conversation_id: str, token: str, at: datetime | None = None
) -> FollowUp:
    """What a link is about. Raises NotFound when it was forged, has expired or lost its subject."""
    whole = TOKEN.fullmatch(token)
    if whole is None or not ID.fullmatch(conversation_id):
        raise NotFound("this link is not whole")
    until, asked = int(whole["until"]), int(whole["asked"])
    right = _proof(session, conversation_id, until, asked)
    if not hmac.compare_digest(whole["proof"], right):
        raise NotFound("this link is not whole")
    conversation = session.get(Conversation, conversation_id)
    if conversation is None or (at or now()) > datetime.fromtimestamp(until, UTC):
        raise NotFound("this link has expired")
    return FollowUp(conversation, _is_settled(conversation, asked))


def _is_settled(conversation: Conversation, asked: int) -> bool:
    since = conversation.asked_solved_at
    return since is None or _stamp(since) != asked or conversation.solved is not None


def _proof(session: Session, conversation_id: str, until: int, asked: int) -> str:
    """Signed with the digest of the conversation's first token, which never leaves the store."""
    query = select(ConversationToken.digest).where(
        ConversationToken.conversation_id == conversation_id
    )
    first = session.exec(
        query.order_by(col(ConversationToken.created_at), col(ConversationToken.digest))
    ).first()
    if first is None:
        raise NotFound("this link is not whole")
    said = f"{FOLLOW_UP} {conversation_id} {until} {asked}"
    return hmac.new(first.encode(), said.encode(), sha256).hexdigest()[:32]


def _stamp(at: datetime) -> int:
    """Microseconds: two resolutions are never the same."""
    return round(at.timestamp() * 1_000_000)
