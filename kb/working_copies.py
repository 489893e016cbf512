"""What somebody is writing and has not saved as a draft: kept every few seconds, never lost.

A copy belongs to a person, an article (None: a new one) and a language. Closing keeps it for a
while, so that discarding can be undone.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, Index, delete
from sqlmodel import Field, Session, SQLModel, col, select

from kb.db import UtcDateTime, now
from kb.errors import Invalid, NotFound
from kb.people import Person, require

# An open editor says so every quarter of a minute.
PRESENT_FOR = timedelta(seconds=50)
CLOSED_KEPT_FOR = timedelta(days=30)
LONGEST = 400_000

Fields = dict[str, str]


class WorkingCopy(SQLModel, table=True):
    """The fields of an editor's form as they were typed, on top of version `based_on`."""

    __table_args__ = (Index("ix_workingcopy_place", "article_id", "locale"),)

    id: str = Field(primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    article_id: int | None = Field(default=None, foreign_key="article.id")
    locale: str
    based_on: int = 0
    fields: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    has_changes: bool = False
    seen_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    saved_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def new_copy_id() -> str:
    """A name for a copy that nobody else will use or guess."""
    return secrets.token_urlsafe(12)


def keep(
    session: Session,
    copy_id: str,
    by: Person,
    article_id: int | None,
    locale: str,
    based_on: int,
    fields: Fields,
    has_changes: bool,
) -> WorkingCopy:
    """Write down what is typed at this moment; without changes, only that somebody is there.

    Raises NotFound for somebody else's copy, Invalid for more than an article can hold.
    """
    require(by, "write")
    assert by.id is not None
    if sum(map(len, fields.values())) > LONGEST or len(copy_id) > 64:
        raise Invalid("this is longer than an article can be; shorten it", "body")
    copy = session.get(WorkingCopy, copy_id) or WorkingCopy(
        id=copy_id, person_id=by.id, article_id=article_id, locale=locale
    )
    if copy.person_id != by.id or (copy.article_id, copy.locale) != (article_id, locale):
        raise NotFound("this is not your working copy; open the editor again")
    copy.seen_at = now()
    if copy.fields != fields:
        copy.saved_at = copy.seen_at
    copy.based_on, copy.fields, copy.has_changes = based_on, fields, has_changes
    copy.closed_at = None
    session.add(copy)
    _forget(session, by)
    session.flush()
    return copy


def _forget(session: Session, by: Person) -> None:
    old = col(WorkingCopy.closed_at) < now() - CLOSED_KEPT_FOR
    session.execute(delete(WorkingCopy).where(col(WorkingCopy.person_id) == by.id, old))


def find_copy(
    session: Session, by: Person, article_id: int | None, locale: str
) -> WorkingCopy | None:
    """The newest unsaved work of that person on that article and language."""
    query = _open(by).where(col(WorkingCopy.article_id) == article_id, WorkingCopy.locale == locale)
    found: WorkingCopy | None = session.exec(query.limit(1)).first()
    return found


def new_copies(session: Session, by: Person) -> list[WorkingCopy]:
    """What that person began and has not saved: articles that do not exist yet, newest first."""
    return list(session.exec(_open(by).where(col(WorkingCopy.article_id).is_(None))))


def open_copies(session: Session, by: Person) -> list[WorkingCopy]:
    """All unsaved work of a person, newest first."""
    return list(session.exec(_open(by)))


def _open(by: Person) -> Any:
    return (
        select(WorkingCopy)
        .where(
            WorkingCopy.person_id == by.id,
            col(WorkingCopy.closed_at).is_(None),
            col(WorkingCopy.has_changes).is_(True),
        )
        .order_by(col(WorkingCopy.saved_at).desc())
    )


def get_copy(session: Session, copy_id: str, by: Person) -> WorkingCopy:
    """A copy of one's own, closed or not. Raises NotFound."""
    copy = session.get(WorkingCopy, copy_id[:64])
    if copy is None or copy.person_id != by.id:
        raise NotFound("there is no such working copy of yours")
    return copy


def close(session: Session, copy_id: str, by: Person) -> None:
    """Saved or discarded: it is offered no more, but can be reopened for 30 days."""
    copy = session.get(WorkingCopy, copy_id[:64])
    if copy is not None and copy.person_id == by.id:
        copy.closed_at = now()
        session.add(copy)
        session.flush()


def reopen(session: Session, copy_id: str, by: Person) -> WorkingCopy:
    """Undo discarding. Raises NotFound."""
    copy = get_copy(session, copy_id, by)
    copy.closed_at = None
    session.add(copy)
    session.flush()
    return copy


def others_at(session: Session, article_id: int, locale: str, by: Person) -> list[Person]:
    """Who else has this article open in this language right now."""
    query = (
        select(Person)
        .join(WorkingCopy, col(WorkingCopy.person_id) == Person.id)
        .where(
            WorkingCopy.article_id == article_id,
            WorkingCopy.locale == locale,
            col(WorkingCopy.person_id) != by.id,
            col(WorkingCopy.closed_at).is_(None),
            WorkingCopy.seen_at > now() - PRESENT_FOR,
        )
        .order_by(Person.name)
        .distinct()
    )
    return list(session.exec(query))
