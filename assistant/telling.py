"""Telling of a Correction: in the chat, by e-mail, and colleagues at once; each a step by itself.

A step is one transaction that tells and notes it, under a key that is used once: a turn's
`client_id`, a notification's or a letter's key. What fails is tried again, and holds up nobody.
"""

from datetime import datetime, timedelta
from html import escape

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from assistant.conversations import (
    ASSISTANT,
    Conversation,
    Turn,
    add_turn,
    sent_before,
    tell_turn,
)
from assistant.letters import Letter, html_page, paragraph, site_of, texts_in
from assistant.mail import Mailer
from assistant.notifications import notify
from assistant.outgoing import Outgoing, Sender, queue
from assistant.phrases import phrase
from assistant.recall import (
    EMAIL,
    ERASED,
    IN_CHAT,
    LEFT,
    STAFF,
    WIDGET,
    Correction,
    RecallTarget,
    WrongRevision,
    gather,
    is_behind,
    untold,
    why_in,
)
from assistant.receipts import CORRECTED, Receipt
from assistant.transcripts import TranscriptCopy
from kb import history
from kb.articles import Revision
from kb.audiences import visible_to
from kb.db import now, reading, transaction
from kb.markdown import plain, render
from kb.people import Person
from kb.publishing import live_publication
from kb.settings import Settings

CORRECTION = "correction"
# Whoever reads it in the chat by then gets no letter about the same.
PATIENCE = timedelta(minutes=1)
# Words that were on their way, or open at an agent's desk, when they were corrected.
LATE = timedelta(hours=1)
# Steps of one tick; others write in between.
BATCH = 100


def tell_due(engine: Engine, at: datetime | None = None) -> int:
    """Tell whoever waits, oldest first; how many were told. Raises the first failure at the end."""
    at = at or now()
    _look_again(engine, at)
    told, failures = 0, []
    for id_ in _due(engine, at):
        try:
            with transaction(engine) as session:
                told += _tell(session, id_, at)
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return told


def _look_again(engine: Engine, at: datetime) -> None:
    """Find who was given wrong words after they were corrected."""
    with reading(engine) as session:
        young = session.exec(select(Correction).where(Correction.at > at - LATE)).all()
        late = [correction.id for correction in young if is_behind(session, correction)]
    for id_ in late:
        with transaction(engine) as session:
            correction = session.get(Correction, id_)
            assert correction is not None
            gather(session, correction, at)


def _due(engine: Engine, at: datetime) -> list[int]:
    """Targets whose time has come and for whom there are right words to say."""
    with reading(engine) as session:
        waiting = (
            select(RecallTarget)
            .where(*untold(), col(RecallTarget.handed_at).is_(None))
            .where((RecallTarget.channel != EMAIL) | (RecallTarget.queued_at <= at - PATIENCE))
            .order_by(col(RecallTarget.id))
        )
        speaking: dict[tuple[int, int], bool] = {}
        found: list[int] = []
        for target in session.exec(waiting):
            place = (target.correction_id, target.revision_id)
            if place not in speaking:
                speaking[place] = right_words(session, target) is not None
            if speaking[place] and target.id:
                found.append(target.id)
            if len(found) == BATCH:
                break
        return found


def right_words(session: Session, target: RecallTarget) -> Revision | None:
    """What is right today in the language of the wrong words; None while nothing is live.

    It is what is live, if the correction's own words have been replaced since.
    """
    row = session.get(WrongRevision, (target.correction_id, target.revision_id))
    if row is None:
        return None
    right = session.get(Revision, row.right_id)
    assert right is not None
    live = live_publication(session, right.article_id, right.locale)
    if live is None:
        return None
    is_wrong = session.get(WrongRevision, (target.correction_id, live.revision_id)) is not None
    return None if is_wrong else live.revision


def _tell(session: Session, target_id: int, at: datetime) -> bool:
    target = session.get(RecallTarget, target_id)
    if target is None or target.told_at or target.handed_at or target.closed:
        return False
    right = right_words(session, target)
    correction = session.get(Correction, target.correction_id)
    if right is None or correction is None:
        return False
    step = {WIDGET: _say_in_chat, STAFF: _tell_agent, EMAIL: _hand_letter}[target.channel]
    step(session, correction, target, right, at)
    session.add(target)
    session.flush()
    return target.told_at is not None


# -- in the chat ---------------------------------------------------------------------


