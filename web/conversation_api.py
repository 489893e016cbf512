"""The chat over HTTP: a conversation's own calls carry its token as Bearer."""

import re
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from sqlmodel import Session
from starlette.exceptions import HTTPException

from assistant import live
from assistant.conversations import (
    CUSTOMER,
    Conversation,
    Turn,
    add_token,
    conversations_of,
    get_conversation,
    mark_read,
    open_with,
    start_conversation,
    turns_of,
)
from assistant.desk.cases import cancel
from assistant.desk.queue import sweep
from assistant.ending import erase, rate, send_transcript
from assistant.exchanges import Assistant, hand_over, judge_turn, take_choice, take_message
from assistant.handoffs import latest_handoff, status_of
from assistant.identity import Customer, known_as, unfinished, verify_identity
from assistant.package import correct, package_of, want_of
from assistant.understanding import check_locale
from kb.audiences import audience_of
from kb.db import reading, transaction
from kb.errors import NotFound
from web import chat_examples, chat_shapes, package_shapes, turn_shapes
from web.api import Opened
from web.conversation_bodies import (
    Choice,
    Correction,
    Email,
    Identity,
    NewConversation,
    NewHandoff,
    NewTurn,
    Satisfaction,
    Seen,
    Verdict,
)
from web.i18n import preferred_locale
from web.live import EventStream, Load, Sent, event_stream
from web.openapi import TOKEN, done, gives, reply_of, streams
from web.origins import check_origin
from web.replies import iso
from web.services import Services
from web.turns import (
    Rendering,
    contact_json,
    conversation_json,
    handoff_json,
    state_json,
    turns_json,
)

router = APIRouter(prefix="/api/v1/conversations", tags=["chat"])
CONVERSATION_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
RESUMED = reply_of(chat_shapes.Begun, "resumed") | {"description": "It goes on"}


def token_of(request: Request) -> str:
    """The conversation's token. Raises 401 without one."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise HTTPException(
            401,
            "send the conversation's token as `Authorization: Bearer …`",
            {"WWW-Authenticate": "Bearer"},
        )
    return secret.strip()


def known_id(conversation_id: Annotated[str, Path(examples=[chat_examples.ID])]) -> str:
    """The id in the address. Raises NotFound for what no conversation can be called."""
    if not CONVERSATION_ID.fullmatch(conversation_id):
        raise NotFound("there is no such conversation, or this token does not open it")
    return conversation_id


def assistant_of(request: Request) -> Assistant:
    """The opened parts that a conversation needs."""
    found: Assistant = request.app.state.assistant
    return found


Id = Annotated[str, Depends(known_id)]
Token = Annotated[str, Depends(token_of)]
Opening = Annotated[Assistant, Depends(assistant_of)]
Number = Annotated[int, Path(ge=1, le=1_000_000, examples=[2])]


@router.post(
    "",
    summary="Begin a conversation",
    **gives(chat_shapes.Begun, "begun", status=201, also={200: RESUMED}),
)
def begin(
    body: NewConversation, request: Request, response: Response, services: Opened
) -> dict[str, Any]:
    """201 with a new conversation; 200 with the one a signed-in customer has not finished."""
    check_origin(request, services.settings)
    customer = _customer(services, body.identity) if body.identity else None
    with transaction(services.engine) as session:
        found = unfinished(session, customer) if customer else None
        if found:
            response.status_code = 200
            return _begun(services, session, found, add_token(session, found))
        conversation, token = _new(session, services, body, request)
        if customer:
            known_as(conversation, customer)
        return _begun(services, session, conversation, token)


def _customer(services: Services, identity: str) -> Customer:
    return verify_identity(services.settings.identity_secret, identity)


def _new(
    session: Session, services: Services, body: NewConversation, request: Request
) -> tuple[Conversation, str]:
    locales = services.settings.locales
    check_locale(body.locale, locales)
    accepted = request.headers.get("accept-language", "")
    return start_conversation(
        session,
        body.channel,
        audience_of(body.channel),
        body.locale or preferred_locale(accepted, locales),
        page_url=body.page_url,
        page_title=body.page_title,
        pages=[page.model_dump() for page in body.pages],
        searches=[search.model_dump() for search in body.searches],
    )


def _begun(
    services: Services, session: Session, conversation: Conversation, token: str
) -> dict[str, Any]:
    shown = conversation_json(services, session, conversation)
    return {"id": conversation.id, "token": token, "conversation": shown}


@router.post(
    "/mine",
    summary="A customer's own conversations",
    **gives(chat_shapes.OwnConversations, "own_conversations"),
)
def list_mine(body: Identity, request: Request, services: Opened) -> dict[str, Any]:
    """A signed-in customer's own conversations, on whichever device."""
    check_origin(request, services.settings)
    customer = _customer(services, body.identity)
    with reading(services.engine) as session:
        found = conversations_of(session, customer.id)
        return {"items": [_line(session, conversation) for conversation in found]}


