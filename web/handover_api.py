"""From the chat to a person and back: what is passed on, the queue, and whether it was solved."""

from typing import Any

from fastapi import APIRouter
from sqlmodel import Session

from assistant.conversations import (
    Conversation,
    open_with,
)
from assistant.desk.cases import cancel
from assistant.desk.queue import sweep
from assistant.ending import rate, send_transcript
from assistant.exchanges import hand_over
from assistant.package import correct, package_of
from kb.db import reading, transaction
from web import chat_shapes, package_shapes
from web.api import Opened
from web.conversation_api import Id, Opening, Token
from web.conversation_bodies import (
    Correction,
    Email,
    NewHandoff,
    Satisfaction,
)
from web.openapi import TOKEN, gives
from web.turns import (
    contact_json,
    conversation_json,
    handoff_json,
)

router = APIRouter(prefix="/api/v1/conversations", tags=["chat"])


@router.get(
    "/{conversation_id}/package",
    summary="What would be passed on",
    **gives(package_shapes.PackagePreview, "package_preview", key=TOKEN),
)
def show_package(conversation_id: Id, token: Token, services: Opened) -> dict[str, Any]:
    """What would be passed on to a person."""
    with reading(services.engine) as session:
        return _package(session, open_with(session, conversation_id, token))


@router.patch(
    "/{conversation_id}/package",
    summary="Correct what would be passed on",
    **gives(package_shapes.PackagePreview, "corrected_package", key=TOKEN),
)
def correct_package(
    conversation_id: Id, body: Correction, token: Token, services: Opened
) -> dict[str, Any]:
    """The customer's own word on what is passed on."""
    with transaction(services.engine) as session:
        conversation = open_with(session, conversation_id, token)
        contact = body.contact.model_dump(exclude_unset=True) if body.contact else None
        correct(session, conversation, body.want, contact, body.facts, body.share_pages)
        return _package(session, conversation)


def _package(session: Session, conversation: Conversation) -> dict[str, Any]:
    package = package_of(session, conversation)
    shown = [turn for turn in package.turns if not turn.is_for_staff]
    return {
        "want": package.want,
        "contact": contact_json(conversation),
        "verified": conversation.is_verified,
        "facts": conversation.facts,
        "page": {"url": conversation.page_url, "title": conversation.page_title},
        "pages": conversation.pages,
        "searches": conversation.searches,
        "transcript_turns": len(shown),
        "answers": [
            {
                "title": given.revision.title,
                "version": given.revision.version,
                "helped": given.helped,
            }
            for given in package.given
        ],
        "language": conversation.locale,
    }


@router.post(
    "/{conversation_id}/handoff",
    summary="Ask for a person",
    **gives(chat_shapes.HandedOff, "handed_off", "nobody_there", key=TOKEN),
)
def ask_for_a_person(
    conversation_id: Id,
    token: Token,
    services: Opened,
    opening: Opening,
    body: NewHandoff | None = None,
) -> dict[str, Any]:
    """Into the queue with the whole story; once more changes the wish or the contact."""
    body = body or NewHandoff()
    with transaction(services.engine) as session:
        conversation = open_with(session, conversation_id, token)
        if body.contact:
            contact = body.contact.model_dump(exclude_unset=True)
            correct(session, conversation, contact=contact)
        handoff = hand_over(session, opening, conversation, body.reason, body.wish)
        return {"handoff": handoff_json(services, session, conversation, handoff)}


@router.delete(
    "/{conversation_id}/handoff",
    summary="No person after all",
    **gives(chat_shapes.CalledOff, "called_off", "nothing_to_call_off", key=TOKEN),
)
def stay_with_the_assistant(
    conversation_id: Id, token: Token, services: Opened, opening: Opening
) -> dict[str, Any]:
    """No person after all."""
    with transaction(services.engine) as session:
        conversation = open_with(session, conversation_id, token)
        handoff = cancel(session, conversation)
        sweep(session, opening.hours)
        shown = handoff and handoff_json(services, session, conversation, handoff)
        return {"handoff": shown or None}


@router.post(
    "/{conversation_id}/satisfaction",
    summary="Is it solved?",
    **gives(chat_shapes.Conversation, "ended", key=TOKEN),
)
def is_it_solved(
    conversation_id: Id,
    body: Satisfaction,
    token: Token,
    services: Opened,
    opening: Opening,
) -> dict[str, Any]:
    """Asked once; a no opens the case again, with the same agent."""
    with transaction(services.engine) as session:
        conversation = open_with(session, conversation_id, token)
        rate(session, conversation, body.solved, body.score, body.comment)
        sweep(session, opening.hours)
        return conversation_json(services, session, conversation)


@router.post(
    "/{conversation_id}/transcript",
    summary="A copy by e-mail",
    **gives(chat_shapes.Accepted, "accepted", status=202, key=TOKEN),
)
def mail_transcript(
    conversation_id: Id, body: Email, token: Token, services: Opened
) -> dict[str, str]:
    """The conversation by e-mail, soon."""
    with transaction(services.engine) as session:
        conversation = open_with(session, conversation_id, token)
        send_transcript(session, conversation, body.email, services.settings)
    return {"status": "accepted"}
