"""A person asked for in words that no expression knows; measured on persons.csv."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from assistant.conversations import start_conversation
from assistant.dialogue import Listener, Utterance, listen
from assistant.intents import Intent, intents_of
from assistant.persons import learned, wants_person
from kb.articles import Wording
from kb.db import open_engine, reading, transaction
from kb.settings import LOCALE_NAMES
from retriever.embeddings import Encoder, Vectors
from retriever.index import Index
from retriever.search import find_matches, question_vector
from retriever.vectors import VectorStore
from tests.cast import published

# No sentence of it was learned from, and no bar chosen on it.
with (Path(__file__).parent / "persons.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
UNKNOWN = "someone needs to phone me about this asap"
REACHING_US = Wording(
    title="Reaching us",
    answer="We are at +32 9 000 00 00.",
    phrasings=(UNKNOWN,),
    category="contact",
)


@pytest.fixture(scope="module")
def said(vectors: VectorStore, encoders: list[Encoder]) -> dict[str, bool]:
    """What the judge makes of every sentence."""
    index = Index(open_engine("sqlite://"), vectors, encoders)
    return {row["text"]: wants_person(index, row["text"]) for row in ROWS}


def expressed(text: str) -> bool:
    """Whether the expressions know it."""
    return Intent.PERSON in intents_of(text, "en")


def test_judge_was_learned_for_the_bundled_encoder(encoders: list[Encoder]) -> None:
    assert learned().encoder == encoders[0].name
    assert learned().weights.shape == (encoders[0].dimensions,)


@pytest.mark.parametrize("language", LOCALE_NAMES)
def test_more_wishes_are_understood_than_by_expressions(
    said: dict[str, bool], language: str
) -> None:
    wishes = [r["text"] for r in ROWS if r["language"] == language and r["intents"]]
    before = sum(expressed(text) for text in wishes)
    after = sum(expressed(text) or said[text] for text in wishes)
    print(
        f"{language}: recall {before / len(wishes):.2f}, with the judge {after / len(wishes):.2f}"
    )
    assert len(wishes) >= 30
    assert after >= before + 0.15 * len(wishes)


def test_near_misses_are_not_taken_for_wishes(said: dict[str, bool]) -> None:
    imagined = [r["text"] for r in ROWS if said[r["text"]] and not r["intents"]]
    assert len(imagined) <= 0.02 * sum(said.values())


def test_other_encoders_leave_it_to_the_expressions(
    vectors: VectorStore, encoders: list[Encoder]
) -> None:
    index = Index(open_engine("sqlite://"), vectors, encoders[1:])
    assert not expressed(UNKNOWN)
    assert not wants_person(index, UNKNOWN)


class Counting:
    """The bundled encoder for all languages, counting what it reads."""

    languages: frozenset[str] | None = None

    def __init__(self, encoder: Encoder) -> None:
        self.encoder, self.read = encoder, 0
        self.name, self.dimensions = encoder.name, encoder.dimensions

    def questions(self, texts: Sequence[str]) -> Vectors:
        self.read += len(texts)
        return self.encoder.questions(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self.encoder.passages(texts)


def test_message_is_embedded_once(
    engine: Engine, shop_index: Index, vectors: VectorStore, encoders: list[Encoder]
) -> None:
    counting = Counting(encoders[0])
    index = Index(engine, vectors, [counting])
    index.bring_level()
    counting.read = 0
    with reading(engine) as session:
        find_matches(session, index, UNKNOWN, "en", "public")
    found = question_vector(index, UNKNOWN, counting.name)
    assert found is not None
    assert np.array_equal(found, encoders[0].questions([UNKNOWN])[0])
    assert counting.read == 1


def heard(engine: Engine, index: Index, text: str) -> list[Utterance]:
    """What is said to a first message."""
    with transaction(engine) as session:
        conversation, _token = start_conversation(session, "widget", "public", "en")
        return listen(Listener(session, index, ["en"], conversation, []), text)


def test_person_is_offered_instead_of_silence(engine: Engine, shop_index: Index) -> None:
    (offer,) = heard(engine, shop_index, UNKNOWN)
    assert (offer.phrase, offer.reason) == ("offer_person", "request")


def test_answer_comes_before_the_offer(engine: Engine, shop_index: Index) -> None:
    with transaction(engine) as session:
        published(session, "reaching-us", REACHING_US)
    answer, offer = heard(engine, shop_index, UNKNOWN)
    assert answer.judged is not None
    assert offer.reason == "request"


def test_question_brings_nobody(engine: Engine, shop_index: Index) -> None:
    (answer,) = heard(engine, shop_index, "do your drivers call before delivery, and is it free?")
    assert answer.reason is None