def _say_in_chat(
    session: Session, correction: Correction, target: RecallTarget, right: Revision, at: datetime
) -> None:
    conversation = session.get(Conversation, target.conversation_id)
    if conversation is None:
        target.closed = ERASED
        return
    if not _may_see(conversation, right):
        return
    key = f"correction-{correction.id}"
    turn = sent_before(session, conversation, key)
    if turn is None:
        turn = _correction_turn(session, conversation, correction, right, key)
    target.turn, target.told_at = turn.number, at


def _may_see(conversation: Conversation, right: Revision) -> bool:
    audiences = visible_to(conversation.audience)
    return audiences is None or right.audience in audiences


def _correction_turn(
    session: Session, conversation: Conversation, correction: Correction, right: Revision, key: str
) -> Turn:
    """What was wrong, why, and the right answer letter for letter, with its receipt."""
    wrong = _wrong_turns(session, conversation, correction)
    words = phrase(session, CORRECTION, conversation.locale, title=right.title)
    why = why_in(correction, conversation.locale, right.locale)
    moved = conversation.changed_at
    turn = add_turn(
        session,
        conversation,
        ASSISTANT,
        CORRECTION,
        f"{words.text}\n\n{right.answer}",
        locale=right.locale,
        client_id=key,
        revision_id=right.id,
        receipt_id=_receipt(session, conversation, correction, right, wrong).id,
        detail={
            "phrase": {"name": words.name, "version": words.version, "sha256": words.sha256},
            "intro": words.text,
            "locale": conversation.locale,
            "why": why,
            "turns": [old.number for old in wrong],
            "wrong": wrong[-1].revision_id if wrong else None,
        },
    )
    # How long it is kept, and its place at the desk, follow from what people say.
    conversation.changed_at = moved
    session.add(conversation)
    for old in wrong:
        tell_turn(session, old)
    return turn


def _wrong_turns(
    session: Session, conversation: Conversation, correction: Correction
) -> list[Turn]:
    wrong = select(WrongRevision.revision_id).where(WrongRevision.correction_id == correction.id)
    query = select(Turn).where(
        Turn.conversation_id == conversation.id,
        col(Turn.revision_id).in_(wrong),
        Turn.at >= correction.since,
    )
    return list(session.exec(query.order_by(col(Turn.number))))


def _receipt(
    session: Session,
    conversation: Conversation,
    correction: Correction,
    right: Revision,
    wrong: list[Turn],
) -> Receipt:
    """Of the question that the wrong words answered; counted as no question of its own."""
    old = next((t.receipt_id for t in reversed(wrong) if t.receipt_id), None)
    asked = session.get(Receipt, old) if old else None
    receipt = Receipt(
        epoch=history.epoch(session),
        channel=conversation.channel,
        audience=conversation.audience,
        question=asked.question if asked else "",
        locale=conversation.locale,
        outcome=CORRECTED,
        confidence=1.0,
        article_id=right.article_id,
        revision_id=right.id,
        article=right.article.slug,
        version=right.version,
        answer_locale=right.locale,
        answer_sha256=right.answer_sha256,
        is_audit=False,
        detail={"correction": correction.id, "corrects": old},
    )
    session.add(receipt)
    session.flush()
    return receipt


def note_seen(session: Session, conversation: Conversation, at: datetime | None = None) -> None:
    """The customer has read so far: what they were told in there, they have seen."""
    query = select(RecallTarget).where(
        RecallTarget.conversation_id == conversation.id,
        RecallTarget.channel == WIDGET,
        col(RecallTarget.turn) <= conversation.customer_read,
        col(RecallTarget.seen_at).is_(None),
    )
    for target in session.exec(query):
        target.seen_at = at or now()
        session.add(target)


# -- colleagues ----------------------------------------------------------------------


def _tell_agent(
    session: Session, correction: Correction, target: RecallTarget, right: Revision, at: datetime
) -> None:
    person = session.get(Person, target.person_id)
    if person is None or person.deactivated_at:
        target.closed = LEFT
        return
    by = session.get(Person, correction.by_id)
    locale = person.locale or right.locale
    note = why_in(correction, locale, right.locale)
    told = notify(session, person, "corrected", target.key, by, right, at, note=note)
    target.told_at = at
    if told:
        target.notification_id = told.id
    elif by is not None and by.id == person.id:
        # Who corrects it knows.
        target.seen_at = at


# -- by e-mail -----------------------------------------------------------------------


