"""The promise on customers' questions: every language, and the same reply on both databases."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.answering import Answered, Judged, consider
from assistant.evaluation import evaluate
from assistant.question_file import Row, read_rows
from kb.content import import_folder
from kb.db import open_engine
from kb.settings import LOCALE_NAMES
from retriever.bars import BarBook
from retriever.index import Index
from tests.conftest import ROOT, needs_postgres
from web.services import Services

ROWS = read_rows(ROOT / "tests/questions.csv")
LOCALES = list(LOCALE_NAMES)
RIGHT_AMONG_ANSWERED, SPOKEN_IN_VAIN, ANSWERED = 0.92, 0.05, 0.2


def test_every_language_has_enough_questions_of_both_kinds() -> None:
    for locale in LOCALES:
        rows = [row for row in ROWS if row.locale == locale]
        silent = [row for row in rows if not row.expected]
        assert len(rows) >= 60
        assert len(silent) >= len(rows) / 5


@pytest.mark.parametrize("locale", LOCALES)
def test_customers_questions_are_answered_rightly_or_not_at_all(
    sample: Services, locale: str
) -> None:
    rows = [row for row in ROWS if row.locale == locale]
    with Session(sample.engine) as session:
        report = evaluate(session, sample.index, rows, LOCALES)
    found = report["all"]
    assert found["right_among_answered"] >= RIGHT_AMONG_ANSWERED, report["wrong"]
    assert found["unanswerable_answered"] <= SPOKEN_IN_VAIN, report["wrong"]
    assert found["answered"] >= ANSWERED


@pytest.fixture
def on_postgresql(make_database: Callable[[str], str], sample: Services) -> Iterator[Index]:
    """The sample company again, on PostgreSQL."""
    engine = open_engine(make_database("postgresql"))
    import_folder(engine, ROOT / "content", sample.settings.locales)
    book = BarBook(sample.settings.home / "bars.json", sample.settings.max_wrong)
    index = Index(engine, sample.index.vectors, sample.index.encoders, book)
    index.bring_level()
    index.rehearse()
    yield index
    engine.dispose()


@needs_postgres
def test_reply_is_the_same_on_both_databases(sample: Services, on_postgresql: Index) -> None:
    rows = ROWS[:: len(ROWS) // 30][:30]
    here = [reply(sample.engine, sample.index, row) for row in rows]
    there = [reply(on_postgresql.engine, on_postgresql, row) for row in rows]
    assert here == there
    assert sum(said is not None for said, *_ in here) >= 5


def reply(engine: Engine, index: Index, row: Row) -> tuple[object, ...]:
    """What is said, word for word, and how surely."""
    with Session(engine) as session:
        judged = consider(session, index, row.question, LOCALES, row.locale)
        findings = judged.findings
        return (said(judged), type(judged.outcome), findings.confidence, findings.in_scope)


def said(judged: Judged) -> tuple[object, ...] | None:
    if not isinstance(judged.outcome, Answered):
        return None
    words = judged.outcome.words
    return (words.slug, words.revision.version, words.revision.answer_sha256)
