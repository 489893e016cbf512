"""Which receipts gave words that a shared fact's change would replace."""

from collections.abc import Iterable, Iterator

from sqlalchemy import func
from sqlmodel import Session, col, select

from assistant.receipts import Receipt
from kb.fact_plans import Plan


def count_given(session: Session, revision_ids: Iterable[int]) -> dict[int, int]:
    """How many receipts gave each of these wordings; audits are not counted."""
    query = (
        select(Receipt.revision_id, func.count())
        .where(col(Receipt.revision_id).in_(list(revision_ids)), col(Receipt.is_audit).is_(False))
        .group_by(col(Receipt.revision_id))
    )
    return {id_: count for id_, count in session.exec(query) if id_}


def replaced_by(plan: Plan) -> list[int]:
    """The wordings that readers are given now and would not be any more."""
    return [step.revision.id for step in plan.live if step.revision.id]


def receipts_of(session: Session, revision_ids: Iterable[int]) -> Iterator[Receipt]:
    """Every receipt of these wordings, newest first."""
    query = select(Receipt).where(
        col(Receipt.revision_id).in_(list(revision_ids)), col(Receipt.is_audit).is_(False)
    )
    yield from session.exec(query.order_by(col(Receipt.issued_at).desc(), col(Receipt.id)))
