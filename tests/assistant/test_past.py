"""What did you say on 3 March? The words that were live then, found again."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.answering import Abstained, Answered, ask
from assistant.past import Past, ask_past
from kb.articles import get_article
from kb.db import now, transaction
from kb.errors import Invalid
from kb.publishing import withdraw
from retriever.index import Index
from tests.cast import DELIVERY_COSTS, mina, published

LOCALES = ["en", "it"]


def past(engine: Engine, index: Index, at: datetime, text: str = "postage price") -> Past:
    """The reply of that moment."""
    with Session(engine) as session:
        return ask_past(session, index, text, LOCALES, at, "en")


@pytest.fixture
def moments(engine: Engine, shop_index: Index) -> tuple[datetime, datetime, datetime]:
    """Before anything was live, while version 1 was, and after version 2 was withdrawn."""
    with transaction(engine) as session:
        first = now()
        published(session, "delivery-costs", replace(DELIVERY_COSTS, answer="Delivery is free."))
        second = now()
        withdraw(session, get_article(session, "delivery-costs"), "en", mina(session))
    return first, second, now()


def test_words_are_those_of_the_moment(
    engine: Engine, shop_index: Index, moments: tuple[datetime, datetime, datetime]
) -> None:
    said = [past(engine, shop_index, at).judged.outcome for at in moments]
    first, second, third = said
    assert isinstance(first, Answered)
    assert first.words.revision.answer == DELIVERY_COSTS.answer
    assert isinstance(second, Answered)
    assert second.words.revision.answer == "Delivery is free."
    assert not isinstance(third, Answered)


def test_the_live_answers_are_not_disturbed(
    engine: Engine, shop_index: Index, moments: tuple[datetime, datetime, datetime]
) -> None:
    past(engine, shop_index, moments[0])
    with transaction(engine) as session:
        assert ask(session, shop_index, "postage price", LOCALES, "en").label != "answered"


def test_before_the_first_publication_there_was_silence(engine: Engine, shop_index: Index) -> None:
    outcome = past(engine, shop_index, now() - timedelta(days=365)).judged.outcome
    assert outcome == Abstained("no_answer")


def test_receipts_of_the_same_question_come_along(engine: Engine, shop_index: Index) -> None:
    with transaction(engine) as session:
        kept = ask(session, shop_index, "postage price", LOCALES, "en").receipt
        ask(session, shop_index, "is delivery free", LOCALES, "en")
    assert [r.id for r in past(engine, shop_index, now()).recorded] == [kept.id]


FIRST = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))


@pytest.mark.parametrize("at", [datetime(2026, 3, 3), now() + timedelta(days=1), FIRST])
def test_no_moment_in_the_past_is_refused(engine: Engine, shop_index: Index, at: datetime) -> None:
    with pytest.raises(Invalid, match=r"zone|still to come|before 1970"):
        past(engine, shop_index, at)
