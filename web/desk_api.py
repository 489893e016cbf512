"""The desk over HTTP: who is there, the queue, a case and what is done with it."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlmodel import Session, select

from assistant.conversations import (
    AGENT,
    CUSTOMER,
    Turn,
    get_conversation,
    mark_read,
)
from assistant.desk import cases
from assistant.desk.presence import Presence, presence_of, set_presence
from assistant.desk.queue import in_line, open_handoffs, sweep
from assistant.handoffs import WAITING, WITH_AGENT, Handoff, get_handoff
from assistant.package import package_of
from kb.articles import (
    Revision,
    get_article,
    get_revision,
)
from kb.db import now, reading, transaction
from kb.errors import Invalid
from kb.people import Person, require
from web import desk_shapes, package_shapes
from web.api import Limit, Opened
from web.conversation_api import Opening
from web.conversation_bodies import Seen
from web.desk_bodies import (
    NewNote,
    NewPresence,
    NewReply,
    NewResolution,
    NewTransfer,
)
from web.guards import staff
from web.openapi import NEEDED, done, gives
from web.packages import case_json
from web.replies import iso
from web.services import Services
from web.turns import Rendering, person_json

router = APIRouter(prefix="/api/v1", tags=["desk"])
HandoffId = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[1])]


def agent_of(request: Request, session: Session) -> Person:
    """Who is at the desk. Raises 401 for nobody, NotAllowed for those who serve no customers."""
    person = staff(request, session)
    require(person, "serve")
    return person


# -- the desk itself -------------------------------------------------------------------


@router.get(
    "/desk",
    summary="The desk",
    **gives(desk_shapes.Desk, "desk", key=NEEDED),
)
def show_desk(request: Request, services: Opened) -> dict[str, Any]:
    """Who I am, who is there, how much waits."""
    with reading(services.engine) as session:
        me = agent_of(request, session)
        handoffs = open_handoffs(session)
        return {
            "me": {"id": me.id, "name": me.name, "email": me.email, "role": me.role},
            "presence": _presence(presence_of(session, me)),
            "agents": _colleagues(session, handoffs),
            "counts": {
                "waiting": sum(h.status == WAITING for h in handoffs),
                "mine": sum(h.claimed_by_id == me.id for h in handoffs),
            },
            "locales": services.settings.locales,
        }


def _presence(presence: Presence) -> dict[str, Any]:
    return {
        "online": presence.online_since is not None,
        "languages": presence.languages,
        "skills": presence.skills,
        "room": presence.room,
        "since": iso(presence.online_since),
    }


def _colleagues(session: Session, handoffs: list[Handoff]) -> list[dict[str, Any]]:
    busy = Counter(h.claimed_by_id for h in handoffs if h.status == WITH_AGENT)
    query = select(Presence, Person).join(Person).order_by(Person.name)
    at = now()
    return [
        {
            "id": person.id,
            "name": person.name,
            "online": presence.is_online(at),
            "languages": presence.languages,
            "skills": presence.skills,
            "open": busy[person.id],
            "room": presence.room,
        }
        for presence, person in session.exec(query)
        if person.may("serve")
    ]


@router.put(
    "/desk/presence",
    summary="Go online or offline",
    **gives(desk_shapes.Presence, "present", key=NEEDED),
)
def be_present(
    body: NewPresence, request: Request, services: Opened, opening: Opening
) -> dict[str, Any]:
    """Online or offline; whoever goes offline keeps what they have, and gets nothing new."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        wanted = {"languages": body.languages, "skills": body.skills, "room": body.room}
        presence = set_presence(session, me, body.online, **wanted)
        sweep(session, opening.hours)
        return _presence(presence)


# -- the queue and a case --------------------------------------------------------------