def _line(session: Session, conversation: Conversation) -> dict[str, Any]:
    turns = [turn for turn in turns_of(session, conversation.id) if not turn.is_for_staff]
    return {
        "id": conversation.id,
        "started_at": iso(conversation.started_at),
        "changed_at": iso(conversation.changed_at),
        "status": status_of(conversation, latest_handoff(session, conversation.id)),
        "want": conversation.want or want_of(turns),
        "last": turns[-1].text[:200] if turns else "",
    }


@router.post(
    "/{conversation_id}/token",
    summary="Open one's own conversation",
    **gives(chat_shapes.NewToken, "new_token"),
)
def open_mine(conversation_id: Id, body: Identity, services: Opened) -> dict[str, str]:
    """A new token for a signed-in customer's own conversation."""
    customer = _customer(services, body.identity)
    with transaction(services.engine) as session:
        conversation = get_conversation(session, conversation_id)
        if conversation.customer_id != customer.id:
            raise NotFound("there is no such conversation")
        return {"token": add_token(session, conversation)}


@router.get(
    "/{conversation_id}",
    summary="The whole conversation",
    **gives(chat_shapes.Conversation, "conversation", "talking", "ended", key=TOKEN),
)
def read(conversation_id: Id, token: Token, services: Opened) -> dict[str, Any]:
    """As its customer sees it; events go on from `last_event`."""
    with reading(services.engine) as session:
        conversation = open_with(session, conversation_id, token)
        return conversation_json(services, session, conversation)


@router.delete("/{conversation_id}", summary="Delete a conversation", **done(TOKEN))
def delete(conversation_id: Id, token: Token, opening: Opening) -> Response:
    """The customer wants it gone: its words are."""
    with transaction(opening.engine) as session:
        erase(session, open_with(session, conversation_id, token))
    return Response(status_code=204)


@router.post(
    "/{conversation_id}/identity",
    summary="The visitor has signed in",
    **gives(chat_shapes.Conversation, "signed_in", key=TOKEN),
)
def identify(conversation_id: Id, body: Identity, token: Token, services: Opened) -> dict[str, Any]:
    """A visitor has signed in: the conversation is theirs on every device."""
    customer = _customer(services, body.identity)
    with transaction(services.engine) as session:
        conversation = open_with(session, conversation_id, token)
        known_as(conversation, customer)
        session.add(conversation)
        session.flush()
        return conversation_json(services, session, conversation)


@router.post(
    "/{conversation_id}/turns",
    summary="Say something",
    **gives(turn_shapes.Exchange, "exchange", "asked_back", "greeted", "heard", key=TOKEN),
)
def say(
    conversation_id: Id, body: NewTurn, token: Token, services: Opened, opening: Opening
) -> dict[str, Any]:
    """The customer's turn and what is said to it; null once a person has been asked for."""
    turns = take_message(opening, conversation_id, token, body.text, body.client_id)
    if body.page_url:
        _moved_to(opening, conversation_id, token, body)
    return _exchange(services, turns)


def _moved_to(opening: Assistant, conversation_id: str, token: str, body: NewTurn) -> None:
    """The customer goes on talking from another page."""
    with reading(opening.engine) as session:
        is_there = open_with(session, conversation_id, token).page_url == body.page_url
    if not is_there:
        with transaction(opening.engine) as session:
            conversation = open_with(session, conversation_id, token)
            conversation.page_url, conversation.page_title = body.page_url, body.page_title
            session.add(conversation)


def _exchange(services: Services, turns: list[Turn]) -> dict[str, Any]:
    with reading(services.engine) as session:
        shown = turns_json(services, session, turns)
    replies = [turn["reply"] for turn in shown if turn["reply"]]
    answers = [reply for reply in replies if reply["outcome"] != "phrase"]
    return {"turn": shown[0], "reply": next(iter(answers or replies), None), "turns": shown}


