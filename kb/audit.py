"""Reading history: who did what, when, to which article or person; newest first."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import String, cast
from sqlmodel import Session, col, func, or_, select

from kb.articles import Article
from kb.history import Event
from kb.people import Person

# About people, keys and invitations: for admins. Publishers read the rest.
HOUSE_KINDS = frozenset(
    {
        "person_added",
        "invited",
        "invited_again",
        "invitation_withdrawn",
        "joined",
        "renamed",
        "role_changed",
        "deactivated",
        "reactivated",
        "key_added",
        "key_revoked",
        "password_link_made",
        "password_reset",
        "password_changed",
        "identity_linked",
        "locked_out",
        "signed_out_everywhere",
    }
)
BATCH = 500


@dataclass(frozen=True)
class EventSearch:
    """What to look for; what is empty does not matter. Days are whole ones in UTC."""

    person: int | None = None
    article: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    text: str = ""
    with_house: bool = True


@dataclass(frozen=True)
class EventRow:
    """One Event with the names it is known by."""

    event: Event
    article: str | None
    by: Person | None
    about: Person | None


def find_events(
    session: Session, search: EventSearch, limit: int, offset: int = 0
) -> list[EventRow]:
    """A page of what was found."""
    return _rows(session, _query(search).limit(limit).offset(offset))


def count_events(session: Session, search: EventSearch) -> int:
    """How many were found in all."""
    query = select(func.count(col(Event.id))).select_from(Event).outerjoin(Article)
    return session.exec(query.where(*_conditions(search))).one()


def every_event(session: Session, search: EventSearch) -> Iterator[EventRow]:
    """All that was found, read in batches, so that a long history fits any memory."""
    below: int | None = None
    while True:
        query = _query(search).limit(BATCH)
        rows = _rows(session, query if below is None else query.where(col(Event.id) < below))
        yield from rows
        if len(rows) < BATCH:
            return
        below = rows[-1].event.id
        session.expunge_all()


def kinds_seen(session: Session, with_house: bool = True) -> list[str]:
    """What has happened here at all, by name."""
    found = session.exec(select(Event.kind).distinct())
    return sorted(kind for kind in found if with_house or kind not in HOUSE_KINDS)


def _query(search: EventSearch) -> Any:
    query = select(Event, Article.slug).outerjoin(Article).where(*_conditions(search))
    return query.order_by(col(Event.id).desc())


def _rows(session: Session, query: Any) -> list[EventRow]:
    found = session.exec(query).all()
    ids = {event.by_id for event, _slug in found} | {_about(event) for event, _slug in found}
    people = select(Person).where(col(Person.id).in_(ids - {None}))
    named = {person.id: person for person in session.exec(people)}
    return [
        EventRow(event, slug, named.get(event.by_id), named.get(_about(event)))
        for event, slug in found
    ]


def _about(event: Event) -> int | None:
    about = event.data.get("person")
    return about if isinstance(about, int) else None


def _conditions(search: EventSearch) -> list[Any]:
    found: list[Any] = []
    if search.person is not None:
        found.append(or_(col(Event.by_id) == search.person, _is_about(search.person)))
    if search.article:
        found.append(col(Article.slug).icontains(search.article.strip(), autoescape=True))
    if search.kind:
        found.append(Event.kind == search.kind)
    if search.since:
        found.append(col(Event.at) >= _midnight(search.since))
    if search.until:
        found.append(col(Event.at) < _midnight(search.until) + timedelta(days=1))
    if text := search.text.strip():
        found.append(_mentions(text))
    if not search.with_house:
        found.append(col(Event.kind).not_in(HOUSE_KINDS))
    return found


def _is_about(person_id: int) -> Any:
    about: Any = Event.data["person"]
    return about.as_integer() == person_id


def _mentions(text: str) -> Any:
    """In the details, the article's name, or the name or e-mail of whoever did it."""
    # As JSON is kept: what is not ASCII is written \\uXXXX.
    written = json.dumps(text)[1:-1]
    people = select(Person.id).where(
        or_(*(c.icontains(text, autoescape=True) for c in (col(Person.name), col(Person.email))))
    )
    return or_(
        cast(Event.data, String).icontains(written, autoescape=True),
        col(Article.slug).icontains(text, autoescape=True),
        col(Event.by_id).in_(people),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
