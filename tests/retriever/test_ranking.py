"""The same evidence gives the same order, and ties end at the article's id."""

import random

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.question_file import read_rows
from kb.db import transaction
from retriever import search
from retriever.index import Index, Level
from retriever.ranking import Ranking, rank
from retriever.search import asked_of, find_at
from retriever.shelf import Shelf
from retriever.weights import weights_for
from tests.cast import REFUND_POLICY, published
from tests.conftest import ROOT
from web.services import Services

QUESTIONS = [
    ("wheres my stuff", "en"),
    ("can i pay later", "en"),
    ("我的包裹到哪儿了", "zh"),
    ("환불 언제 되나요", "ko"),
    ("چطوری پولمو پس بگیرم", "fa"),
    ("posso cambiare indirizzo", "it"),
    ("what is the capital of peru", "en"),
]


@pytest.fixture(scope="module")
def level(sample: Services) -> Level:
    """The sample company's level."""
    with Session(sample.engine) as session:
        return sample.index.level(session)[0]


def ranked(shelf: Shelf, question: str, language: str) -> Ranking:
    return rank(shelf, asked_of(None, shelf, question, language))


def same(one: Ranking, two: Ranking) -> bool:
    return (one.articles, one.shares, one.confidence, one.in_scope) == (
        two.articles,
        two.shares,
        two.confidence,
        two.in_scope,
    )


def test_shares_are_shares_and_the_best_comes_first(level: Level) -> None:
    for question, language in QUESTIONS:
        found = ranked(level.shelf("public"), question, language)
        assert sum(found.shares) == pytest.approx(1, abs=1e-4)
        assert list(found.shares) == sorted(found.shares, reverse=True)
        assert 0 <= found.confidence <= 1
        assert 0 <= found.in_scope <= 1


def test_same_question_is_ranked_the_same_again(level: Level) -> None:
    shelf = level.shelf("public")
    for question, language in QUESTIONS:
        assert same(ranked(shelf, question, language), ranked(shelf, question, language))


def test_order_of_the_documents_does_not_matter(level: Level) -> None:
    visible = [d for d in level.documents if d.audience == "public"]
    documents = random.Random(5).sample(visible, len(visible))
    shuffled = Shelf(documents, level.encoders, level.vectors, level.backgrounds, level.states)
    for question, language in QUESTIONS:
        one = ranked(level.shelf("public"), question, language)
        assert same(one, ranked(shuffled, question, language))


@pytest.mark.parametrize("slugs", [("zebra", "apple"), ("apple", "zebra")])
def test_tie_ends_at_the_articles_id(
    engine: Engine, shop_index: Index, slugs: tuple[str, str]
) -> None:
    with transaction(engine) as session:
        ids = [published(session, slug, REFUND_POLICY).article_id for slug in slugs]
    shelf = shop_index.bring_level().shelf("public")
    found = ranked(shelf, "where is my refund", "en")
    assert [article for article in found.articles if article in ids] == ids


def test_hidden_article_is_never_ranked_for_the_public(engine: Engine, shop_index: Index) -> None:
    level = shop_index.bring_level()
    hidden = {d.article_id for d in level.documents if d.audience == "agents"}
    public = ranked(level.shelf("public"), "how much goodwill may I give", "en")
    agents = ranked(level.shelf("agents"), "how much goodwill may I give", "en")
    assert hidden.isdisjoint(public.articles)
    assert agents.articles[0] in hidden


def test_only_article_of_a_store_is_found(engine: Engine, index: Index) -> None:
    with transaction(engine) as session:
        only = published(session, "refund-time", REFUND_POLICY)
    found = ranked(index.bring_level().shelf("public"), "where is my refund", "en")
    assert found.articles == (only.article_id,)


def test_large_shelf_finds_the_same_article_first(
    sample: Services, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sample_questions(50)
    exact = firsts(sample, level, asked)
    monkeypatch.setattr(search, "EXACT_LIMIT", 0)
    large = firsts(sample, level, asked)
    assert [q for q, a, b in zip(asked, exact, large, strict=True) if a != b] == []


def test_large_shelf_looks_at_what_only_words_propose(
    sample: Services, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [("what day do you roast", "en")]
    exact = firsts(sample, level, asked)
    monkeypatch.setattr(search, "EXACT_LIMIT", 0)
    assert firsts(sample, level, asked) == exact == ["coffee-round"]


def firsts(sample: Services, level: Level, asked: list[tuple[str, str]]) -> list[str]:
    """The first article for each question, found anew."""
    store = sample.index.vectors
    return [find_at(store, level, q, code, "public", 3).matches[0].slug for q, code in asked]


def sample_questions(count: int) -> list[tuple[str, str]]:
    """Customers' questions, all languages in turn."""
    rows = [row for row in read_rows(ROOT / "tests/questions.csv") if row.expected]
    step = len(rows) // count
    return [(row.question, row.locale or "en") for row in rows[::step][:count]]


def test_evidence_of_a_question_without_known_words_is_finite(level: Level) -> None:
    found = ranked(level.shelf("public"), "zxqv", "en")
    assert np.isfinite(found.evidence.features).all()
    assert np.isfinite(found.evidence.standing).all()


@pytest.mark.parametrize("views", [1, 2])
def test_same_evidence_is_worth_less_where_more_was_written(views: int) -> None:
    judged = weights_for("phrasings", views).confidence
    sure = [judged.probability(np.append(judged.mean[:-1], np.log1p(n))) for n in (3, 10, 100)]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] > sure[-1] + 0.05