@router.post(
    "/{conversation_id}/choice",
    summary="Choose from what was asked back",
    **gives(turn_shapes.Exchange, "chosen", "none_chosen", key=TOKEN),
)
def choose(
    conversation_id: Id, body: Choice, token: Token, services: Opened, opening: Opening
) -> dict[str, Any]:
    """A click on one of the options, or on none of them."""
    turns = take_choice(opening, conversation_id, token, body.n, body.article, body.client_id)
    return _exchange(services, turns)


@router.post(
    "/{conversation_id}/turns/{number}/feedback",
    summary="Did it help?",
    **gives(turn_shapes.Judged, "helped", "offered", key=TOKEN),
)
def judge(
    conversation_id: Id, number: Number, body: Verdict, token: Token, services: Opened
) -> dict[str, Any]:
    """Keeps the verdict with its question; after the second no, a person is offered."""
    with transaction(services.engine) as session:
        conversation = open_with(session, conversation_id, token)
        turns = judge_turn(session, conversation, number, body.helped, body.comment)
        shown = turns_json(services, session, turns)
    return {"turn": shown[0], "turns": shown[1:]}


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


@router.post("/{conversation_id}/typing", summary="The customer is writing", **done(TOKEN))
def is_typing(conversation_id: Id, token: Token, services: Opened) -> Response:
    """The agent sees that the customer is writing."""
    with transaction(services.engine) as session:
        conversation = open_with(session, conversation_id, token)
        live.tell_typing(session, conversation.id, CUSTOMER, conversation.name)
    return Response(status_code=204)


@router.post("/{conversation_id}/read", summary="The customer has read", **done(TOKEN))
def has_read(conversation_id: Id, body: Seen, token: Token, services: Opened) -> Response:
    """The customer has seen the turns up to this one."""
    with transaction(services.engine) as session:
        mark_read(session, open_with(session, conversation_id, token), CUSTOMER, body.n)
    return Response(status_code=204)


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


@router.get(
    "/{conversation_id}/events",
    summary="What happens, as it happens",
    **streams(chat_shapes.EVENTS, "chat_events", TOKEN),
)
def watch(
    conversation_id: Id,
    token: Token,
    request: Request,
    services: Opened,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventStream:
    """Server-sent events, without a gap after `Last-Event-ID`; `conversation` first without it."""
    with reading(services.engine) as session:
        open_with(session, conversation_id, token)
        newest = live.last_event(session)
    last = newest
    with suppress(ValueError, TypeError):
        last = min(newest, max(0, int(last_event_id or "")))
    load = _loading(services, conversation_id, starts=last_event_id is None)
    return event_stream(request.app.state.feed, load, last, conversation_id)


def _loading(services: Services, conversation_id: str, starts: bool) -> Load:
    """What the customer is sent after an event."""
    first = [starts]

    def load(last: int) -> tuple[list[Sent], int]:
        with reading(services.engine) as session:
            events = live.events_after(session, last, conversation_id)
            conversation = session.get(Conversation, conversation_id)
            if conversation is None:
                return [Sent("deleted", {})] if first[0] or events else [], last
            begins, first[0] = first[0], False
            sent = [Sent("conversation", state_json(services, session, conversation))]
            sent = sent if begins else []
            shown = _shown(services, session, conversation, events)
            return sent + shown, events[-1].id or last if events else last

    return load


def _shown(
    services: Services, session: Session, conversation: Conversation, events: list[live.LiveEvent]
) -> list[Sent]:
    """The events that the customer may see, each as things stand now."""
    public = [event for event in events if not event.staff_only]
    numbers = {event.data["n"] for event in public if event.kind == "turn"}
    turns = [t for t in turns_of(session, conversation.id) if t.number in numbers]
    by_number = {turn.number: turn for turn in turns if not turn.is_for_staff}
    rendering = Rendering(services, session, turns)
    last_of_kind = {event.kind: event.id for event in public}
    sent = []
    for event in public:
        if event.kind == "turn" and event.data["n"] in by_number:
            turn = rendering.turn(by_number[event.data["n"]])
            sent.append(Sent("turn", turn, event.id))
        elif event.kind == "conversation" and event.id == last_of_kind["conversation"]:
            state = state_json(services, session, conversation)
            sent.append(Sent("conversation", state, event.id))
        elif event.kind == live.TYPING and event.data["author"] != CUSTOMER:
            sent.append(Sent("typing", event.data))
        elif event.kind == "read":
            sent.append(Sent("read", event.data, event.id))
    return sent
