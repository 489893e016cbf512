"""Changing a shared fact: proposed by one person, approved by another, live everywhere at once.

    waiting ─approve→ approved        approver ≠ author
    waiting ─decline, withdraw→ declined, withdrawn

Every wording that states the fact gets a new version, and all of them are published in one
transaction: no channel ever says the old value in one article and the new one in another.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, func
from sqlmodel import Field, Relationship, Session, SQLModel, col, select

from kb import history
from kb.articles import Revision
from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.fact_plans import DRAFT, LIVE, SCHEDULED, Plan, Step, check_plan, make_plan, standing
from kb.fact_uses import folded
from kb.history import Event
from kb.people import Person, require
from kb.publishing import approve, draft, publish, submit
from kb.shared_facts import SharedFact, Values, add_version, checked_values, one_line, retire

WHY_LIMIT = 300


class FactChange(SQLModel, table=True):
    """New values for a fact, by locale, and what became of them."""

    id: int | None = Field(default=None, primary_key=True)
    fact_id: int = Field(foreign_key="sharedfact.id", index=True)
    # On which of its versions it was made.
    based_on: int
    values: Values = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    why: str = ""
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_by_id: int | None = Field(default=None, foreign_key="person.id")
    outcome: str = ""
    note: str = ""

    fact: SharedFact = Relationship()

    @property
    def is_waiting(self) -> bool:
        """Whether somebody has to decide."""
        return self.closed_at is None


# -- transitions -------------------------------------------------------------------


def propose(
    session: Session, fact: SharedFact, values: Mapping[str, str], by: Person, why: str = ""
) -> FactChange:
    """Ask for a change; one that touches no wording holds at once.

    Raises Invalid naming the field, Conflict while another change of this fact waits.
    """
    require(by, "write")
    assert by.id is not None
    assert fact.id is not None
    checked = checked_values(values)
    why = one_line(why, WHY_LIMIT, "the reason", "why")
    if checked == fact.values:
        raise Invalid("nothing is changed; give a new value", "values")
    if waiting_change(session, fact):
        raise Conflict(f"a change of {fact.name} waits for its approval already")
    change = FactChange(
        fact_id=fact.id, based_on=fact.now.version, values=checked, why=why, by_id=by.id
    )
    plan = make_plan(session, fact, checked)
    check_plan(plan, checked)
    change.fact = fact
    session.add(change)
    session.flush()
    _record(session, "fact_change_proposed", change, by, why=why)
    if not plan.places:
        add_version(session, fact, checked, by)
        _close(session, change, by, "approved")
    return change


def approve_change(session: Session, change: FactChange, by: Person, seen: str) -> None:
    """Somebody else's change comes true everywhere; `seen` is the digest of the plan they saw.

    Raises NotAllowed for one's own, Conflict when something has changed since it was looked at.
    """
    require(by, "approve")
    require(by, "publish")
    _check_waiting(change)
    if change.by_id == by.id:
        raise NotAllowed("nobody approves their own change; ask another publisher")
    plan = plan_of(session, change)
    if change.based_on != change.fact.now.version or plan.digest != seen:
        raise Conflict("articles have changed since this page was shown; look at it again")
    author = session.get_one(Person, change.by_id)
    add_version(session, change.fact, change.values, author, by)
    made = _carry_out(session, plan, author, by)
    _close(session, change, by, "approved")
    _record(session, "fact_change_approved", change, by, places=made)


def decline(session: Session, change: FactChange, by: Person, note: str = "") -> None:
    """Not so, and why."""
    require(by, "approve")
    _check_waiting(change)
    change.note = note = one_line(note, WHY_LIMIT, "a note", "note")
    _close(session, change, by, "declined")
    _record(session, "fact_change_declined", change, by, note=note)


def withdraw_change(session: Session, change: FactChange, by: Person) -> None:
    """Its author takes it back."""
    _check_waiting(change)
    if change.by_id != by.id:
        raise NotAllowed("only who proposed a change takes it back; decline it instead")
    _close(session, change, by, "withdrawn")
    _record(session, "fact_change_withdrawn", change, by)


def _check_waiting(change: FactChange) -> None:
    if not change.is_waiting:
        raise Conflict(f"this change is {change.outcome} already")


def _close(session: Session, change: FactChange, by: Person, outcome: str) -> None:
    change.closed_at, change.closed_by_id, change.outcome = now(), by.id, outcome
    session.add(change)
    session.flush()


def _record(session: Session, kind: str, change: FactChange, by: Person, **data: Any) -> None:
    history.record(
        session, kind, by, fact=change.fact.name, change=change.id, values=change.values, **data
    )


def _carry_out(session: Session, plan: Plan, author: Person, by: Person) -> list[dict[str, Any]]:
    """What was done, a row a wording: `replaced` is the id of the Revision that was live."""
    done: list[dict[str, Any]] = []
    moved: dict[tuple[int | None, int], int] = {}
    for place in plan.places:
        for step in place.steps:
            source = moved.get((place.article.id, step.revision.source_version or 0))
            revision = _next_version(session, step, source, _writer(session, step, author))
            if place.locale == place.article.source_locale:
                moved[place.article.id, step.revision.version] = revision.version
            _bring_up(session, step, revision, by)
            done.append(
                {
                    "slug": place.article.slug,
                    "locale": place.locale,
                    "role": step.role,
                    "version": revision.version,
                    "replaced": step.revision.id if step.role == LIVE else None,
                }
            )
    return done


def _writer(session: Session, step: Step, author: Person) -> Person:
    """A draft stays its author's, if they are still there."""
    own = session.get_one(Person, step.revision.author_id)
    return own if step.role == DRAFT and own.may("write") else author


