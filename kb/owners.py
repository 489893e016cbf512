"""Who looks after an answer: whom its wording names, or whoever was put in their place.

The owner belongs to the wording, so that a version is whole. Somebody who leaves may own hundreds
of answers, and a hundred new versions that say nothing new would each need a second person. So an
Assignment stands beside the wording for as long as it names the owner who was replaced; a later
wording that names somebody else decides again.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from sqlmodel import Field, Session, SQLModel, col, func, select

from kb.articles import CONTROL, LIMITS
from kb.db import UtcDateTime, now
from kb.errors import Invalid
from kb.people import Person, require


class Assignment(SQLModel, table=True):
    """From then on somebody else looks after an article in one locale."""

    id: int | None = Field(default=None, primary_key=True)
    article_id: int = Field(foreign_key="article.id", index=True)
    locale: str
    owner: str
    instead_of: str
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Owned(Protocol):
    """A Revision, or as much of one as says whose it is."""

    article_id: int
    locale: str
    owner: str


def assign(session: Session, revision: Owned, owner: str, by: Person) -> Assignment:
    """Another owner, without a new version; an empty one gives it to all publishers.

    Raises Invalid for a name that no wording could carry.
    """
    require(by, "approve")
    assert by.id is not None
    owner = owner.strip()
    if len(owner) > LIMITS["owner"] or CONTROL.search(owner):
        raise Invalid(f"an owner has up to {LIMITS['owner']} plain characters", "owner")
    made = Assignment(
        article_id=revision.article_id,
        locale=revision.locale,
        owner=owner,
        instead_of=revision.owner,
        by_id=by.id,
    )
    session.add(made)
    session.flush()
    return made


def owner_of(session: Session, revision: Owned) -> str:
    """Who looks after this wording; empty when all publishers do."""
    return Owners(session, [revision.article_id]).of(revision)


class Owners:
    """The assignments of some articles, or of all, read once."""

    def __init__(self, session: Session, article_ids: Iterable[int] | None = None) -> None:
        newest = select(func.max(Assignment.id)).group_by(
            col(Assignment.article_id), col(Assignment.locale)
        )
        query = select(Assignment).where(col(Assignment.id).in_(newest))
        if article_ids is not None:
            query = query.where(col(Assignment.article_id).in_(list(article_ids)))
        self.assigned = {(a.article_id, a.locale): a for a in session.exec(query)}

    def of(self, revision: Owned) -> str:
        """Who looks after this wording."""
        found = self.assigned.get((revision.article_id, revision.locale))
        stands = found is not None and found.instead_of == revision.owner
        return found.owner if found and stands else revision.owner
