"""What people of the studio are told: kept until read, and sent by e-mail as each of them likes.

Nobody calls for it when a Revision moves: `catch_up` reads history from where it last stopped,
so that a step is told whoever took it, by page, API, command line or clock. A key is used once,
so nobody is told the same thing twice; and nobody is told what they did themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, Session, SQLModel, col, func, select

from kb.articles import Article, Revision, find_revision
from kb.comments import Comment, mentioned
from kb.db import UtcDateTime, now
from kb.errors import NotFound
from kb.fact_changes import FactChange
from kb.fact_uses import uses_of
from kb.history import LAST_EVENT, Event
from kb.owners import owner_of
from kb.people import ABILITIES, Person, Role, find_person
from kb.publishing import Publication
from kb.verification import OVERDUE, due
from kb.worklists import ending

# What waits for the person who is told; the rest is good to know.
WAITING = frozenset(
    {"submitted", "changes_requested", "mentioned", "expiring", "due", "failed", "corrected"}
)
# Told by a letter of its own already.
UNMAILED = frozenset({"flagged"})
HOW = ("waiting", "all", "daily", "never")
STEPS = (
    "submitted",
    "changes_requested",
    "approved",
    "published",
    "went_live",
    "expired",
    "withdrawn",
    "schedule_cancelled",
    "commented",
    "replied",
    "flagged",
)
DECISIONS = ("changes_requested", "approved")
# A change of a shared fact is told as a review is.
FACT_STEPS = {
    "fact_change_proposed": "submitted",
    "fact_change_approved": "approved",
    "fact_change_declined": "changes_requested",
}
BATCH = 500
# Somebody who does many things at once is told of the first one by one, then of how many more.
SINGLY, TOGETHER = 5, timedelta(hours=1)
EXPIRING_SOON = timedelta(days=3)


class Notification(SQLModel, table=True):
    """One thing that one person is told; `data` holds its title and what else is shown."""

    __table_args__ = (
        Index("ix_notification_unread", "person_id", "read_at"),
        Index("ix_notification_place", "article_id", "locale", "version"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, index=True)
    person_id: int = Field(foreign_key="person.id")
    kind: str
    article_id: int | None = Field(default=None, foreign_key="article.id")
    locale: str | None = None
    version: int | None = None
    by_id: int | None = Field(default=None, foreign_key="person.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    mailed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))

    @property
    def waits(self) -> bool:
        """Whether something is expected of the person."""
        return self.kind in WAITING


class NewsMark(SQLModel, table=True):
    """How far history has been read; one row."""

    id: int = Field(default=1, primary_key=True)
    event_id: int


def notify(
    session: Session,
    person: Person,
    kind: str,
    key: str,
    by: Person | None = None,
    revision: Revision | None = None,
    at: datetime | None = None,
    **data: Any,
) -> Notification | None:
    """Tell somebody, unless they did it themselves, have left, or were told under this key.

    `data` may hold `title`, `path` (where a link leads, below the studio) and `note`. The caller
    holds the write lock.
    """
    key = f"{key}-{person.id}"
    is_own = by is not None and by.id == person.id
    if is_own or person.deactivated_at or person.id is None or _was_told(session, key):
        return None
    at = at or now()
    earlier = _one_of_many(session, person, kind, by, at)
    if earlier:
        earlier.data = earlier.data | {"more": earlier.data.get("more", 0) + 1}
        earlier.at = at
        session.add(earlier)
        return earlier
    told = Notification(
        key=key,
        person_id=person.id,
        kind=kind,
        article_id=revision.article_id if revision else None,
        locale=revision.locale if revision else None,
        version=revision.version if revision else None,
        by_id=by.id if by else None,
        at=at,
        data=_shown(revision) | data,
    )
    session.add(told)
    session.flush()
    return told


def _was_told(session: Session, key: str) -> bool:
    return session.exec(select(Notification.id).where(Notification.key == key)).first() is not None


def _one_of_many(
    session: Session, person: Person, kind: str, by: Person | None, at: datetime
) -> Notification | None:
    alike = select(Notification).where(
        Notification.person_id == person.id,
        col(Notification.read_at).is_(None),
        Notification.kind == kind,
        Notification.by_id == (by.id if by else None),
        col(Notification.at) > at - TOGETHER,
    )
    found = session.exec(alike.order_by(col(Notification.id).desc()).limit(SINGLY)).all()
    return found[0] if len(found) == SINGLY else None


def _shown(revision: Revision | None) -> dict[str, Any]:
    if revision is None:
        return {}
    path = f"/articles/{revision.article.slug}/{revision.locale}/{revision.version}"
    return {"title": revision.title, "path": path}


# -- from history ------------------------------------------------------------------


def is_behind(session: Session) -> bool:
    """Whether something happened since; a cheap look."""
    read = session.exec(select(NewsMark.event_id)).first() or 0
    return (session.execute(LAST_EVENT).scalar_one() or 0) > read


def catch_up(session: Session) -> None:
    """Tell whomever the latest Events concern. The caller holds the write lock."""
    mark = session.get(NewsMark, 1) or NewsMark(event_id=0)
    query = select(Event).where(col(Event.id) > mark.event_id).order_by(col(Event.id))
    while events := session.exec(query.limit(BATCH)).all():
        for event in events:
            if event.kind in STEPS:
                _tell(session, event)
            elif event.kind in FACT_STEPS:
                _tell_of_fact(session, event)
        mark.event_id = events[-1].id or mark.event_id
        query = select(Event).where(col(Event.id) > mark.event_id).order_by(col(Event.id))
    session.add(mark)
    session.flush()


def _tell(session: Session, event: Event) -> None:
    article = session.get(Article, event.article_id) if event.article_id else None
    if article is None or event.locale is None:
        return
    revision = find_revision(session, article, event.locale, event.version)
    by = session.get(Person, event.by_id) if event.by_id else None
    if revision is None:
        return
    if event.kind in DECISIONS:
        _settle(session, event)
    told: set[int | None] = set()
    for person, kind, data in _whom(session, event, revision):
        if person.id not in told:
            told.add(person.id)
            key = f"event-{event.id}"
            notify(session, person, kind, key, by, revision, event.at, **data)


def _tell_of_fact(session: Session, event: Event) -> None:
    change = session.get(FactChange, event.data.get("change"))
    by = session.get(Person, event.by_id) if event.by_id else None
    if change is None or by is None:
        return
    kind = FACT_STEPS[event.kind]
    asked = f"fact-change-{change.id}-asked"
    if kind == "submitted":
        people, key = _staff(session, "approve") if change.is_waiting else [], asked
    else:
        people, key = _people(session, change.by_id), f"fact-change-{change.id}-decided"
        query = select(Notification).where(col(Notification.key).startswith(f"{asked}-"))
        for told in session.exec(query.where(col(Notification.read_at).is_(None))):
            told.read_at = event.at
            session.add(told)
    title = f"{change.fact.name}: {' · '.join(change.values.values())}"
    data = {"title": title, "path": f"/facts/changes/{change.id}"}
    data |= {"note": change.note} if change.note else {}
    for person in people:
        notify(session, person, kind, key, by, None, event.at, **data)


def _settle(session: Session, event: Event) -> None:
    """Whoever else was asked for a review need not look any more."""
    asked = select(Notification).where(
        Notification.kind == "submitted",
        Notification.article_id == event.article_id,
        Notification.locale == event.locale,
        Notification.version == event.version,
        col(Notification.read_at).is_(None),
    )
    for told in session.exec(asked):
        if not told.data.get("more"):
            told.read_at = event.at
            session.add(told)


Told = tuple[Person, str, dict[str, Any]]


def _whom(session: Session, event: Event, revision: Revision) -> Iterator[Told]:
    if event.kind in ("commented", "replied"):
        yield from _about_comment(session, event, revision)
        return
    note = {"note": event.data["note"]} if event.data.get("note") else {}
    if event.kind == "submitted" and revision.is_approved and uses_of(session, revision):
        # The change of a shared fact that brought it was told by itself.
        people = []
    elif event.kind == "submitted":
        people = [p for p in _staff(session, "approve") if p.id != revision.author_id]
    elif event.kind == "flagged":
        people = _owners(session, revision)
    elif event.kind in ("changes_requested", "approved"):
        people = _people(session, revision.author_id)
    elif event.kind == "schedule_cancelled":
        people = _people(session, *_publishers(session, revision))
    else:
        publishers = _publishers(session, revision) if event.by_id is None else []
        people = _people(session, revision.author_id, *publishers) + _owners(session, revision)
    for person in people:
        yield person, event.kind, note


def _about_comment(session: Session, event: Event, revision: Revision) -> Iterator[Told]:
    said = session.get(Comment, event.data.get("comment"))
    if said is None:
        return
    thread = said.thread_id or said.id
    data = {
        "note": said.text[:300],
        "path": f"{_shown(revision)['path']}#comment-{thread}",
    }
    for person in mentioned(said.text, _staff(session, "write")):
        yield person, "mentioned", data
    query = select(Comment.by_id).where((Comment.id == thread) | (Comment.thread_id == thread))
    for person in _people(session, revision.author_id, *session.exec(query)):
        yield person, "commented", data


def _staff(session: Session, ability: str) -> list[Person]:
    """People who may do this and are no keys, which read no notifications."""
    roles = [role for role in Role if ability in ABILITIES[role]]
    query = select(Person).where(
        col(Person.role).in_(roles),
        col(Person.deactivated_at).is_(None),
        ~col(Person.email).endswith("@keys.invalid"),
        ~col(Person.email).endswith("@verbatim.invalid"),
    )
    return list(session.exec(query.order_by(col(Person.id))))


def _people(session: Session, *ids: int) -> list[Person]:
    query = select(Person).where(col(Person.id).in_(ids)).order_by(col(Person.id))
    return list(session.exec(query))


def _publishers(session: Session, revision: Revision) -> list[int]:
    """Who published or scheduled it last."""
    query = select(Publication.by_id).where(Publication.revision_id == revision.id)
    return list(session.exec(query.order_by(col(Publication.id).desc()).limit(1)))


def _owners(session: Session, revision: Revision) -> list[Person]:
    owner = find_person(session, owner_of(session, revision))
    return [owner] if owner else []


# -- from the clock ----------------------------------------------------------------


def remind(session: Session, at: datetime | None = None) -> None:
    """Tell owners what expires soon and what they should look at again. Holds the write lock."""
    at = at or now()
    for task in ending(session, at + EXPIRING_SOON, at):
        publication = session.get(Publication, task.publication_id)
        if publication is None:
            continue
        revision = publication.revision
        for person in _owners(session, revision) or _people(session, publication.by_id):
            key = f"expiring-{publication.id}"
            until = task.until.isoformat() if task.until else ""
            notify(session, person, "expiring", key, None, revision, at, until=until)
    for standing in due(session):
        owner = find_person(session, standing.owner)
        if owner and standing.state(at) == OVERDUE:
            revision_ = session.get(Revision, standing.revision_id)
            key = f"due-{standing.revision_id}-{standing.verified_at.isoformat()}"
            notify(session, owner, "due", key, None, revision_, at)


# -- reading -----------------------------------------------------------------------


@dataclass(frozen=True)
class Pile:
    """One page of what somebody was told, newest first."""

    items: list[Notification]
    total: int
    names: dict[int, str]


def pile_of(session: Session, person: Person, unread: bool, most: int = 50, skip: int = 0) -> Pile:
    """What somebody was told, and by whom."""
    mine = [Notification.person_id == person.id]
    if unread:
        mine.append(col(Notification.read_at).is_(None))  # type: ignore[arg-type]
    total = session.exec(select(func.count()).select_from(Notification).where(*mine)).one()
    query = select(Notification).where(*mine)
    query = query.order_by(col(Notification.at).desc(), col(Notification.id).desc())
    items = list(session.exec(query.offset(skip).limit(most)))
    by = {item.by_id for item in items if item.by_id}
    named = session.exec(select(Person.id, Person.name).where(col(Person.id).in_(by)))
    return Pile(items, total, {id_: name for id_, name in named if id_})


def find_notification(session: Session, person: Person, notification_id: int) -> Notification:
    """One of theirs. Raises NotFound."""
    told = session.get(Notification, notification_id) if notification_id < 2**31 else None
    if told is None or told.person_id != person.id:
        raise NotFound("there is no such notification")
    return told


def count_unread(session: Session, person: Person) -> int:
    """How many they have not read."""
    query = select(func.count()).select_from(Notification)
    mine = (Notification.person_id == person.id, col(Notification.read_at).is_(None))
    return session.exec(query.where(*mine)).one()


def mark_read(
    session: Session, person: Person, notification_id: int | None = None
) -> list[Notification]:
    """They have read it, or all of them; what they are."""
    query = select(Notification).where(
        Notification.person_id == person.id, col(Notification.read_at).is_(None)
    )
    if notification_id is not None:
        query = query.where(Notification.id == notification_id)
    found = list(session.exec(query))
    for told in found:
        told.read_at = now()
        session.add(told)
    return found
