"""What a customer is told as it happens."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Request
from sqlmodel import Session

from assistant import live
from assistant.conversations import (
    CUSTOMER,
    Conversation,
    open_with,
    turns_of,
)
from kb.db import reading
from web import chat_shapes
from web.api import Opened
from web.conversation_api import Id, Token
from web.live import EventStream, Load, Sent, event_stream
from web.openapi import TOKEN, streams
from web.services import Services
from web.turns import (
    Rendering,
    state_json,
)

router = APIRouter(prefix="/api/v1/conversations", tags=["chat"])


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
