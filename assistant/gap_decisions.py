"""What was decided about a group of questions that nobody answers; it can be taken back.

A decision belongs to the digests of the group's members: a new question that joins the group
joins what was decided, until the group has outgrown it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, col, select

from kb import history
from kb.articles import CONTROL
from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid, NotFound
from kb.people import Person, require

PHRASED, DRAFTED, DISMISSED, DECLINED = ACTIONS = ("phrased", "drafted", "dismissed", "declined")
REASONS = ("out_of_scope", "spam", "answered_elsewhere")
NOTE_LIMIT = 500
# So many more askings, and as many again as there were, bring a group back.
GROWTH = 5


class GapDecision(SQLModel, table=True):
    """Somebody has dealt with a group: given its wording to an article, drafted, or dismissed; or
    with wordings that were confirmed: given to their article, or declined."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    by_id: int = Field(foreign_key="person.id")
    action: str
    reason: str = ""
    note: str = ""
    question: str
    members: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    size: int
    article_id: int | None = Field(default=None, foreign_key="article.id")
    revision_id: int | None = Field(default=None, foreign_key="revision.id")
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    undone_by_id: int | None = Field(default=None, foreign_key="person.id")

    def is_outgrown_by(self, count: int) -> bool:
        """Whether a group of this size has grown enough to be looked at again."""
        return count - self.size >= max(GROWTH, self.size)


def decide(
    session: Session,
    by: Person,
    action: str,
    question: str,
    members: Sequence[str],
    size: int,
    **more: Any,
) -> GapDecision:
    """Keep what was decided about a group. Raises Invalid for an unknown reason."""
    require(by, "write")
    note = CONTROL.sub("", str(more.pop("note", ""))).strip()
    if len(note) > NOTE_LIMIT:
        raise Invalid(f"a note has at most {NOTE_LIMIT} characters", "note")
    if action == DISMISSED and more.get("reason") not in REASONS:
        raise Invalid(f"choose a reason: {', '.join(REASONS)}", "reason")
    assert by.id is not None
    decision = GapDecision(
        by_id=by.id,
        action=action,
        note=note,
        question=question,
        members=sorted(set(members)),
        size=size,
        **more,
    )
    session.add(decision)
    session.flush()
    history.record(session, f"questions_{action}", by, decision.article_id, decision=decision.id)
    return decision


def undo(session: Session, decision_id: int, by: Person) -> GapDecision:
    """Take a decision back: the group is open again. Raises NotFound, Conflict if it was."""
    require(by, "write")
    found = session.get(GapDecision, decision_id) if 0 < decision_id < 2**31 else None
    if found is None:
        raise NotFound("there is no such decision")
    if found.undone_at:
        raise Conflict("this was taken back already")
    found.undone_at, found.undone_by_id = now(), by.id
    session.add(found)
    session.flush()
    history.record(session, "questions_reopened", by, found.article_id, decision=found.id)
    return found


def active_decisions(session: Session) -> list[GapDecision]:
    """Those that stand, oldest first."""
    query = select(GapDecision).where(col(GapDecision.undone_at).is_(None))
    return list(session.exec(query.order_by(col(GapDecision.id))))