@router.get(
    "/handoffs",
    summary="Cases",
    **gives(desk_shapes.CaseList, "case_list", key=NEEDED),
)
def list_handoffs(
    request: Request,
    services: Opened,
    status: Annotated[str, Query(max_length=20, examples=["waiting"])] = WAITING,
    limit: Limit = 50,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> dict[str, Any]:
    """Those that wait in the order of their turn; others newest first. Also `mine`."""
    with reading(services.engine) as session:
        me = agent_of(request, session)
        found = _handoffs(session, status, me)
        places = {h.id: place for place, h in enumerate(in_line(open_handoffs(session)), 1)}
        start = next((n for n, h in enumerate(found, 1) if h.id == after), 0) if after else 0
        page = found[start : start + limit]
        more = page[-1].id if page and start + limit < len(found) else None
        items = [_line(session, services, handoff, me, places) for handoff in page]
        return {"items": items, "total": len(found), "next": more}


def _handoffs(session: Session, status: str, me: Person) -> list[Handoff]:
    if status == WAITING:
        return in_line(open_handoffs(session))
    if status == "mine":
        return [h for h in open_handoffs(session) if h.claimed_by_id == me.id]
    if status == WITH_AGENT:
        return [h for h in open_handoffs(session) if h.status == WITH_AGENT]
    if status not in ("resolved", "cancelled"):
        raise Invalid("status is one of waiting, with_agent, mine, resolved, cancelled", "status")
    query = select(Handoff).order_by(Handoff.id.desc())  # type: ignore[union-attr]
    return [h for h in session.exec(query.limit(2000)) if h.status == status]


def _line(
    session: Session,
    services: Services,
    handoff: Handoff,
    me: Person,
    places: dict[int | None, int],
) -> dict[str, Any]:
    conversation = get_conversation(session, handoff.conversation_id)
    package = package_of(session, conversation, handoff)
    said = [turn for turn in package.turns if turn.author in (CUSTOMER, AGENT)]
    offered = session.get(Person, handoff.offered_to_id) if handoff.offered_to_id else None
    unread = [t for t in package.turns if t.author == CUSTOMER]
    return {
        "id": handoff.id,
        "conversation": conversation.id,
        "status": handoff.status,
        "reason": handoff.reason,
        "want": package.want,
        "locale": handoff.locale,
        "skill": handoff.skill,
        "created_at": iso(handoff.created_at),
        "waited_seconds": cases.waited_seconds(handoff),
        "position": places.get(handoff.id),
        "wish": handoff.wish,
        "customer": {
            "name": conversation.name,
            "verified": conversation.is_verified,
            "email": conversation.email,
        },
        "agent": person_json(holder_of(session, handoff)),
        "offered_to": person_json(offered),
        "offered_to_me": offered is not None and offered.id == me.id,
        "unread": sum(turn.number > conversation.agent_read for turn in unread),
        "last": said[-1].text[:200] if said else "",
        "returned": handoff.returned_at is not None,
    }


def holder_of(session: Session, handoff: Handoff) -> Person | None:
    """Who has the case, or had it."""
    id_ = handoff.claimed_by_id or handoff.resolved_by_id
    return session.get(Person, id_) if id_ else None


@router.get(
    "/handoffs/{handoff_id}",
    summary="A case with its whole story",
    **gives(package_shapes.Case, "case_waiting", "case_resolved", key=NEEDED),
)
def show_handoff(handoff_id: HandoffId, request: Request, services: Opened) -> dict[str, Any]:
    """Who, what they want, all that was said and shown, and what would answer it."""
    with reading(services.engine) as session:
        agent_of(request, session)
        return case_json(services, session, get_handoff(session, handoff_id))


@router.post(
    "/handoffs/{handoff_id}/claim",
    summary="Take a case",
    **gives(package_shapes.Case, "case", key=NEEDED),
)
def claim(
    handoff_id: HandoffId, request: Request, services: Opened, opening: Opening
) -> dict[str, Any]:
    """The first who claims it has it; the second gets 409."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        handoff = get_handoff(session, handoff_id)
        cases.claim(session, handoff, me)
        sweep(session, opening.hours)
    with reading(services.engine) as session:
        return case_json(services, session, get_handoff(session, handoff_id))


@router.delete(
    "/handoffs/{handoff_id}/claim",
    summary="Let go of a case",
    **gives(package_shapes.Case, "case_waiting", key=NEEDED),
)
def release(
    handoff_id: HandoffId, request: Request, services: Opened, opening: Opening
) -> dict[str, Any]:
    """Let go of it: to the front of the queue."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        cases.give_back(session, get_handoff(session, handoff_id), me)
        sweep(session, opening.hours)
    with reading(services.engine) as session:
        return case_json(services, session, get_handoff(session, handoff_id))


@router.post(
    "/handoffs/{handoff_id}/replies",
    summary="Answer the customer",
    **gives(desk_shapes.Spoken, "inserted", "said", key=NEEDED),
)
def reply(
    handoff_id: HandoffId, body: NewReply, request: Request, services: Opened
) -> dict[str, Any]:
    """With `article`, words that differ from the approved answer are kept as a deviation."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        handoff = get_handoff(session, handoff_id)
        revision = given_revision(session, services, body.article, body.locale, body.version)
        turn = cases.reply(session, handoff, me, body.text, body.client_id, revision)
        return _spoken(session, services, turn)


def given_revision(
    session: Session,
    services: Services,
    slug: str | None,
    locale: str | None,
    version: int | None,
) -> Revision | None:
    """The wording that a body names; None when it names no article. Raises NotFound."""
    if slug is None:
        return None
    place = locale or services.settings.fallback_locale
    return get_revision(session, get_article(session, slug), place, version)


def _spoken(session: Session, services: Services, turn: Turn) -> dict[str, Any]:
    return {"turn": Rendering(services, session, [turn]).turn(turn)}


@router.post(
    "/handoffs/{handoff_id}/notes",
    summary="Write a note",
    **gives(desk_shapes.Spoken, "note", key=NEEDED),
)
def write_note(
    handoff_id: HandoffId, body: NewNote, request: Request, services: Opened
) -> dict[str, Any]:
    """Words for colleagues; the customer never sees them."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        handoff = get_handoff(session, handoff_id)
        turn = cases.write_note(session, handoff, me, body.text, body.client_id)
        return _spoken(session, services, turn)


@router.post("/handoffs/{handoff_id}/typing", summary="The agent is writing", **done(NEEDED))
def is_typing(handoff_id: HandoffId, request: Request, services: Opened) -> Response:
    """The customer sees that somebody is writing."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        cases.is_typing(session, get_handoff(session, handoff_id), me)
    return Response(status_code=204)


@router.post("/handoffs/{handoff_id}/read", summary="The agent has read", **done(NEEDED))
def has_read(handoff_id: HandoffId, body: Seen, request: Request, services: Opened) -> Response:
    """The customer sees what was read."""
    with transaction(services.engine) as session:
        agent_of(request, session)
        handoff = get_handoff(session, handoff_id)
        conversation = get_conversation(session, handoff.conversation_id)
        mark_read(session, conversation, AGENT, body.n)
    return Response(status_code=204)


@router.post(
    "/handoffs/{handoff_id}/transfer",
    summary="Pass a case on",
    **gives(package_shapes.Case, "case_passed_on", key=NEEDED),
)
def transfer(
    handoff_id: HandoffId,
    request: Request,
    services: Opened,
    opening: Opening,
    body: NewTransfer | None = None,
) -> dict[str, Any]:
    """To a colleague, a language or a skill, or back to the queue, with everything in it."""
    body = body or NewTransfer()
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        cases.transfer(session, get_handoff(session, handoff_id), me, body.to, body.note)
        sweep(session, opening.hours)
    with reading(services.engine) as session:
        return case_json(services, session, get_handoff(session, handoff_id))


@router.post(
    "/handoffs/{handoff_id}/resolution",
    summary="Resolve a case",
    **gives(package_shapes.Case, "case_resolved", key=NEEDED),
)
def resolve(
    handoff_id: HandoffId,
    body: NewResolution,
    request: Request,
    services: Opened,
    opening: Opening,
) -> dict[str, Any]:
    """`answered` by an article, `new` knowledge needed, or `other`; the customer is asked once."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        handoff = get_handoff(session, handoff_id)
        revision = given_revision(session, services, body.article, body.locale, body.version)
        cases.resolve(session, handoff, me, body.disposition, revision, body.note)
        sweep(session, opening.hours)
    with reading(services.engine) as session:
        return case_json(services, session, get_handoff(session, handoff_id))