def _next_version(session: Session, step: Step, source: int | None, writer: Person) -> Revision:
    old = step.revision
    return draft(
        session,
        old.article.slug,
        old.locale,
        folded(session, old),
        writer,
        source_version=source or old.source_version,
        carries=False,
    )


def _bring_up(session: Session, step: Step, revision: Revision, by: Person) -> None:
    """The new version comes to stand where the old one stood."""
    writer = session.get_one(Person, revision.author_id)
    if step.role == DRAFT:
        if step.revision.state == "in_review":
            submit(session, revision, writer)
        return
    submit(session, revision, writer)
    approve(session, revision, by, publishes=False)
    if step.publication:
        starts = step.publication.starts_at if step.role == SCHEDULED else None
        publish(session, revision, by, starts, step.publication.expires_at)


def retire_fact(session: Session, fact: SharedFact, by: Person) -> None:
    """Name it no more. Raises Conflict while a wording uses it that is live or being written."""
    if waiting_change(session, fact):
        raise Conflict(f"a change of {fact.name} waits for its approval")
    places = standing(session, fact)
    if places:
        raise Conflict(f"{fact.name} is used in {len(places)} places; write it out there first")
    retire(session, fact, by)


# -- reading -------------------------------------------------------------------------


def plan_of(session: Session, change: FactChange) -> Plan:
    """What a waiting change would do, as things stand now."""
    return make_plan(session, change.fact, change.values)


def get_change(session: Session, change_id: int) -> FactChange:
    """One change, waiting or decided. Raises NotFound."""
    found = session.get(FactChange, change_id) if 0 < change_id < 2**31 else None
    if found is None:
        raise NotFound("there is no such change")
    return found


def waiting_change(session: Session, fact: SharedFact) -> FactChange | None:
    """The one that waits for its approval, if any."""
    query = _waiting().where(FactChange.fact_id == fact.id)
    found: FactChange | None = session.exec(query).first()
    return found


def waiting_changes(session: Session) -> list[FactChange]:
    """All that wait, longest first."""
    return list(session.exec(_waiting().order_by(col(FactChange.id))))


def count_to_approve(session: Session, person: Person) -> int:
    """How many of other people's changes wait for somebody who may approve."""
    if not person.may("approve"):
        return 0
    query = select(func.count()).select_from(FactChange)
    query = query.where(col(FactChange.closed_at).is_(None), FactChange.by_id != person.id)
    return session.exec(query).one()


def _waiting() -> Any:
    return select(FactChange).where(col(FactChange.closed_at).is_(None))


def changes_of(session: Session, fact: SharedFact) -> list[FactChange]:
    """All that were ever asked for, newest first."""
    query = select(FactChange).where(FactChange.fact_id == fact.id)
    return list(session.exec(query.order_by(col(FactChange.id).desc())))


def done_by(session: Session, change: FactChange) -> list[dict[str, Any]]:
    """The wordings that an approved change brought a step further, as they were done."""
    query = select(Event).where(Event.kind == "fact_change_approved")
    for event in session.exec(query.order_by(col(Event.id).desc())):
        if event.data.get("change") == change.id:
            return list(event.data["places"])
    return []
