"""The chat over HTTP: a conversation's own calls carry its token as Bearer."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
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
from assistant.ending import erase
from assistant.exchanges import Assistant, judge_turn, take_choice, take_message
from assistant.handoffs import latest_handoff, status_of
from assistant.identity import Customer, known_as, unfinished, verify_identity
from assistant.package import want_of
from assistant.telling import note_seen
from assistant.understanding import check_locale
from kb.audiences import audience_of
from kb.db import reading, transaction
from kb.errors import NotFound
from web import chat_examples, chat_shapes, turn_shapes
from web.api import Opened
from web.conversation_bodies import (
    Choice,
    Identity,
    NewConversation,
    NewTurn,
    Seen,
    Verdict,
)
from web.i18n import preferred_locale
from web.openapi import TOKEN, done, gives, reply_of
from web.origins import check_origin
from web.replies import iso
from web.services import Services
from web.turns import (
    conversation_json,
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
        conversation = open_with(session, conversation_id, token)
        mark_read(session, conversation, CUSTOMER, body.n)
        note_seen(session, conversation)
    return Response(status_code=204)
