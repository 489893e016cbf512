"""Every question that was asked, with its reply and outcome: the record, searched and paged."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from assistant.receipts import Receipt

OUTCOMES = ("answered", "clarify", "abstained")
PAGE = 50
# Rows read at a time for a file.
BATCH = 1_000


@dataclass(frozen=True)
class Wanted:
    """What of the record is wanted; empty strings want everything."""

    since: datetime
    words: str = ""
    outcome: str = ""
    channel: str = ""
    locale: str = ""


def count_asked(session: Session, wanted: Wanted) -> int:
    """How many questions that is."""
    return session.exec(select(func.count()).select_from(Receipt).where(*_conditions(wanted))).one()


def asked_page(session: Session, wanted: Wanted, page: int = 1) -> list[Receipt]:
    """A page of the record, the latest first."""
    query = _latest_first(wanted).limit(PAGE).offset((page - 1) * PAGE)
    return list(session.exec(query))


def every_asked(session: Session, wanted: Wanted) -> Iterator[Receipt]:
    """All of it, read in parts, so that a long record needs little memory."""
    yield from session.exec(_latest_first(wanted).execution_options(yield_per=BATCH))


def _latest_first(wanted: Wanted) -> Any:
    order = col(Receipt.issued_at).desc(), col(Receipt.id)
    return select(Receipt).where(*_conditions(wanted)).order_by(*order)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [col(Receipt.issued_at) >= wanted.since, col(Receipt.is_audit).is_(False)]
    for name in ("outcome", "channel", "locale"):
        if value := getattr(wanted, name):
            found.append(getattr(Receipt, name) == value)
    if wanted.words:
        found.append(col(Receipt.question).icontains(wanted.words, autoescape=True))
    return found
