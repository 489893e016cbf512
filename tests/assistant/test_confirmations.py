"""Wordings whose article somebody named: gathered, offered once, taken over by an editor."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.answering import ask
from assistant.confirmations import Confirmed, decline, take_over
from assistant.conversations import ASSISTANT, CUSTOMER, add_turn, start_conversation
from assistant.desk.cases import hand_off
from assistant.desk.kcs import use_article
from assistant.feedback import Feedback
from assistant.gap_decisions import active_decisions, undo
from assistant.gathering import Gatherer
from kb.articles import Article, Revision, find_article, latest_revision
from kb.db import now, transaction
from kb.publishing import approve, publish
from retriever.index import Index
from tests.cast import mina, omar, silence

LOCALES = ["en", "it", "ko"]
WORDS = "zorble my gizmo"


@pytest.fixture
def offered(engine: Engine, shop_index: Index) -> Callable[[], list[Confirmed]]:
    """Asks what is there to take over."""
    gatherer = Gatherer(shop_index, LOCALES)

    def ask_for() -> list[Confirmed]:
        with Session(engine) as session:
            found = gatherer.confirmed(session)
        assert found is not None
        return found

    return ask_for


Offered = Callable[[], list[Confirmed]]


def named(session: Session, slug: str) -> tuple[Article, Revision]:
    article = find_article(session, slug)
    assert article
    assert article.id
    newest = latest_revision(session, article.id, "en")
    assert newest
    return article, newest


def choose(
    engine: Engine, slug: str = "reset-password", question: str = WORDS, **more: object
) -> str:
    """A customer was asked back and chose; the receipt's id."""
    with transaction(engine) as session:
        article, revision = named(session, slug)
        asked = {"question": question, "outcome": "answered", "confidence": 1.0, **more}
        detail = {"chosen_from": "an earlier receipt"}
        kept = silence(article_id=article.id, revision_id=revision.id, detail=detail, **asked)
        session.add(kept)
        return kept.id


def judge(engine: Engine, receipt: str, helped: bool, slug: str = "reset-password") -> None:
    with transaction(engine) as session:
        article, revision = named(session, slug)
        said = {"article_id": article.id, "revision_id": revision.id, "receipt_id": receipt}
        session.add(Feedback(**said, channel="widget", helped=helped))


def test_what_a_customer_chose_is_offered_with_its_article(
    engine: Engine, offered: Offered
) -> None:
    choose(engine)
    judge(engine, choose(engine, question="Zorble my gizmo!"), helped=True)
    (confirmed,) = offered()
    assert (confirmed.text, confirmed.language) == (WORDS, "en")
    assert (confirmed.kinds, confirmed.support) == ({"chosen": 2, "helped": 1}, 3)


def test_answer_that_helped_is_offered_after_what_could_not_be_told(
    engine: Engine, shop_index: Index, offered: Offered
) -> None:
    with transaction(engine) as session:
        receipt = ask(session, shop_index, "I forgot my password again", LOCALES, "en").receipt
        assert receipt.article == "reset-password"
        kept = receipt.id
    judge(engine, kept, helped=True)
    choose(engine)
    assert [c.text for c in offered()] == [WORDS, "I forgot my password again"]


def test_denied_as_often_is_not_offered(engine: Engine, offered: Offered) -> None:
    judge(engine, choose(engine), helped=False)
    assert offered() == []
    choose(engine)
    assert [c.kinds for c in offered()] == [{"chosen": 2, "failed": 1}]


def test_of_two_articles_the_one_that_more_people_name_and_none_in_a_tie(
    engine: Engine, offered: Offered
) -> None:
    choose(engine)
    choose(engine, "refund-time")
    assert offered() == []
    choose(engine, "refund-time")
    with Session(engine) as session:
        assert [c.article_id for c in offered()] == [named(session, "refund-time")[0].id]


def test_article_that_an_agent_gave_belongs_to_what_was_asked_before_that_person(
    engine: Engine, offered: Offered
) -> None:
    with transaction(engine) as session:
        receipts = [silence(question=text) for text in (WORDS, "and the other thing too")]
        session.add_all(receipts)
        session.flush()
        talk, _ = start_conversation(session, "widget", "public", "en")
        cases = []
        for receipt in receipts:
            add_turn(session, talk, CUSTOMER, "message", receipt.question)
            add_turn(session, talk, ASSISTANT, "abstained", "?", receipt_id=receipt.id)
            cases.append(hand_off(session, talk, "request"))
            cases[-1].resolved_at = now()
            session.flush()
        use_article(
            session, named(session, "delivery-costs")[1], omar(session), "linked", cases[0].id
        )
    assert [(c.text, c.kinds) for c in offered()] == [(WORDS, {"given": 1})]


@pytest.mark.parametrize(
    "otherwise",
    [
        {"question": "where is my refund"},
        {"question": "hello"},
        {"question": "자전거 수리하나요", "locale": "ko"},
        {"is_audit": True},
        {"issued_at": now() - timedelta(days=100)},
    ],
    ids=["a phrasing already", "no question", "no version in Korean", "an audit", "long ago"],
)
def test_what_teaches_nothing_is_left_out(
    engine: Engine, offered: Offered, otherwise: dict[str, object]
) -> None:
    choose(engine, **otherwise)  # type: ignore[arg-type]
    assert offered() == []


def test_taken_over_it_goes_to_review_and_then_answers(
    engine: Engine, shop_index: Index, offered: Offered
) -> None:
    choose(engine)
    with transaction(engine) as session:
        article = named(session, "reset-password")[0]
        (made,) = take_over(session, article, offered(), omar(session))
        assert (made.state, made.phrasings[-1]) == ("in_review", WORDS)
    assert offered() == []
    with transaction(engine) as session:
        newest = named(session, "reset-password")[1]
        approve(session, newest, mina(session))
        publish(session, newest, mina(session))
    with transaction(engine) as session:
        assert ask(session, shop_index, WORDS, LOCALES).receipt.article == "reset-password"
    assert offered() == []


def test_words_that_wait_in_a_draft_are_not_offered_even_if_that_was_taken_back(
    engine: Engine, offered: Offered
) -> None:
    choose(engine)
    with transaction(engine) as session:
        take_over(session, named(session, "reset-password")[0], offered(), omar(session))
        (decision,) = active_decisions(session)
        assert decision.id
        undo(session, decision.id, mina(session))
    assert offered() == []


def test_left_out_stays_so_until_it_is_taken_back(engine: Engine, offered: Offered) -> None:
    choose(engine)
    with transaction(engine) as session:
        decline(session, offered(), omar(session))
    choose(engine)
    assert offered() == []
    with transaction(engine) as session:
        (decision,) = active_decisions(session)
        assert decision.id
        undo(session, decision.id, omar(session))
    assert [c.text for c in offered()] == [WORDS]
