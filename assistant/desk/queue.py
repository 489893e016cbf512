"""The queue: who waits, who is offered which case, and what those who wait are told."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from assistant import live
from assistant.conversations import SYSTEM, Conversation, add_turn, get_conversation
from assistant.desk.hours import Hours
from assistant.desk.presence import Presence, online_agents
from assistant.desk.routing import (
    PATIENCE_SECONDS,
    RECENT,
    Seat,
    choose_seat,
    estimate_wait,
)
from assistant.handoffs import WAITING, WITH_AGENT, Handoff, tell_handoff
from assistant.phrases import phrase
from kb.db import now

OFFER_SECONDS = 30


def open_handoffs(session: Session) -> list[Handoff]:
    """Every case that somebody still has to do something about, oldest first."""
    query = select(Handoff).where(
        col(Handoff.resolved_at).is_(None), col(Handoff.cancelled_at).is_(None)
    )
    return list(session.exec(query.order_by(col(Handoff.id))))


def in_line(handoffs: Sequence[Handoff]) -> list[Handoff]:
    """Those that wait, in the order of their turn.

    Whoever lost their agent comes first; who asked to be called back or written to comes last,
    because they are not sitting there.
    """
    waiting = [h for h in handoffs if h.status == WAITING]
    return sorted(
        waiting,
        key=lambda h: (
            h.returned_at is None,
            h.wish != "wait",
            h.returned_at or h.created_at,
            h.id,
        ),
    )


def seats_at(session: Session, at: datetime, handoffs: Sequence[Handoff]) -> list[Seat]:
    """Everybody who is online, with how much they have on their hands."""
    busy = Counter(h.claimed_by_id for h in handoffs if h.status == WITH_AGENT)
    return [_seat(presence, busy[presence.person_id]) for presence in online_agents(session, at)]


def _seat(presence: Presence, busy: int) -> Seat:
    assert presence.online_since is not None
    return Seat(
        presence.person_id,
        presence.online_since,
        frozenset(presence.languages),
        frozenset(presence.skills),
        presence.room,
        busy,
    )


def handling_seconds(session: Session) -> list[float]:
    """How long the latest cases took, from claim to end, in seconds."""
    query = select(Handoff).where(
        col(Handoff.resolved_at).is_not(None), col(Handoff.claimed_at).is_not(None)
    )
    done = session.exec(query.order_by(col(Handoff.resolved_at).desc()).limit(RECENT))
    return [
        (h.resolved_at - h.claimed_at).total_seconds()
        for h in done
        if h.resolved_at and h.claimed_at
    ]


def sweep(session: Session, hours: Hours, at: datetime | None = None) -> None:
    """Bring the queue level with the clock: lost agents, offers, places, other ways.

    Called after every change to the queue and every few seconds; the caller holds the write lock.
    """
    at = at or now()
    _send_home_the_lost(session, at)
    handoffs = open_handoffs(session)
    seats = seats_at(session, at, handoffs)
    line = in_line(handoffs)
    _offer(session, line, seats, at)
    _tell_places(session, line, seats, hours, at)


def _send_home_the_lost(session: Session, at: datetime) -> None:
    """An agent nobody has heard of for a while is offline; their cases come first again.

    A program that serves with a key alone has no desk to lose, and keeps its cases.
    """
    for presence in session.exec(select(Presence).order_by(col(Presence.person_id))):
        if presence.is_lost(at):
            presence.online_since = None
            session.add(presence)
            for handoff in cases_of(session, presence.person_id):
                put_back(session, handoff, at)


def cases_of(session: Session, person_id: int) -> list[Handoff]:
    """What an agent has on their hands."""
    query = select(Handoff).where(
        Handoff.claimed_by_id == person_id,
        col(Handoff.resolved_at).is_(None),
        col(Handoff.cancelled_at).is_(None),
    )
    return list(session.exec(query.order_by(col(Handoff.id))))


def put_back(session: Session, handoff: Handoff, at: datetime) -> None:
    """The case loses its agent and goes to the front; the customer is told."""
    handoff.claimed_by_id = handoff.claimed_at = None
    handoff.offered_to_id = handoff.offered_at = None
    handoff.returned_at = at
    handoff.told_position = handoff.told_seconds = None
    conversation = get_conversation(session, handoff.conversation_id)
    say(session, conversation, "agent_left")
    tell_handoff(session, handoff)


def _offer(session: Session, line: list[Handoff], seats: list[Seat], at: datetime) -> None:
    """Each case that waits is offered to one agent at a time."""
    seats = list(seats)
    for handoff in line:
        if not _is_offered(handoff, seats, at):
            seat = _seat_for(handoff, seats)
            if seat is None and handoff.offered_to_id is None:
                continue
            handoff.offered_to_id = seat.person_id if seat else None
            handoff.offered_at = at if seat else None
            session.add(handoff)
            session.flush()
            live.tell(
                session,
                handoff.conversation_id,
                "offer",
                {"handoff": handoff.id, "to": handoff.offered_to_id},
                staff_only=True,
            )
        seats = [_fuller(s) if s.person_id == handoff.offered_to_id else s for s in seats]


def _is_offered(handoff: Handoff, seats: Sequence[Seat], at: datetime) -> bool:
    here = any(s.person_id == handoff.offered_to_id and s.free for s in seats)
    fresh = handoff.offered_at and at - handoff.offered_at < timedelta(seconds=OFFER_SECONDS)
    return bool(here and (fresh or len(seats) == 1))


def _seat_for(handoff: Handoff, seats: Sequence[Seat]) -> Seat | None:
    meant = [s for s in seats if s.person_id == handoff.meant_for_id]
    if meant:
        return meant[0]
    return choose_seat(seats, handoff.locale, handoff.skill, declined=handoff.offered_to_id)


def _fuller(seat: Seat) -> Seat:
    return Seat(
        seat.person_id, seat.online_since, seat.languages, seat.skills, seat.room, seat.busy + 1
    )


def _tell_places(
    session: Session, line: list[Handoff], seats: list[Seat], hours: Hours, at: datetime
) -> None:
    """Whoever waits learns of a new place or time, and of other ways when it takes long."""
    handling = handling_seconds(session) if line else []
    for place, handoff in enumerate(line, start=1):
        seconds = estimate_wait(place, seats, handoff.locale, handling)
        choice = handoff.told_choice or needs_choice(handoff, seconds, hours, at)
        told = (handoff.told_position, handoff.told_seconds, handoff.told_choice)
        if told == (place, seconds, choice):
            continue
        if choice and not handoff.told_choice and handoff.wish == "wait":
            is_open = hours.are_open(at)
            conversation = get_conversation(session, handoff.conversation_id)
            say(session, conversation, "long_wait" if is_open else "out_of_hours")
        handoff.told_position, handoff.told_seconds = place, seconds
        handoff.told_choice = choice
        tell_handoff(session, handoff)


def needs_choice(handoff: Handoff, seconds: int | None, hours: Hours, at: datetime) -> bool:
    """Whether to offer a call back or an e-mail: long to wait, long waited, or nobody there."""
    waited = (at - handoff.created_at).total_seconds()
    if seconds is None or not hours.are_open(at):
        return True
    return max(seconds, waited) > PATIENCE_SECONDS


def say(session: Session, conversation: Conversation, name: str, /, **values: object) -> None:
    """A line between the two, in approved words."""
    words = phrase(session, name, conversation.locale, **values)
    add_turn(
        session,
        conversation,
        SYSTEM,
        "status",
        words.text,
        locale=words.locale,
        detail={"phrase": {"name": name, "version": words.version, "sha256": words.sha256}},
    )
