"""What encoders read in recorded questions, forgotten with the last receipt that needs it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import col, select

from assistant import gaps, impact
from assistant.receipts import Receipt
from assistant.understanding import Question, clean
from kb.db import reading
from retriever.questions import QuestionStore

# The longest time that anything looks back on questions by their meaning.
NEEDED_DAYS = max(gaps.WINDOW, impact.DAYS)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Rows read at a time.
BATCH = 1_000


class Readings:
    """Forgets at a server's start and then each day, each hour where questions go earlier."""

    def __init__(self, engine: Engine, store: QuestionStore, question_days: int) -> None:
        self.engine, self.store = engine, store
        self._every = HOUR if 0 <= question_days < NEEDED_DAYS else DAY
        self._due: datetime | None = None

    def tick(self, at: datetime) -> None:
        """What is due at this instant."""
        if self._due and at < self._due:
            return
        self._due = at + self._every
        forget_readings(self.engine, self.store, at)


def forget_readings(engine: Engine, store: QuestionStore, at: datetime) -> int:
    """Forget what was seen of questions that are on record no more; how many vectors that was."""
    return store.keep_only(_recorded(engine, at - timedelta(days=NEEDED_DAYS)))


def _recorded(engine: Engine, since: datetime) -> Iterator[str]:
    """What was looked up for each question since then that has not been forgotten."""
    query = select(Receipt.question).where(Receipt.question != "", col(Receipt.issued_at) >= since)
    with reading(engine) as session:
        rows = session.exec(query.distinct().execution_options(yield_per=BATCH))
        for text in rows:
            yield Question(clean(text), "", "").search
