"""The promise of silence in the studio: each language's bar, its cost, what would help."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from kb.db import migrate, open_engine, transaction
from kb.people import add_person
from kb.settings import Settings
from retriever import index as index_module
from retriever.bars import BarBook
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import PASSWORD_RESET, REFUND_POLICY, published
from web.app import create_app
from web.services import Services

PASSWORD = "a long enough password"
STRAY = "when do I get my money back"
TELLING = replace(PASSWORD_RESET, phrasings=(*(f"reset my password {n}" for n in range(40)), STRAY))
CLEAR = replace(REFUND_POLICY, phrasings=tuple(f"money back after {n} days" for n in range(40)))


@pytest.fixture(scope="module")
def learned(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Services]:
    """A shop with many phrasings in English, one of them astray, and few in Italian."""
    settings = Settings(home=tmp_path_factory.mktemp("learned"), rate_limit="off")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        published(session, "reset-password", TELLING)
        published(session, "refund-time", CLEAR)
        few = replace(CLEAR, title="Il rimborso", phrasings=("quando mi rimborsate",))
        published(session, "refund-time", few, "it")
        add_person(session, "elsa@example.com", "contributor", password=PASSWORD)
    index = Index(engine, vectors, encoders, BarBook(settings.home / "bars.json", 0.02))
    index.bring_level()
    yield Services(settings, engine, index, None)
    engine.dispose()


@pytest.fixture
def studio(learned: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The studio as a contributor opens it; nothing is learned but by the tests."""
    monkeypatch.setattr(index_module, "QUIET_SECONDS", 600.0)
    with TestClient(create_app(learned), raise_server_exceptions=False) as client:
        client.post("/login", data={"email": "elsa@example.com", "password": PASSWORD})
        yield client


def card(page: str, locale: str) -> str:
    return page.split(f'aria-labelledby="in-{locale}"')[1].split("</section>")[0]


def test_before_anything_was_learned_the_page_says_so(studio: TestClient) -> None:
    page = studio.get("/studio/silence").text
    assert "At most 2% of all questions are answered wrongly" in page
    assert "it is being learned" in page
    assert "Not learned yet" in card(page, "en")


def test_promise_has_its_bar_its_cost_and_what_others_would_cost(
    learned: Services, studio: TestClient
) -> None:
    learned.index.rehearse()
    page = studio.get("/studio/silence").text
    bar = (learned.index.bars or {})["en"]
    english = card(page, "en")
    assert "Promised" in english
    assert f"{bar.answered} of {bar.rehearsed} questions, {bar.wrong} of them wrongly" in english
    assert english.count("<rect") == 3
    assert english.count("too few phrasings") == 2
    assert "Last learned" in page


def test_language_with_few_phrasings_says_how_many_are_missing(
    learned: Services, studio: TestClient
) -> None:
    learned.index.rehearse()
    page = studio.get("/studio/silence").text
    assert "48 more phrasings are needed." in card(page, "it")
    assert "49 more phrasings are needed." in card(page, "ko")


def test_phrasing_that_another_article_takes_leads_to_both_editors(
    learned: Services, studio: TestClient
) -> None:
    learned.index.rehearse()
    english = card(studio.get("/studio/silence").text, "en")
    around = english.split(STRAY)[1].split("</li>")[0]
    assert "/studio/articles/reset-password/edit?locale=en" in around
    assert "/studio/articles/refund-time/edit?locale=en" in around


def test_model_that_was_trained_promises_by_its_exam(
    learned: Services, studio: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = learned.index.encoders[1]
    monkeypatch.setattr(trained, "learned", frozenset({"en"}), raising=False)
    monkeypatch.setattr(trained, "exam", {"en": ((0.9, True),) * 90}, raising=False)
    learned.index._level = replace(learned.index.bring_level(), is_rehearsed=False)
    learned.index.rehearse()
    english = card(studio.get("/studio/silence").text, "en")
    assert "kept from it while it was tried" in english
    assert "90 of 90 questions" in english


def test_nobody_is_asked_to_sign_in(studio: TestClient) -> None:
    studio.cookies.clear()
    reply = studio.get("/studio/silence", follow_redirects=False)
    assert reply.headers["location"].startswith("/login")
