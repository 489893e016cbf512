"""Tokens kept apart, and a word-by-word look at them."""

from pathlib import Path

import numpy as np
import pytest

from retriever.embeddings import DIRECTIONS, MiniLM, load_encoders
from retriever.states import SeesTokens, StateStore, TokenIndex

TEXTS = ["Reset your password", "How long a refund takes", "The parrot in the showroom"]
PLACES = np.arange(3)


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    """The encoder that tells its tokens apart."""
    found = load_encoders("bundled")[1]
    assert isinstance(found, MiniLM)
    assert isinstance(found, SeesTokens)
    return found


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    """An empty store."""
    return StateStore(tmp_path / "tokens.db")


def shelf_of(minilm: MiniLM) -> TokenIndex:
    return TokenIndex(list(minilm.states(TEXTS)), np.arange(4))


def test_states_have_a_line_for_each_token(minilm: MiniLM) -> None:
    (ids, vectors), (none, _) = minilm.states(["refund please", "?"])
    assert vectors.shape == (len(ids), DIRECTIONS)
    assert len(ids) == 3
    assert len(none) == 1


def test_same_text_has_the_same_states_alone_and_among_others(minilm: MiniLM) -> None:
    alone, among = minilm.states([TEXTS[1]])[0], minilm.states(TEXTS)[1]
    assert (alone[0] == among[0]).all()
    assert (alone[1] == among[1]).all()


@pytest.mark.parametrize(
    ("question", "best"), [("password reset", 0), ("when is my refund", 1), ("parrot's name", 2)]
)
def test_text_with_the_telling_words_is_closest(minilm: MiniLM, question: str, best: int) -> None:
    found = shelf_of(minilm).closeness(minilm.states([question])[0], PLACES)[:, 0]
    assert int(np.argmax(found)) == best
    assert (found <= 1.0001).all()


def test_text_is_as_close_to_itself_as_can_be(minilm: MiniLM) -> None:
    found = shelf_of(minilm).closeness(minilm.states([TEXTS[0]])[0], PLACES)
    assert found[0] == pytest.approx([1, 1], abs=1e-4)


def test_article_without_tokens_is_not_close(minilm: MiniLM) -> None:
    first, second, _ = minilm.states(TEXTS)
    index = TokenIndex([first, None, second], np.array([0, 1, 2, 3]))
    found = index.closeness(minilm.states(["how long does a refund take"])[0], PLACES)
    assert (found[1] == 0).all()
    assert (found[2] > found[0]).all()


def test_article_covers_what_its_texts_say_together(minilm: MiniLM) -> None:
    reset, refund, other = minilm.states(TEXTS)
    index = TokenIndex([reset, refund, other], np.array([0, 2, 3]))
    asked = minilm.states(["password reset, and when is my refund"])[0]
    (closest, whole), _ = index.closeness(asked, np.arange(2))
    assert whole > closest + 0.05
    absent = index.closeness(asked, np.arange(2), np.array([1]))
    assert absent[0, 1] == pytest.approx(absent[0, 0])


def test_kept_states_come_back_as_they_were(store: StateStore, minilm: MiniLM) -> None:
    made = dict(zip("abc", minilm.states(TEXTS), strict=True))
    store.add(minilm, made)
    found = store.fetch(minilm, ["c", "a", "missing"])
    assert set(found) == {"a", "c"}
    assert all((found[k][n] == made[k][n]).all() for k in found for n in (0, 1))


def test_states_that_no_text_refers_to_are_forgotten(store: StateStore, minilm: MiniLM) -> None:
    store.add(minilm, dict(zip("abc", minilm.states(TEXTS), strict=True)))
    store.prune(minilm, {"b"})
    assert set(store.fetch(minilm, ["a", "b", "c"])) == {"b"}


def test_damaged_file_is_made_anew(tmp_path: Path, minilm: MiniLM) -> None:
    (tmp_path / "tokens.db").write_bytes(b"not a database, however long it may be" * 50)
    store = StateStore(tmp_path / "tokens.db")
    assert store.fetch(minilm, ["a"]) == {}
    store.add(minilm, {"a": minilm.states(["refund"])[0]})
    assert set(store.fetch(minilm, ["a"])) == {"a"}
