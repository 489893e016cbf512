"""What the desk is told as it happens, and how being there is noticed."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Request
from sqlmodel import Session

from assistant import live
from assistant.conversations import (
    CUSTOMER,
    Turn,
    turns_of,
)
from assistant.desk import cases
from assistant.desk.presence import be_seen
from assistant.desk.queue import open_handoffs
from assistant.handoffs import WAITING, Handoff
from kb.db import reading, transaction
from web import desk_shapes
from web.api import Opened
from web.desk_api import agent_of, holder_of
from web.live import EventStream, Load, Sent, event_stream
from web.openapi import NEEDED, streams
from web.services import Services
from web.turns import Rendering, person_json

router = APIRouter(prefix="/api/v1", tags=["desk"])


@router.get(
    "/desk/events",
    summary="What happens at the desk, as it happens",
    **streams(desk_shapes.EVENTS, "desk_events", NEEDED),
)
def watch(
    request: Request,
    services: Opened,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventStream:
    """What happens in the queue and in one's own cases; while it is open, one is there."""
    with reading(services.engine) as session:
        me = agent_of(request, session)
        newest = live.last_event(session)
    assert me.id is not None
    id_ = me.id

    def beat() -> None:
        with transaction(services.engine) as session:
            be_seen(session, id_)

    beat()
    last = newest
    with suppress(ValueError, TypeError):
        last = min(newest, max(0, int(last_event_id or "")))
    return event_stream(request.app.state.feed, _loading(services, id_), last, beat=beat)


def _loading(services: Services, person_id: int) -> Load:
    def load(last: int) -> tuple[list[Sent], int]:
        with reading(services.engine) as session:
            events = live.events_after(session, last)
            if not events:
                return [], last
            ids = list({event.conversation_id for event in events})
            handoffs = cases.earlier_handoffs(session, ids)
            waiting = sum(h.status == WAITING for h in open_handoffs(session))
            shown = [
                sent
                for event in events
                if (handoff := handoffs.get(event.conversation_id))
                for sent in _shown(services, session, handoff, event, person_id, waiting)
            ]
            return shown, events[-1].id or last

    return load


def _shown(
    services: Services,
    session: Session,
    handoff: Handoff,
    event: live.LiveEvent,
    person_id: int,
    waiting: int,
) -> list[Sent]:
    """What an agent is told: of every case that it moved, of the own ones what was said."""
    if event.kind in ("conversation", "offer"):
        moved = {
            "id": handoff.id,
            "status": handoff.status,
            "agent": person_json(holder_of(session, handoff)),
            "offered_to": handoff.offered_to_id,
        }
        return [Sent("queue", {"waiting": waiting}), Sent("handoff", moved, event.id)]
    if handoff.claimed_by_id != person_id and handoff.status != WAITING:
        return []
    if event.kind == "turn":
        found = _turn(session, handoff.conversation_id, event.data["n"])
        if found is None:
            return []
        turn = Rendering(services, session, [found]).turn(found)
        data = {"handoff": handoff.id, "conversation": handoff.conversation_id, "turn": turn}
        return [Sent("turn", data, event.id)]
    if event.kind == live.TYPING and event.data["author"] == CUSTOMER:
        return [Sent("typing", {"handoff": handoff.id, **event.data})]
    if event.kind == "read":
        return [Sent("read", {"handoff": handoff.id, **event.data}, event.id)]
    return []


def _turn(session: Session, conversation_id: str, number: int) -> Turn | None:
    return next(iter(turns_of(session, conversation_id, after=number - 1)), None)
