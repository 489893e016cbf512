"""Back to how everything stood at an earlier epoch, in one step that every reader sees at once.

History is only added to: what was live then is published again, what was not is withdrawn, and
the step itself can be rolled back like any other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from kb.db import now
from kb.errors import Conflict, NotFound
from kb.history import Event, epoch
from kb.people import Person, require
from kb.publishing import Publication, live_publications, publish_again, take_down


@dataclass(frozen=True)
class Step:
    """One place that would change: what is live there now, and what was then."""

    slug: str
    locale: str
    now: Publication | None
    then: Publication | None


def moment_of(session: Session, number: int) -> datetime:
    """When the store had that epoch. Raises NotFound for one that never was."""
    event = session.get(Event, number) if 0 < number < 2**31 else None
    if event is None:
        raise NotFound(f"there was no epoch {number}; the store is at {epoch(session)}")
    return event.at


def steps_to(session: Session, at: datetime) -> list[Step]:
    """What would have to change for everything to be live as it was at that instant."""
    present = _by_place(live_publications(session))
    past = _by_place(live_publications(session, at))
    found = []
    for place in sorted(present | past):
        current, former = present.get(place), past.get(place)
        if former and former.expires_at and former.expires_at <= now():
            # It would have ended by now anyway.
            former = None
        if _revision(current) != _revision(former):
            found.append(Step(*place, current, former))
    return found


def _by_place(publications: Iterable[Publication]) -> dict[tuple[str, str], Publication]:
    return {(p.article.slug, p.locale): p for p in publications}


def _revision(publication: Publication | None) -> int | None:
    return publication.revision_id if publication else None


def roll_back(session: Session, number: int, by: Person) -> list[Step]:
    """Make live what was live at that epoch; the caller commits, and nobody sees half of it.

    What was scheduled since then is cancelled. Raises NotFound for an epoch that never was,
    Conflict when nothing would change, NotAllowed for those who may not publish.
    """
    require(by, "publish")
    at = moment_of(session, number)
    steps = steps_to(session, at)
    since = scheduled_since(session, at)
    if not steps and not since:
        raise Conflict(f"everything is live as it was at epoch {number}; nothing to roll back")
    for waiting in since:
        take_down(session, waiting, by, "schedule_cancelled")
    for step in steps:
        if step.then:
            publish_again(session, step.then, by, number)
        elif step.now:
            take_down(session, step.now, by, "withdrawn")
    return steps


def scheduled_since(session: Session, at: datetime) -> list[Publication]:
    """Publications that were scheduled after that instant and have not begun."""
    query = select(Publication).where(
        col(Publication.starts_at) > now(),
        col(Publication.ended_at).is_(None),
        Publication.created_at > at,
    )
    return list(session.exec(query.order_by(col(Publication.id))))
