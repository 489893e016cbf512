"""Ask: the approved words, or silence; always with a receipt."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.answering import Abstained, Answered, Clarification, Words, ask, decide
from assistant.receipts import get_receipt
from assistant.understanding import Question
from kb.articles import Revision, Wording, get_article
from kb.db import transaction
from kb.errors import Invalid
from kb.publishing import withdraw
from retriever.index import Index
from retriever.passages import Passage
from retriever.search import Findings, Match
from tests.cast import PASSWORD_RESET, SENDING_BACK, mina, published

LOCALES = ["en", "zh", "ko", "fa", "it"]


def test_answer_is_the_approved_text_letter_for_letter(engine: Engine, shop_index: Index) -> None:
    with Session(engine, expire_on_commit=False) as session:
        reply = ask(session, shop_index, "i forgot my password", LOCALES)
        assert isinstance(reply.outcome, Answered)
        assert reply.outcome.words.revision.answer == PASSWORD_RESET.answer


def test_reply_has_a_receipt_that_can_be_read_back(engine: Engine, shop_index: Index) -> None:
    with Session(engine, expire_on_commit=False) as session:
        reply = ask(session, shop_index, "where is my refund", LOCALES)
        session.commit()
    with Session(engine) as session:
        kept = get_receipt(session, reply.receipt.id)
        assert (kept.article, kept.version, kept.channel) == ("refund-time", 1, "api")


def test_withdrawn_article_is_never_answered(engine: Engine, shop_index: Index) -> None:
    with transaction(engine) as session:
        withdraw(session, get_article(session, "reset-password"), "en", mina(session))
    with Session(engine) as session:
        reply = ask(session, shop_index, "i forgot my password", LOCALES)
        assert "reset-password" not in repr(reply.receipt.detail)


def test_same_question_gets_the_same_reply(engine: Engine, shop_index: Index) -> None:
    restarted = Index(engine, shop_index.vectors, shop_index.encoders)
    with Session(engine) as session:
        first = ask(session, shop_index, "postage price?", LOCALES)
        again = ask(session, restarted, "postage price?", LOCALES)
        assert (first.label, first.confidence) == (again.label, again.confidence)


def test_phrasing_asked_word_for_word_is_answered(engine: Engine, shop_index: Index) -> None:
    wording = Wording(title="Delivery", answer="We bring it.", phrasings=("stamp duty",))
    with transaction(engine) as session:
        published(session, "delivery", wording)
    with Session(engine, expire_on_commit=False) as session:
        reply = ask(session, shop_index, "Stamp  duty?", LOCALES)
        assert isinstance(reply.outcome, Answered)
        assert reply.outcome.words.slug == "delivery"


def test_phrasing_of_two_articles_is_a_choice(engine: Engine, shop_index: Index) -> None:
    twin = Wording(title="Bag", answer="Twin.", phrasings=("send something back",))
    with transaction(engine) as session:
        published(session, "bag-one", twin)
        published(session, "bag-two", twin)
    with Session(engine, expire_on_commit=False) as session:
        reply = ask(session, shop_index, "send something back", LOCALES)
        assert isinstance(reply.outcome, Clarification)


IN_A_SHOP = "how do i send something back in a shop"


def test_part_of_the_body_is_named_beside_the_answer(engine: Engine, shop_index: Index) -> None:
    with transaction(engine) as session:
        revision = published(session, "send-back", SENDING_BACK)
        wanted = Passage(revision.id or 0, "In a shop", "s-in-a-shop", "Show the code at the till.")
    with Session(engine, expire_on_commit=False) as session:
        reply = ask(session, shop_index, IN_A_SHOP, LOCALES)
        assert isinstance(reply.outcome, Answered)
        assert reply.outcome.words.revision.answer == SENDING_BACK.answer
        assert reply.outcome.passage == wanted


def test_part_in_another_language_than_the_answer_is_not_named(
    engine: Engine, shop_index: Index
) -> None:
    italian = Wording(title="Rendere un articolo", answer="Ha **30 giorni**.")
    with transaction(engine) as session:
        published(session, "send-back", SENDING_BACK)
        published(session, "send-back", italian, "it")
    with Session(engine, expire_on_commit=False) as session:
        reply = ask(session, shop_index, IN_A_SHOP, LOCALES, "it")
        assert isinstance(reply.outcome, Answered)
        assert (reply.outcome.words.revision.locale, reply.outcome.passage) == ("it", None)


def test_part_of_a_wording_that_was_replaced_is_not_named() -> None:
    match = Match(3, "send-back", "", 1.0, (), Passage(7, "In a shop", "s-in-a-shop", "Old."))
    findings = Findings(1, (match,), 1.0, 1.0, True, True)
    new = Revision(id=8, article_id=3, locale="en", title="", answer="")
    outcome = decide(Question("shop", "en", "en"), findings, {3: Words("send-back", new, "en")})
    assert isinstance(outcome, Answered)
    assert outcome.passage is None


def test_agents_answer_is_not_for_the_public(engine: Engine, shop_index: Index) -> None:
    question = "how much goodwill may I give to an angry customer"
    with Session(engine, expire_on_commit=False) as session:
        public = ask(session, shop_index, question, LOCALES)
        agent = ask(session, shop_index, question, LOCALES, channel="sidebar")
        assert "goodwill" not in repr(public.receipt.detail)
        assert isinstance(agent.outcome, Answered)


@pytest.mark.parametrize("text", ["😀😀", "???", "…", "!"])
def test_signs_without_words_are_met_with_silence(
    engine: Engine, shop_index: Index, text: str
) -> None:
    with Session(engine) as session:
        reply = ask(session, shop_index, text, LOCALES)
        assert reply.outcome == Abstained("no_words")


@pytest.mark.parametrize(
    ("text", "field"), [("", "question"), (" \x00\u200b", "question"), ("x" * 100_000, "question")]
)
def test_unusable_question_says_what_to_do(
    engine: Engine, shop_index: Index, text: str, field: str
) -> None:
    with Session(engine) as session, pytest.raises(Invalid) as caught:
        ask(session, shop_index, text, LOCALES)
    assert caught.value.field == field
