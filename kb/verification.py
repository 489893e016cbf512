"""Whether answers are still right: who made sure of it last, and when somebody should again.

    verified ─nearly over→ due_soon ─over→ overdue        each of them ─still right→ verified

The label follows from facts: the approval, the Verifications since, and the interval that the
wording asks for. None of them is an Event: what customers are told does not change, so neither the
epoch nor the index moves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from kb.articles import Article, Review, Revision, Verification
from kb.db import now
from kb.errors import Conflict, NotAllowed, NotFound
from kb.owners import Owners, owner_of
from kb.people import Person
from kb.publishing import Publication, select_live

APPROVED, CONFIRMED, USED = "approved", "confirmed", "used"
VERIFIED, DUE_SOON, OVERDUE = "verified", "due_soon", "overdue"
STATES = (OVERDUE, DUE_SOON, VERIFIED)
# Soon is a week, or a tenth of an interval that is longer than ten weeks or shorter.
SOON, SHARE = timedelta(days=7), 0.1
VERDICTS = ("approved", "adopted")


@dataclass(frozen=True)
class Standing:
    """A live wording, who looks after it and when somebody last made sure of it."""

    article_id: int
    slug: str
    locale: str
    revision_id: int
    version: int
    title: str
    category: str
    audience: str
    owner: str
    verify_days: int | None
    verified_at: datetime
    by_id: int
    how: str
    verification_id: int | None = None

    @property
    def due_at(self) -> datetime | None:
        """When somebody should look again; None for a wording without an interval."""
        return due_at(self.verified_at, self.verify_days)

    def state(self, at: datetime) -> str:
        """`verified`, `due_soon` or `overdue`."""
        return state_of(self.verified_at, self.verify_days, at)

    def is_for(self, person: Person) -> bool:
        """Whether it is theirs to verify: they own it, or nobody does and they are a publisher."""
        return self.owner.lower() == person.email if self.owner else person.may("approve")


# -- when ------------------------------------------------------------------------------


def due_at(verified_at: datetime, verify_days: int | None) -> datetime | None:
    """The end of the interval, if there is one."""
    return verified_at + timedelta(days=verify_days) if verify_days else None


def state_of(verified_at: datetime | None, verify_days: int | None, at: datetime) -> str:
    """`verified`, `due_soon` or `overdue` at an instant; a draft asks nobody for anything."""
    due = due_at(verified_at, verify_days) if verified_at else None
    if due is None or verify_days is None:
        return VERIFIED
    if due <= at:
        return OVERDUE
    soon = min(SOON, timedelta(days=verify_days) * SHARE)
    return DUE_SOON if due - soon <= at else VERIFIED


def is_overdue(revision: Revision, at: datetime | None = None) -> bool:
    """Whether somebody should have looked at it again by now."""
    return state_of(revision.verified_at, revision.verify_days, at or now()) == OVERDUE


# -- still right -------------------------------------------------------------------------


def may_verify(session: Session, revision: Revision, person: Person) -> bool:
    """Its owner, a publisher, or an agent, who sees every day whether it holds."""
    is_owner = owner_of(session, revision).lower() == person.email
    return is_owner or person.may("approve") or person.may("serve")


def confirm(session: Session, revision: Revision, by: Person) -> Verification:
    """Somebody has looked, and it is still right.

    Raises NotAllowed for who neither owns nor uses it, Conflict for a wording nobody approved.
    """
    if not may_verify(session, revision, by):
        raise NotAllowed("its owner, a publisher or an agent can say that it is still right")
    if not revision.is_approved:
        raise Conflict(f"version {revision.version} is {revision.state}, not approved")
    return _add(session, revision, by, CONFIRMED)


def renew_by_use(session: Session, revision: Revision, by: Person) -> Verification | None:
    """An agent gave it word for word: it holds. Once in a tenth of its interval is enough."""
    verified = revision.verified_at
    if verified is None or revision.verify_days is None:
        return None
    if now() - verified < timedelta(days=revision.verify_days) * SHARE:
        return None
    return _add(session, revision, by, USED)


def _add(session: Session, revision: Revision, by: Person, how: str) -> Verification:
    assert revision.id is not None
    assert by.id is not None
    made = Verification(revision_id=revision.id, by_id=by.id, how=how)
    revision.verifications.append(made)
    session.flush()
    return made


def take_back(session: Session, verification_id: int, by: Person) -> Verification:
    """It was a mistake: as if it had not been said. Raises NotFound, Conflict, NotAllowed."""
    found = session.get(Verification, verification_id)
    if found is None:
        raise NotFound("there is no such verification")
    if found.undone_at:
        raise Conflict("this was taken back already")
    if found.by_id != by.id and not by.may("approve"):
        raise NotAllowed("only who said it, or a publisher, can take it back")
    found.undone_at, found.undone_by_id = now(), by.id
    session.add(found)
    session.flush()
    return found


# -- what is due ---------------------------------------------------------------------------


def standings(
    session: Session, article_ids: Iterable[int] | None = None, with_interval: bool = True
) -> list[Standing]:
    """Every live wording with its owner and last verification, what is due longest first.

    A few queries, however many there are. Without `with_interval`, also what is never due.
    """
    ids = None if article_ids is None else list(article_ids)
    live = _live_rows(session, ids, with_interval)
    looked = _last_looks(session, None if ids is None else [row.revision_id for row in live])
    owners = Owners(session, ids)
    found = [
        Standing(**dict(row._mapping) | {"owner": owners.of(row)}, **looked[row.revision_id])
        for row in live
        if row.revision_id in looked
    ]
    return sorted(found, key=_urgency)


def _urgency(standing: Standing) -> tuple[bool, datetime, str, str]:
    due = standing.due_at
    return due is None, due or standing.verified_at, standing.slug, standing.locale


def _live_rows(session: Session, article_ids: list[int] | None, with_interval: bool) -> list[Any]:
    columns = ("version", "title", "category", "audience", "owner", "verify_days")
    query = (
        select_live(now())
        .join(Revision, Publication.revision_id == Revision.id)
        .join(Article, Publication.article_id == Article.id)
        .with_only_columns(
            Publication.article_id,
            Publication.locale,
            Publication.revision_id,
            Article.slug,
            *(getattr(Revision, name) for name in columns),
        )
    )
    if article_ids is not None:
        query = query.where(col(Publication.article_id).in_(article_ids))
    if with_interval:
        query = query.where(col(Revision.verify_days).is_not(None))
    return list(session.execute(query))


def _last_looks(session: Session, revision_ids: list[int] | None) -> dict[int, dict[str, Any]]:
    """By Revision, its approval or what came after it."""
    approvals = select(func.max(Review.id)).where(col(Review.verdict).in_(VERDICTS))
    newest = select(func.max(Verification.id)).where(col(Verification.undone_at).is_(None))
    if revision_ids is not None:
        approvals = approvals.where(col(Review.revision_id).in_(revision_ids))
        newest = newest.where(col(Verification.revision_id).in_(revision_ids))
    approvals = approvals.group_by(col(Review.revision_id))
    newest = newest.group_by(col(Verification.revision_id))
    reviews = select(Review.revision_id, Review.at, Review.by_id)
    looks: dict[int, dict[str, Any]] = {
        revision_id: {"verified_at": at, "by_id": by_id, "how": APPROVED}
        for revision_id, at, by_id in session.exec(reviews.where(col(Review.id).in_(approvals)))
    }
    for made in session.exec(select(Verification).where(col(Verification.id).in_(newest))):
        looks[made.revision_id] = {
            "verified_at": made.at,
            "by_id": made.by_id,
            "how": made.how,
            "verification_id": made.id,
        }
    return looks


def due(session: Session, person: Person | None = None) -> list[Standing]:
    """What is overdue or due soon, longest first; with a person, only what is theirs."""
    at = now()
    found = [s for s in standings(session) if s.state(at) != VERIFIED]
    return [s for s in found if person is None or s.is_for(person)]
