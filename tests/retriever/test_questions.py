"""What was seen of a question is kept, bit by bit, and made again where it is missing."""

from pathlib import Path

import numpy as np
import pytest

from retriever.embeddings import Encoder
from retriever.questions import STEP, QuestionStore

ASKED = ["do you repair bicycles", "바이시클 수리하나요", "quanto dura la garanzia"]


@pytest.fixture
def store(tmp_path: Path) -> QuestionStore:
    return QuestionStore(tmp_path / "questions.db")


def test_kept_question_has_the_bits_that_were_seen(
    store: QuestionStore, encoders: list[Encoder]
) -> None:
    made = np.arange(384, dtype=np.float32)
    store.see(ASKED[0], {encoders[0].name: (made, None)})
    store.keep(ASKED[0])
    assert (store.vectors_of(encoders[0], ASKED[:1])[0] == made).all()


def test_question_that_nobody_keeps_is_not_written(
    store: QuestionStore, encoders: list[Encoder]
) -> None:
    store.see(ASKED[0], {encoders[0].name: (np.zeros(384, np.float32), None)})
    store.flush()
    assert store.missing(encoders[0], ASKED) == ASKED


def test_missing_vectors_are_made_as_for_an_answer(
    store: QuestionStore, encoders: list[Encoder]
) -> None:
    found = store.vectors_of(encoders[0], [*ASKED, ASKED[0]])
    assert (found[:3] == encoders[0].questions(ASKED)).all()
    assert (found[3] == found[0]).all()
    assert store.missing(encoders[0], ASKED) == []


def test_tokens_come_back_as_the_encoder_tells_them_apart(
    store: QuestionStore, encoders: list[Encoder]
) -> None:
    multilingual, english = encoders
    again = [store.tokens_of(english, ASKED[:1])[0] for _ in range(2)]
    made = english.states(ASKED[:1])[0]  # type: ignore[attr-defined]
    assert all(t is not None and (t[0] == made[0]).all() and (t[1] == made[1]).all() for t in again)
    assert store.tokens_of(multilingual, ASKED) == [None] * 3


def test_progress_tells_how_many_are_left(store: QuestionStore, encoders: list[Encoder]) -> None:
    told: list[int] = []

    def progress(steps: object, _label: str, total: int) -> list[int]:
        told.append(total)
        return list(steps)  # type: ignore[call-overload, no-any-return]

    store.vectors_of(encoders[0], [f"question {n}" for n in range(STEP + 1)], progress)
    assert told == [STEP + 1]
    store.vectors_of(encoders[0], ["question 0"], progress)
    assert told[1:] == [0]


def test_damaged_file_costs_nothing_but_time(tmp_path: Path, encoders: list[Encoder]) -> None:
    (tmp_path / "questions.db").write_bytes(b"not a database, however long it may be" * 50)
    store = QuestionStore(tmp_path / "questions.db")
    assert store.vectors_of(encoders[0], ASKED[:1]).shape == (1, 384)
