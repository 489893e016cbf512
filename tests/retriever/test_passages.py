"""Which part of an article's body spoke for it."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from kb.articles import Wording
from kb.audiences import PUBLIC
from kb.db import transaction
from retriever.index import Index
from retriever.passages import Passage
from retriever.search import find_matches
from tests.cast import SENDING_BACK, published


def passage_for(engine: Engine, index: Index, question: str) -> Passage | None:
    """The passage of the best match."""
    with Session(engine) as session:
        return find_matches(session, index, question, "en", PUBLIC).matches[0].passage


@pytest.fixture
def long_index(engine: Engine, shop_index: Index) -> Index:
    """The shop with an article that has parts."""
    with transaction(engine) as session:
        published(session, "send-back", SENDING_BACK)
    return shop_index


@pytest.mark.parametrize("question", ["show the code at the till", "can I do it in a shop"])
def test_passage_and_its_heading_both_name_the_passage(
    engine: Engine, long_index: Index, question: str
) -> None:
    found = passage_for(engine, long_index, question)
    assert found is not None
    assert (found.heading, found.anchor) == ("In a shop", "s-in-a-shop")
    assert found.text == "Show the code at the till."


def test_passage_before_the_first_heading_has_no_heading(engine: Engine, long_index: Index) -> None:
    found = passage_for(engine, long_index, "have the order number ready")
    assert found is not None
    assert (found.heading, found.anchor) == ("", "")
    assert found.text == "Before you start, have the order number ready."


@pytest.mark.parametrize("question", ["wrong size", "send something back", "the return is free"])
def test_phrasing_title_and_answer_name_no_passage(
    engine: Engine, long_index: Index, question: str
) -> None:
    assert passage_for(engine, long_index, question) is None


def test_heading_with_nothing_below_it_stands_for_itself(engine: Engine, index: Index) -> None:
    body = "## Gift wrapping\n\n### Paper\n\nRecycled.\n\n## Cards\n\nWith your words."
    with transaction(engine) as session:
        published(session, "presents", Wording(title="Presents", answer="Yes.", body=body))
        published(session, "other", Wording(title="Opening hours", answer="Nine to five."))
    found = passage_for(engine, index, "gift wrapping")
    assert found is not None
    assert (found.anchor, found.text) == ("s-gift-wrapping", "Gift wrapping")
