"""What the assistant says when it is not answering."""

import re
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.phrases import Phrase, phrase, phrase_names, slug_of
from kb.articles import Wording, get_article
from kb.audiences import AGENTS, ASSISTANT, CUSTOMERS, PUBLIC, visible_to
from kb.catalogue import list_live, live_in
from kb.db import transaction
from kb.errors import NotFound
from kb.publishing import live_answers, withdraw
from kb.settings import LOCALE_NAMES
from retriever.index import Index
from retriever.search import find_matches
from tests.cast import DELIVERY_COSTS, mina, published

OFFER = Wording(
    title="Offering a person",
    answer="Shall I ask one of our advisers to join us?",
    phrasings=("shall I ask an adviser",),
    audience=ASSISTANT,
)
NAMES = sorted(phrase_names())


def built_in(name: str, locale: str) -> Phrase:
    return phrase(Session(), name, locale)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.phrases.find_article", lambda *_: None)


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize("locale", LOCALE_NAMES)
def test_every_phrase_is_built_in_in_every_language(locale: str) -> None:
    folder = files("assistant") / "phrases" / locale
    assert sorted(file.name for file in folder.iterdir()) == [f"{name}.md" for name in NAMES]
    for name in NAMES:
        assert 2 < len(built_in(name, locale).text) < 140
        assert not re.search("[!！]", built_in(name, locale).text)


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize("locale", LOCALE_NAMES)
def test_only_the_arrival_of_a_person_and_a_correction_have_a_place_to_fill(locale: str) -> None:
    with_places = {name for name in NAMES if "{" in built_in(name, locale).text}
    assert with_places == {"agent_joined", "correction"}
    joined = phrase(Session(), "agent_joined", locale, name="Nora {name} {x}")
    assert "Nora {name} {x}" in joined.text


@pytest.mark.usefixtures("said")
def test_documentation_lists_every_phrase_as_it_is_said() -> None:
    page = (Path(__file__).parents[2] / "docs" / "phrases.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", page, re.M))
    assert rows == {name: built_in(name, "en").text for name in NAMES}


@pytest.mark.usefixtures("said")
def test_unknown_locale_is_spoken_to_in_english() -> None:
    assert built_in("thanks", "de") == built_in("thanks", "en")


def test_unknown_phrase_is_not_found(engine: Engine) -> None:
    with transaction(engine) as session, pytest.raises(NotFound, match=r"docs/phrases\.md"):
        phrase(session, "joke", "en")


def test_published_words_replace_the_built_in_ones_until_withdrawn(engine: Engine) -> None:
    with transaction(engine) as session:
        before = phrase(session, "offer_person", "en")
        revision = published(session, slug_of("offer_person"), OFFER)
        own = phrase(session, "offer_person", "en")
        assert (own.text, own.article) == (OFFER.answer, "phrase-offer-person")
        assert (own.version, own.sha256) == (1, revision.answer_sha256)
        withdraw(session, get_article(session, "phrase-offer-person"), "en", mina(session))
        assert phrase(session, "offer_person", "en") == before
        assert (before.version, before.article) == (None, None)
        assert before.sha256 == sha256(before.text.encode()).hexdigest()


def test_each_language_changes_by_itself(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, slug_of("offer_person"), OFFER)
        assert phrase(session, "offer_person", "it").version is None


def test_article_for_readers_is_no_phrase_whatever_its_slug(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, slug_of("offer_person"), replace(OFFER, audience=PUBLIC))
        assert phrase(session, "offer_person", "en").version is None


def test_values_fill_published_places_and_nothing_else(engine: Engine) -> None:
    with transaction(engine) as session:
        own = replace(OFFER, answer="{name} is here. Rooms {0}, {other}, {name.__class__}.")
        published(session, slug_of("agent_joined"), own)
        text = phrase(session, "agent_joined", "en", name="Nora").text
        assert text == "Nora is here. Rooms {0}, {other}, {name.__class__}."


def test_phrases_are_in_no_list_whoever_asks(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, slug_of("offer_person"), OFFER)
        published(session, "delivery-costs", DELIVERY_COSTS)
        for audience in (PUBLIC, CUSTOMERS, AGENTS, "vip"):
            page = list_live(session, "en", visible_to(audience), 10)
            assert [p.article.slug for p in page.items] == ["delivery-costs"]
        assert [p.article.slug for p in live_answers(session)] == ["delivery-costs"]


def test_staff_read_a_phrase_by_its_slug_and_readers_do_not(engine: Engine) -> None:
    with transaction(engine) as session:
        slug = published(session, slug_of("offer_person"), OFFER).article.slug
        assert live_in(session, slug, "en", [], visible_to(AGENTS)).revision.answer == OFFER.answer
        for audience in (PUBLIC, CUSTOMERS, "vip"):
            with pytest.raises(NotFound):
                live_in(session, slug, "en", [], visible_to(audience))


@pytest.mark.parametrize("is_level_before", [True, False])
def test_phrases_are_found_by_no_search(
    engine: Engine, index: Index, is_level_before: bool
) -> None:
    with transaction(engine) as session:
        published(session, "delivery-costs", DELIVERY_COSTS)
    if is_level_before:
        index.bring_level()
    with transaction(engine) as session:
        published(session, slug_of("offer_person"), OFFER)
    with transaction(engine) as session:
        for audience in (PUBLIC, AGENTS, ASSISTANT, "vip"):
            found = find_matches(session, index, "shall I ask an adviser", "en", audience)
            assert "phrase-offer-person" not in [match.slug for match in found.matches]
