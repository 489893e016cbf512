"""What was said, and that it can be read back as it was."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.answering import ask
from assistant.receipts import Receipt, get_receipt
from kb.articles import answer_digest
from kb.db import now, transaction
from kb.errors import NotFound
from kb.history import epoch
from retriever.embeddings import Encoder
from retriever.index import Index
from tests.cast import PASSWORD_RESET, published

LOCALES = ["en", "it"]


def receipt_of(engine: Engine, index: Index, text: str, channel: str = "api") -> Receipt:
    """The receipt of a question, read back."""
    with transaction(engine) as session:
        asked = ask(session, index, text, LOCALES, "en", channel).receipt
    with Session(engine) as session:
        return get_receipt(session, asked.id)


def test_receipt_of_an_answer_says_what_was_said(engine: Engine, shop_index: Index) -> None:
    kept = receipt_of(engine, shop_index, "i forgot my  password", "widget")
    assert (kept.question, kept.locale, kept.channel) == ("i forgot my password", "en", "widget")
    assert (kept.outcome, kept.article, kept.version) == ("answered", "reset-password", 1)
    assert (kept.answer_locale, kept.audience) == ("en", "public")
    assert kept.answer_sha256 == answer_digest(PASSWORD_RESET.answer)


def test_receipt_of_silence_names_no_article(engine: Engine, shop_index: Index) -> None:
    kept = receipt_of(engine, shop_index, "what is the capital of peru")
    assert kept.outcome == "abstained"
    assert kept.article is kept.version is kept.answer_sha256 is kept.revision_id is None


def test_receipt_tells_the_epoch_and_the_time(engine: Engine, shop_index: Index) -> None:
    kept = receipt_of(engine, shop_index, "where is my refund")
    with Session(engine) as session:
        assert kept.epoch == epoch(session)
    assert 0 <= (now() - kept.issued_at).total_seconds() < 60


def test_receipt_stays_as_it_was_when_the_article_moves_on(
    engine: Engine, shop_index: Index
) -> None:
    first = receipt_of(engine, shop_index, "i forgot my password")
    with transaction(engine) as session:
        published(session, "reset-password", replace(PASSWORD_RESET, answer="Ask us."))
    second = receipt_of(engine, shop_index, "i forgot my password")
    with Session(engine) as session:
        again = get_receipt(session, first.id)
    assert (again.version, again.answer_sha256) == (1, answer_digest(PASSWORD_RESET.answer))
    assert (second.version, second.answer_sha256) == (2, answer_digest("Ask us."))


def test_receipt_says_what_spoke_for_the_reply(engine: Engine, shop_index: Index) -> None:
    kept = receipt_of(engine, shop_index, "where is my refund")
    best = kept.detail["matches"][0]
    assert best["article"] == "refund-time"
    assert "where is my refund" in [witness[2] for witness in best["witnesses"]]


def test_every_reply_has_a_receipt_of_its_own(engine: Engine, shop_index: Index) -> None:
    ids = {receipt_of(engine, shop_index, "postage price?").id for _ in range(3)}
    assert len(ids) == 3
    assert all(len(id_) >= 16 for id_ in ids)


@pytest.mark.parametrize("id_", ["", "nothing", "x" * 10_000, "../../etc/passwd", "' OR 1=1 --"])
def test_unknown_receipt_is_not_found(engine: Engine, id_: str) -> None:
    with Session(engine) as session, pytest.raises(NotFound, match="no such receipt"):
        get_receipt(session, id_)


def test_question_on_record_need_not_be_read_again(
    engine: Engine, shop_index: Index, encoders: list[Encoder]
) -> None:
    asked = [f"can I bring my {pet} along" for pet in ("parrot", "otter")]
    receipt_of(engine, shop_index, asked[0])
    questions = shop_index.vectors.questions
    assert questions.missing(encoders[0], asked) == asked[1:]
    assert (questions.vectors_of(encoders[0], asked[:1]) == encoders[0].questions(asked[:1])).all()


def test_question_that_names_somebody_is_not_kept_as_it_was_read(
    engine: Engine, shop_index: Index, encoders: list[Encoder]
) -> None:
    asked = "why did mina@example.com get my parcel"
    kept = receipt_of(engine, shop_index, asked)
    assert "mina@" not in kept.question
    assert shop_index.vectors.questions.missing(encoders[0], [asked]) == [asked]
