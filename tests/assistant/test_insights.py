"""What the record says of a stretch of time is counted, and no guess passes for a fact."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.conversations import (
    ASSISTANT,
    CUSTOMER,
    Conversation,
    Turn,
    add_turn,
    start_conversation,
)
from assistant.desk.kcs import flag_article, use_article
from assistant.feedback import Feedback
from assistant.handoffs import Handoff
from assistant.insights import Topic, cells, counted, days_in, endings, insights
from assistant.receipts import Receipt
from assistant.spans import Span
from kb.articles import Article, Revision
from kb.db import now, transaction
from tests.assistant.talks import resolved, talk
from tests.cast import DELIVERY_COSTS, mina, omar, published, silence

NOW = now()
LAST_MONTH = Span(NOW - timedelta(days=30), NOW + timedelta(hours=1))
Told = dict[str, Any]


def days_ago(days: float) -> Any:
    return NOW - timedelta(days=days)


def answered(session: Session, days: float = 10, **more: Any) -> Receipt:
    """An answer on record."""
    article = session.exec(select(Article)).first()
    revision = published(session, "delivery-costs", DELIVERY_COSTS) if article is None else None
    found = revision or session.exec(select(Revision)).one()
    kept = {"article": "delivery-costs", "article_id": found.article_id, "revision_id": found.id}
    receipt = silence(outcome="answered", issued_at=days_ago(days), **kept | more)
    session.add(receipt)
    session.flush()
    return receipt


def said(receipt: Receipt, helped: bool) -> Feedback:
    about = {"article_id": receipt.article_id, "revision_id": receipt.revision_id}
    return Feedback(**about, channel="api", helped=helped, receipt_id=receipt.id)


def told_in(
    session: Session, receipt: Receipt, customer: str | None = None
) -> tuple[Conversation, int]:
    """A conversation in which that answer was given, and the number of its turn."""
    found, _ = start_conversation(session, "widget", "public", "en", customer_id=customer)
    add_turn(session, found, CUSTOMER, "message", "?", at=receipt.issued_at)
    turn = add_turn(
        session, found, ASSISTANT, "answer", "!", at=receipt.issued_at, receipt_id=receipt.id
    )
    return found, turn.number


def ask_on(session: Session, found: Conversation, days: float, reply: Told | None = None) -> None:
    add_turn(session, found, CUSTOMER, "message", "and now?", at=days_ago(days))
    add_turn(session, found, ASSISTANT, "phrase", "…", at=days_ago(days), detail=reply or {})


def confirms(session: Session, receipt: Receipt) -> None:
    session.add(said(receipt, helped=True))


def solves(session: Session, receipt: Receipt) -> None:
    told_in(session, receipt)[0].solved = True


def is_solved_by_a_person(session: Session, receipt: Receipt) -> None:
    found, _ = told_in(session, receipt)
    found.solved = True
    at = receipt.issued_at + timedelta(minutes=5)
    session.add(Handoff(conversation_id=found.id, created_at=at, reason="request", locale="en"))


def did_not_help(session: Session, receipt: Receipt) -> None:
    session.add(said(receipt, helped=False))


def asks_on(session: Session, receipt: Receipt) -> None:
    ask_on(session, told_in(session, receipt)[0], days=9)


def asks_on_much_later(session: Session, receipt: Receipt) -> None:
    ask_on(session, told_in(session, receipt)[0], days=2)


def says_thanks(session: Session, receipt: Receipt) -> None:
    ask_on(session, told_in(session, receipt)[0], days=9, reply={"phrase": {"name": "thanks"}})


def asks_elsewhere(session: Session, receipt: Receipt) -> None:
    told_in(session, receipt, customer="c-1")
    other, _ = start_conversation(session, "widget", "public", "en", customer_id="c-1")
    ask_on(session, other, days=5)


def somebody_else_asks(session: Session, receipt: Receipt) -> None:
    told_in(session, receipt, customer="c-1")
    other, _ = start_conversation(session, "widget", "public", "en", customer_id="c-2")
    ask_on(session, other, days=5)


def nothing(_session: Session, _receipt: Receipt) -> None:
    pass


@pytest.mark.parametrize(
    ("then", "ending"),
    [
        (confirms, "confirmed"),
        (solves, "confirmed"),
        (is_solved_by_a_person, "came_back"),
        (did_not_help, "came_back"),
        (asks_on, "came_back"),
        (asks_on_much_later, "assumed"),
        (says_thanks, "assumed"),
        (asks_elsewhere, "came_back"),
        (somebody_else_asks, "assumed"),
        (nothing, "assumed"),
    ],
)
def test_what_a_customer_said_is_told_from_what_is_assumed(
    engine: Engine, then: Callable[[Session, Receipt], None], ending: str
) -> None:
    with transaction(engine) as session:
        then(session, answered(session))
    with Session(engine) as session:
        assert counted(cells(session, LAST_MONTH), "ending") == {ending: 1}


def test_nothing_is_assumed_before_seven_days_are_over(engine: Engine) -> None:
    with transaction(engine) as session:
        answered(session, days=6.9)
        answered(session, days=7.1)
    with Session(engine) as session:
        found = endings(cells(session, LAST_MONTH))
    assert (found.assumed, found.open, found.settled, found.asked) == (1, 1, 1, 2)


def test_questions_are_counted_by_day_channel_and_language(engine: Engine) -> None:
    with transaction(engine) as session:
        session.add_all([silence(issued_at=days_ago(n)) for n in (0, 1, 1, 40)])
        session.add(silence(issued_at=days_ago(1), channel="widget", locale="fa"))
        session.add(silence(issued_at=days_ago(1), channel="sidebar"))
        session.add(silence(issued_at=days_ago(1), is_audit=True))
    with Session(engine) as session:
        found = cells(session, LAST_MONTH)
        by = counted(found, "day", "channel")
        only = cells(session, Span(LAST_MONTH.since, LAST_MONTH.until, "widget", "fa"))
    yesterday = days_ago(1).date().isoformat()
    assert (by[yesterday, "api"], by[yesterday, "widget"]) == (2, 1)
    assert yesterday in days_in(LAST_MONTH)
    assert (endings(found).asked, endings(only).asked) == (4, 1)


def test_choice_that_was_made_is_one_question_answered(engine: Engine) -> None:
    with transaction(engine) as session:
        asked = silence(outcome="clarify", issued_at=days_ago(1))
        session.add(asked)
        answered(session, days=1, confidence=1.0, detail={"chosen_from": asked.id})
    with Session(engine) as session:
        assert counted(cells(session, LAST_MONTH), "outcome") == {"answered": 1}


def test_period_before_is_as_long_and_ends_where_this_begins() -> None:
    span = Span(days_ago(6.5), days_ago(0))
    assert (span.days, span.before) == (7, Span(days_ago(13.5), days_ago(7)))


def test_searches_in_vain_are_one_however_they_are_written(engine: Engine) -> None:
    with transaction(engine) as session:
        for text in ("Bike repair?", "bike  repair", ""):
            session.add(silence(question=text, channel="help_site", issued_at=days_ago(1)))
        session.add(silence(question="by api", issued_at=days_ago(1)))
    with Session(engine) as session:
        (topic,) = insights(session, LAST_MONTH).empty_searches
    assert (topic.text.casefold()[:4], topic.count) == ("bike", 2)


def test_same_customer_asking_about_the_same_within_a_week_asks_again(engine: Engine) -> None:
    with transaction(engine) as session:
        for days, customer in ((35, "c-1"), (29, "c-1"), (20, "c-1"), (28, "c-2")):
            told_in(session, answered(session, days=days), customer)
    with Session(engine) as session:
        found = insights(session, LAST_MONTH)
    assert found.again == [Topic("delivery-costs", 1, is_article=True)]
    assert found.articles == {"delivery-costs"}


def test_case_is_linked_where_an_article_was_used_or_named(engine: Engine) -> None:
    with transaction(engine) as session:
        named = resolved(session, talk(session))
        used = resolved(session, talk(session))
        bare = resolved(session, talk(session))
        revision = session.get(Revision, named.revision_id)
        assert revision
        for handoff in (used, bare):
            handoff.revision_id = None
        use_article(session, revision, omar(session), "inserted", used.id)
        use_article(session, revision, omar(session), "inserted")
    with Session(engine) as session:
        found = insights(session, LAST_MONTH).knowledge
    assert (found.cases, found.linked, found.link_rate) == (3, 2, pytest.approx(2 / 3))
    assert found.reuse == found.uses


def test_flags_age_and_drafts_take_time_to_go_live(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = published(session, "delivery-costs", DELIVERY_COSTS)
        flag = flag_article(session, revision, omar(session), "wrong price")
        flag.at = now() - timedelta(days=3)
        published(session, "delivery-costs", DELIVERY_COSTS)
        mina(session)
    with Session(engine) as session:
        found = insights(session, LAST_MONTH).knowledge
    assert (found.open_flags, round(found.flag_days or 0, 2)) == (1, 3.0)
    assert (found.created, found.improved) == (1, 1)
    assert found.publish_days is not None
    assert found.publish_days < 0.1


def test_empty_store_has_figures_of_nothing(engine: Engine) -> None:
    with Session(engine) as session:
        found = insights(session, LAST_MONTH)
        assert session.exec(select(Turn)).all() == []
    assert (found.endings.asked, found.knowledge.link_rate, found.top) == (0, None, [])
