"""Why a reply was what it was, read back from its receipt."""

from sqlalchemy import Engine
from sqlmodel import Session

from assistant.answering import ask
from assistant.explanations import LETTERS, Explanation, explain
from assistant.receipts import get_receipt
from kb.articles import Wording
from kb.db import transaction
from retriever.index import Index
from tests.cast import published, silence

LOCALES = ["en", "it"]


def why(engine: Engine, index: Index, question: str) -> Explanation:
    """The explanation of a reply, from its receipt in the store."""
    with transaction(engine) as session:
        asked = ask(session, index, question, LOCALES).receipt
    with Session(engine) as session:
        return explain(get_receipt(session, asked.id))


def test_phrasing_that_spoke_for_the_answer_comes_first(engine: Engine, shop_index: Index) -> None:
    best = why(engine, shop_index, "where is my refund?").matches[0]
    first = best.witnesses[0]
    assert (best.article, first.source, first.locale) == ("refund-time", "phrasing", "en")
    assert (first.text, first.words > 0.2) == ("where is my refund", True)
    assert first.similarity >= max(w.similarity for w in best.witnesses) - 0.001


def test_what_came_second_is_told_with_its_share(engine: Engine, shop_index: Index) -> None:
    found = why(engine, shop_index, "how long until the money for the postage is back")
    shares = [match.share for match in found.matches]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)


def test_silence_is_explained_too(engine: Engine, shop_index: Index) -> None:
    found = why(engine, shop_index, "what is the capital of peru")
    assert found.in_scope < 0.5
    assert all(match.witnesses for match in found.matches)


def test_signs_without_words_have_no_matches(engine: Engine, shop_index: Index) -> None:
    assert why(engine, shop_index, "?!") == Explanation(0.0, 0.0, ())


def test_long_text_is_kept_in_part(engine: Engine, shop_index: Index) -> None:
    body = "We repair the lamp on the shelf in the kitchen without asking. " * 4
    with transaction(engine) as session:
        published(session, "lamps", Wording(title="Lamps", answer="Yes.", body=body))
    found = why(engine, shop_index, "do you repair the lamp on the shelf in the kitchen")
    assert max(len(w.text) for m in found.matches for w in m.witnesses) == LETTERS


def test_receipt_that_kept_nothing_is_explained_by_its_confidence() -> None:
    assert explain(silence(confidence=0.7)) == Explanation(0.7, 0.0, ())
