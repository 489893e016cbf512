"""What encoders read in a question is forgotten with it."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assistant.answering import ask
from assistant.readings import NEEDED_DAYS, Readings, forget_readings
from assistant.sealing import hash_questions, seal
from assistant.signing import open_signer
from assistant.understanding import Question
from kb.db import now, transaction
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.questions import QuestionStore

ASKED = "hello, is delivery free these days?"


@pytest.fixture
def asked(
    engine: Engine, shop_index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> QuestionStore:
    """One question that was asked, in a store of its own."""
    store = QuestionStore(tmp_path / "questions.db")
    monkeypatch.setattr(shop_index.vectors, "questions", store)
    with transaction(engine) as session:
        ask(session, shop_index, ASKED, ["en"])
    return store


def files_of(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.glob("questions.db*")]


def rows(store: QuestionStore) -> int:
    with store._open() as database:
        return sum(
            database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("vectors", "states")
        )


def test_question_on_record_is_kept_until_nothing_looks_back_so_far(
    engine: Engine, asked: QuestionStore
) -> None:
    assert forget_readings(engine, asked, now()) == 0
    assert rows(asked) > 0
    assert forget_readings(engine, asked, now() + timedelta(days=NEEDED_DAYS + 1)) > 0
    assert rows(asked) == 0


def test_nothing_stays_of_a_question_that_privacy_forgets(
    engine: Engine, asked: QuestionStore, encoders: list[Encoder], tmp_path: Path
) -> None:
    text = Question(ASKED, "en", "en").search
    seen = asked.vectors_of(encoders[0], [text])[0]
    asked.flush()
    assert any(seen.tobytes()[-200:] in data for data in files_of(tmp_path))
    seal(engine, open_signer(engine, tmp_path))
    assert hash_questions(engine, 0, now() + timedelta(seconds=1)) == 1
    forget_readings(engine, asked, now())
    assert rows(asked) == 0
    assert not any(seen.tobytes()[-200:] in data for data in files_of(tmp_path))


def test_server_looks_each_hour_where_questions_are_forgotten_early(
    engine: Engine, asked: QuestionStore
) -> None:
    at = now() + timedelta(days=NEEDED_DAYS + 1)
    readings = Readings(engine, asked, question_days=1)
    readings.tick(now())
    assert rows(asked) > 0
    readings.tick(now() + timedelta(minutes=59))
    assert rows(asked) > 0
    readings.tick(at)
    assert rows(asked) == 0
