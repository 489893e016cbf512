"""What is done with a case: asked for, claimed, answered, passed on, resolved, opened again.

waiting ─claim→ with_agent ─resolve→ resolved ─reopen→ with_agent or, in front, waiting
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from assistant import live
from assistant.conversations import (
    AGENT,
    NOTE,
    Conversation,
    Turn,
    add_turn,
    clean_text,
    get_conversation,
    sent_before,
    turns_of,
)
from assistant.desk.kcs import use_article
from assistant.desk.presence import presence_of
from assistant.desk.queue import put_back, say
from assistant.handoffs import (
    DISPOSITIONS,
    REASONS,
    RESOLVED,
    WAITING,
    WISHES,
    WITH_AGENT,
    Handoff,
    latest_handoff,
    tell_handoff,
)
from assistant.helpdesks import announce
from kb.articles import CONTROL, Revision
from kb.audiences import visible_to
from kb.db import now
from kb.errors import Conflict, Invalid, NotAllowed
from kb.people import Person, require

NOTE_LIMIT = 4000


def hand_off(
    session: Session,
    conversation: Conversation,
    reason: str = "request",
    wish: str = "wait",
    skill: str = "",
) -> Handoff:
    """Ask for a person; asked again while one is open, only the wish may change.

    Raises Invalid for an unknown reason or wish, or a wish that needs a contact there is not.
    """
    _check_wish(conversation, wish)
    found = latest_handoff(session, conversation.id)
    if found and found.is_open:
        return _wish_otherwise(session, conversation, found, wish)
    conversation.ended_at = conversation.asked_solved_at = None
    handoff = Handoff(
        conversation_id=conversation.id,
        reason=reason if reason in REASONS else "other",
        wish=wish,
        locale=conversation.locale,
        skill=skill,
    )
    session.add_all((handoff, conversation))
    session.flush()
    say(session, conversation, "handing_over" if wish == "wait" else "contact_kept")
    tell_handoff(session, handoff)
    announce(session, handoff, "created")
    return handoff


def _check_wish(conversation: Conversation, wish: str) -> None:
    if wish not in WISHES:
        raise Invalid(f"wish is one of {', '.join(WISHES)}", "wish")
    if wish == "email" and not conversation.email:
        raise Invalid("to be written to, leave an e-mail address", "contact.email")
    if wish == "callback" and not conversation.phone:
        raise Invalid("to be called back, leave a telephone number", "contact.phone")


def _wish_otherwise(
    session: Session, conversation: Conversation, handoff: Handoff, wish: str
) -> Handoff:
    if handoff.wish != wish and handoff.status == WAITING:
        handoff.wish = wish
        say(session, conversation, "waiting" if wish == "wait" else "contact_kept")
        tell_handoff(session, handoff)
    return handoff


def cancel(session: Session, conversation: Conversation) -> Handoff | None:
    """The customer has changed their mind; None when nobody was asked for.

    Raises Conflict once somebody has taken the case.
    """
    handoff = latest_handoff(session, conversation.id)
    if handoff is None or not handoff.is_open:
        return handoff
    if handoff.status == WITH_AGENT:
        raise Conflict("somebody is already with you; tell them that it is done")
    handoff.cancelled_at = now()
    tell_handoff(session, handoff)
    announce(session, handoff, "cancelled")
    return handoff


def claim(session: Session, handoff: Handoff, by: Person) -> None:
    """Take a case; the first who claims it has it. Raises Conflict for the second."""
    require(by, "serve")
    if handoff.claimed_by_id == by.id and handoff.status == WITH_AGENT:
        return
    _must_wait(session, handoff)
    handoff.claimed_by_id, handoff.claimed_at = by.id, now()
    handoff.offered_to_id = handoff.offered_at = handoff.meant_for_id = None
    conversation = get_conversation(session, handoff.conversation_id)
    say(session, conversation, "agent_joined", name=by.name)
    tell_handoff(session, handoff)


def _must_wait(session: Session, handoff: Handoff) -> None:
    if handoff.status == WITH_AGENT:
        holder = session.get(Person, handoff.claimed_by_id)
        raise Conflict(f"{holder.name if holder else 'somebody'} has already taken this case")
    if handoff.status != WAITING:
        raise Conflict(f"this case is {handoff.status}")


def give_back(session: Session, handoff: Handoff, by: Person) -> None:
    """Let go of a case; it goes to the front of the queue."""
    _must_have(handoff, by)
    put_back(session, handoff, now())


def reply(
    session: Session,
    handoff: Handoff,
    by: Person,
    text: str,
    client_id: str | None = None,
    revision: Revision | None = None,
) -> Turn:
    """What the agent says; with `revision`, it began as that approved answer.

    Words that differ from the approved ones are kept as a deviation.
    """
    _must_have(handoff, by)
    text = clean_text(text)
    conversation = get_conversation(session, handoff.conversation_id)
    before = sent_before(session, conversation, client_id)
    if before:
        return before
    if revision:
        _must_be_for(conversation, revision)
    deviates = revision is not None and text.strip() != revision.answer.strip()
    turn = add_turn(
        session,
        conversation,
        AGENT,
        "message",
        text,
        locale=revision.locale if revision and not deviates else conversation.locale,
        person_id=by.id,
        client_id=client_id,
        revision_id=revision.id if revision else None,
        deviates=deviates,
    )
    if revision:
        use_article(session, revision, by, "inserted", handoff.id, text)
    return turn


def _must_be_for(conversation: Conversation, revision: Revision) -> None:
    """An answer that this customer may not read, or nobody has approved, is not given."""
    audiences = visible_to(conversation.audience)
    if not revision.is_approved:
        raise Invalid("nobody has approved this wording yet; answer in your own words", "article")
    if audiences is not None and revision.audience not in audiences:
        raise Invalid(f"this answer is for {revision.audience} only", "article")


def write_note(
    session: Session, handoff: Handoff, by: Person, text: str, client_id: str | None = None
) -> Turn:
    """Words for colleagues only; anybody on the desk may leave them."""
    require(by, "serve")
    conversation = get_conversation(session, handoff.conversation_id)
    text = clean_text(text)
    before = sent_before(session, conversation, client_id)
    return before or add_turn(
        session, conversation, NOTE, "note", text, person_id=by.id, client_id=client_id
    )


def transfer(
    session: Session, handoff: Handoff, by: Person, to: str | int | None, note: str = ""
) -> None:
    """Pass a case on with everything in it: to a person's id, to a language or skill, or to all.

    Raises Invalid for somebody who cannot take it.
    """
    _must_have(handoff, by)
    person = _colleague(session, to) if _is_id(to) else None
    if note.strip():
        write_note(session, handoff, by, note)
    if person is None and to:
        _send_to_group(handoff, str(to))
    put_back(session, handoff, now())
    handoff.meant_for_id = person.id if person else None
    if person and presence_of(session, person).is_online(now()):
        claim(session, handoff, person)
    session.add(handoff)


def _is_id(to: str | int | None) -> bool:
    return isinstance(to, int) or (isinstance(to, str) and to.isdecimal())


def _colleague(session: Session, to: Any) -> Person:
    # What has more digits is nobody's id, and may be too long for a number.
    id_ = int(to) if len(str(to)) <= 10 else 0
    person = session.get(Person, id_) if 0 < id_ < 2**31 else None
    if person is None or not person.may("serve"):
        raise Invalid("there is nobody at the desk with this id", "to")
    return person


def _send_to_group(handoff: Handoff, to: str) -> None:
    to = to.strip().lower()
    if not 0 < len(to) <= 80 or CONTROL.search(to):
        raise Invalid("to is a person's id, a language or a skill", "to")
    if len(to) == 2:
        handoff.locale = to
    else:
        handoff.skill = to


def resolve(
    session: Session,
    handoff: Handoff,
    by: Person,
    disposition: str,
    revision: Revision | None = None,
    note: str = "",
) -> None:
    """The case is done: answered by a wording, new knowledge needed, or other.

    Raises Invalid for `answered` without the article that did.
    """
    _must_have(handoff, by)
    if disposition not in DISPOSITIONS:
        raise Invalid(f"disposition is one of {', '.join(DISPOSITIONS)}", "disposition")
    if disposition == "answered" and revision is None:
        raise Invalid("say which article answered it", "article")
    note = CONTROL.sub("", note).strip()
    if len(note) > NOTE_LIMIT:
        raise Invalid(f"a note has at most {NOTE_LIMIT:,} characters", "note")
    handoff.resolved_at, handoff.resolved_by_id = now(), by.id
    handoff.disposition, handoff.note = disposition, note
    handoff.revision_id = revision.id if revision else None
    conversation = get_conversation(session, handoff.conversation_id)
    conversation.ended_at = conversation.asked_solved_at = handoff.resolved_at
    conversation.solved = None
    say(session, conversation, "resolved_ask")
    tell_handoff(session, handoff)
    announce(session, handoff, "resolved")


def reopen(session: Session, conversation: Conversation) -> Handoff | None:
    """It was not solved: back to the same agent, in front of the queue if they are away."""
    handoff = latest_handoff(session, conversation.id)
    if handoff is None or handoff.status != RESOLVED:
        return None
    resolved_by = handoff.resolved_by_id
    person = session.get(Person, resolved_by) if resolved_by else None
    conversation.ended_at = conversation.asked_solved_at = None
    handoff.resolved_at = handoff.disposition = None
    is_there = person is not None and presence_of(session, person).is_online(now())
    handoff.claimed_by_id = person.id if person and is_there else None
    handoff.claimed_at = now() if is_there else None
    handoff.returned_at = handoff.meant_for_id = None
    if not is_there:
        handoff.returned_at, handoff.meant_for_id = now(), handoff.resolved_by_id
    session.add(conversation)
    say(session, conversation, "reopened")
    tell_handoff(session, handoff)
    announce(session, handoff, "reopened")
    return handoff


def _must_have(handoff: Handoff, by: Person) -> None:
    require(by, "serve")
    if handoff.status != WITH_AGENT or handoff.claimed_by_id != by.id:
        raise NotAllowed("this is not your case; claim it first")


def last_inserted(session: Session, conversation: Conversation) -> int | None:
    """The Revision that an agent gave last, if any did."""
    turns = turns_of(session, conversation.id)
    given = [t.revision_id for t in turns if t.author == AGENT and t.revision_id]
    return given[-1] if given else None


def earlier_handoffs(session: Session, ids: list[str]) -> dict[str, Handoff]:
    """The newest Handoff of each of these conversations."""
    query = select(Handoff).where(col(Handoff.conversation_id).in_(ids)).order_by(col(Handoff.id))
    return {handoff.conversation_id: handoff for handoff in session.exec(query)}


def is_typing(session: Session, handoff: Handoff, by: Person) -> None:
    """The customer sees that somebody is writing."""
    _must_have(handoff, by)
    live.tell_typing(session, handoff.conversation_id, AGENT, by.name)


def waited_seconds(handoff: Handoff, at: datetime | None = None) -> int:
    """From asking to being taken, or until now."""
    until = handoff.claimed_at or at or now()
    return max(0, int((until - handoff.created_at).total_seconds()))