def _hand_letter(
    session: Session, correction: Correction, target: RecallTarget, right: Revision, at: datetime
) -> None:
    target.closed = _why_not(session, target)
    if not target.closed:
        queue(session, CORRECTION, target.key, {"target": target.id}, at)
        target.handed_at = at


def _why_not(session: Session, target: RecallTarget) -> str:
    """Why no letter is written: it was read in the chat, or the address is no longer theirs."""
    conversation = session.get(Conversation, target.conversation_id or "")
    if conversation is None:
        return ERASED
    is_own = (conversation.email or "").strip().lower() == target.recipient
    if is_own and _has_read(session, target):
        return IN_CHAT
    return "" if is_own or _had_copy(session, target) else LEFT


def _has_read(session: Session, target: RecallTarget) -> bool:
    query = select(RecallTarget.id).where(
        RecallTarget.correction_id == target.correction_id,
        RecallTarget.conversation_id == target.conversation_id,
        RecallTarget.channel == WIDGET,
        col(RecallTarget.seen_at).is_not(None),
    )
    return session.exec(query).first() is not None


def _had_copy(session: Session, target: RecallTarget) -> bool:
    query = select(TranscriptCopy.email).where(
        TranscriptCopy.conversation_id == target.conversation_id
    )
    return any(email.strip().lower() == target.recipient for email in session.exec(query))


def correction_sender(engine: Engine, mailer: Mailer, settings: Settings) -> Sender:
    """Delivers the outbox's corrections; written when they leave, so that the words are today's."""

    def send(message: Outgoing) -> None:
        with transaction(engine) as session:
            target = session.get(RecallTarget, message.data["target"])
            if target is None or target.told_at or target.closed:
                return
            target.closed = _why_not(session, target)
            session.add(target)
            letter = None if target.closed else correction_letter(session, target, settings)
        if letter is None:
            return
        mailer.send(letter, message.key, message.created_at)
        with transaction(engine) as session:
            target = session.get(RecallTarget, message.data["target"])
            assert target is not None
            target.told_at = target.told_at or now()
            session.add(target)

    return send


def correction_letter(session: Session, target: RecallTarget, settings: Settings) -> Letter:
    """What we said, what was wrong with it, and what is right. Raises where nothing is live."""
    conversation = session.get(Conversation, target.conversation_id)
    correction = session.get(Correction, target.correction_id)
    wrong, right = session.get(Revision, target.revision_id), right_words(session, target)
    assert conversation is not None
    assert correction is not None
    assert wrong is not None
    if right is None:
        raise RuntimeError("nothing is live in the place of the wrong answer; it is tried again")
    locale = conversation.locale
    texts = texts_in(locale)
    why = why_in(correction, locale, right.locale)
    names = {"title": right.title, "site": site_of(settings, locale)}
    intro = texts["correction_intro"].format(**names)
    link = f"{settings.base_url}/{locale}/corrections/{correction.id}?told={target.token}"
    heads = [texts[f"correction_{part}"] for part in ("before", "why", "after")]
    answers = [plain(wrong.answer), why, plain(right.answer)]
    text = [intro, *(f"{head}\n{words}" for head, words in zip(heads, answers, strict=True))]
    pieces = [_quoted(wrong), paragraph(why), _quoted(right)]
    html = [paragraph(intro)]
    for head, piece in zip(heads, pieces, strict=True):
        html += [f"<p><b>{escape(head)}</b></p>", piece]
    html.append(f'<p><a href="{escape(link)}">{escape(texts["correction_link"])}</a></p>')
    return Letter(
        to=target.recipient,
        subject=texts["correction_subject"].format(**names),
        text="\n\n".join([*text, f"{texts['correction_link']}:\n{link}"]) + "\n",
        html=html_page(locale, html),
        locale=locale,
    )


def _quoted(revision: Revision) -> str:
    direction = texts_in(revision.locale)["dir"]
    words = render(revision.answer)
    return f'<blockquote lang="{revision.locale}" dir="{direction}">{words}</blockquote>'


def note_opened(session: Session, correction_id: int, token: str) -> bool:
    """Somebody followed the link in their letter; whether it is one of this correction's."""
    target = session.exec(
        select(RecallTarget).where(
            RecallTarget.correction_id == correction_id,
            RecallTarget.token == token,
            RecallTarget.channel == EMAIL,
        )
    ).first()
    if target and target.seen_at is None:
        target.seen_at = now()
        session.add(target)
    return target is not None
