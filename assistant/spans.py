"""A stretch of time that is looked at, and which recorded questions belong to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, case
from sqlmodel import col, func

from assistant.gaps import was_chosen_from
from assistant.receipts import Receipt

# Agents search for themselves; that is not a customer's question.
AGENTS_OWN = "sidebar"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """From, until (not included), and perhaps one channel or language alone."""

    since: datetime
    until: datetime
    channel: str = ""
    locale: str = ""

    @property
    def days(self) -> int:
        """How many days it touches, the last perhaps in part."""
        return max(1, ceil((self.until - self.since) / DAY))

    @property
    def before(self) -> "Span":
        """As long, just before: the same hours of as many days."""
        back = self.days * DAY
        return Span(self.since - back, self.until - back, self.channel, self.locale)

    def holds(self, moment: Any) -> ColumnElement[bool]:
        """Whether a column's moment lies in it."""
        within: ColumnElement[bool] = (col(moment) >= self.since) & (col(moment) < self.until)
        return within


def asked_in(span: Span) -> list[ColumnElement[bool]]:
    """Which receipts are customers' questions; a choice that was made counts as the answer."""
    wanted = [
        span.holds(Receipt.issued_at),
        col(Receipt.is_audit).is_(False),
        (col(Receipt.outcome) != "clarify") | ~was_chosen_from(span.since),
    ]
    channel = col(Receipt.channel)
    wanted.append(channel == span.channel if span.channel else channel != AGENTS_OWN)
    return [*wanted, col(Receipt.locale) == span.locale] if span.locale else wanted


def count_of(condition: ColumnElement[bool]) -> Any:
    """How many rows meet it; a sum, so None of no rows."""
    return func.sum(case((condition, 1), else_=0))
