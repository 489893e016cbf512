"""What contradicts what: found in the sample company when a fact is changed, and seldom else."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine

from assistant.claims import ClaimIndex, Clash, claims_of, weight_of, words_of
from assistant.collation import check_publication, collate, look_at, translated
from assistant.contradictions import (
    Contradiction,
    dismiss,
    open_contradictions,
    past_contradictions,
    reopen,
)
from kb.articles import Article, Revision, Wording
from kb.db import transaction
from kb.errors import Conflict, Invalid
from kb.publishing import publish
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import DELIVERY_COSTS, PASSWORD_RESET, approved, mina, published, shop
from tests.prove.contradicting import SEEDS, Seed, altered

CONTENT = Path(__file__).parents[2] / "content"


@cache
def company(locale: str) -> dict[str, Revision]:
    """The sample company's public articles in one language, by slug."""
    found: dict[str, Revision] = {}
    for path in sorted((CONTENT / locale).glob("*/*.md")):
        _, matter, body = path.read_text("utf-8").split("---\n", 2)
        front = yaml.safe_load(matter)
        if front.get("audience", "public") == "public":
            id_ = len(found) + 1
            article = Article(id=id_, slug=path.stem, source_locale="en")
            texts = {"title": front["title"], "answer": front["answer"], "body": body}
            found[path.stem] = Revision(
                id=id_, article_id=id_, locale=locale, category=path.parent.name, **texts
            )
            found[path.stem].article = article
    return found


def with_number(revision: Revision, value: str, number: str) -> Revision:
    """The same words with a fact changed wherever it is said."""
    texts = {
        part: altered(getattr(revision, part), revision.locale, value, number)
        for part in ("answer", "body")
    }
    kept = {"title": revision.title, "locale": revision.locale, "category": revision.category}
    changed = Revision(id=revision.id, article_id=revision.article_id, **texts, **kept)
    changed.article = revision.article
    return changed


def index_of(locale: str) -> ClaimIndex:
    revisions = company(locale).values()
    weight = weight_of(words_of(revision) for revision in revisions)
    return ClaimIndex([claims_of(revision) for revision in revisions], weight)


def found_when_changed(index: ClaimIndex, locale: str, seed: Seed) -> list[Clash]:
    slug, value, number = seed
    before = company(locale)[slug]
    clashes = index.clashes(claims_of(with_number(before, value, number), before))
    return [c for c in clashes if any(value in said for said in c.other.values.values())]


# Read one by one: frames that say of two things when, such as "we answer within 2 working days".
@pytest.mark.parametrize(("locale", "alarms", "recall"), [("en", 1, 0.89), ("fa", 6, 0.96)])
def test_a_changed_fact_is_found_and_hardly_anything_else(
    locale: str, alarms: int, recall: float
) -> None:
    index = index_of(locale)
    clashes = [clash for claim in index.of.values() for clash in index.clashes(claim)]
    pairs = {frozenset((c.one.about.id, c.other.about.id)) for c in clashes}
    hits = [seed for seed in SEEDS if found_when_changed(index, locale, seed)]
    assert len(pairs) <= alarms
    assert len(hits) / len(SEEDS) >= recall


@pytest.mark.parametrize("locale", ["zh", "it"])
def test_every_fact_changed_in_a_translation_is_found(locale: str) -> None:
    assert not any(
        translated(source, company(locale)[slug]) for slug, source in company("en").items()
    )
    missed = []
    for slug, value, number in SEEDS:
        changed = with_number(company(locale)[slug], value, number)
        if not translated(company("en")[slug], changed):
            missed.append((slug, value))
    assert missed == []


# -- in a store -------------------------------------------------------------------------

COSTS_AGAIN = Wording(
    title="What a parcel to you costs",
    answer="Delivery costs €4.50 and is free from €50.",
    phrasings=("parcel price", "do I pay for delivery"),
    category="orders",
)


@pytest.fixture
def index(engine: Engine, vectors: VectorStore, encoders: list[Encoder]) -> Index:
    with transaction(engine) as session:
        shop(session)
    return Index(engine, vectors, encoders)


def of_parcels(engine: Engine) -> Revision:
    """Approved, not published, and at odds with what delivery costs."""
    with transaction(engine) as session:
        revision = approved(session, "parcel-price", COSTS_AGAIN)
        assert revision.article.slug
        return revision


def sentences(row: Contradiction) -> set[str]:
    return {row.one_sentence, row.other_sentence}


def test_two_articles_with_two_prices_are_kept_with_the_prices_marked(
    engine: Engine, index: Index
) -> None:
    revision = of_parcels(engine)
    (row,) = look_at(engine, index, revision)
    assert sentences(row) == {COSTS_AGAIN.answer, DELIVERY_COSTS.answer}
    assert row.one_sentence[slice(*row.one_marks[0])].strip() in ("€4.50", "€3.95")
    assert look_at(engine, index, revision)[0].id == row.id


def test_dismissed_stays_dismissed_while_both_sentences_stand(engine: Engine, index: Index) -> None:
    revision = of_parcels(engine)
    (row,) = look_at(engine, index, revision)
    assert row.id
    with transaction(engine) as session:
        dismiss(session, row.id, mina(session), "one is for furniture")
        publish(session, session.merge(revision), mina(session))
    assert collate(engine, index) == 0
    with transaction(engine) as session:
        longer = replace(COSTS_AGAIN, body="You may also pick it up.")
        published(session, "parcel-price", longer)
    assert collate(engine, index) == 0


def test_a_changed_sentence_resolves_it_and_the_old_one_brings_it_back(
    engine: Engine, index: Index
) -> None:
    with transaction(engine) as session:
        published(session, "parcel-price", COSTS_AGAIN)
    assert collate(engine, index) == 1
    with transaction(engine) as session:
        fixed = replace(COSTS_AGAIN, answer="Delivery costs €3.95 and is free from €50.")
        published(session, "parcel-price", fixed)
    assert collate(engine, index) == 0
    with transaction(engine) as session:
        assert [row.state for row in past_contradictions(session, 9)] == ["resolved"]
        published(session, "parcel-price", COSTS_AGAIN)
    assert collate(engine, index) == 1


def test_a_translation_with_another_price_is_found_at_night(engine: Engine, index: Index) -> None:
    italian = Wording(
        title="Quanto costa la consegna",
        answer="La consegna costa 4,50 € ed è gratuita da 50 €.",
        body="I mobili costano 29 €.",
    )
    with transaction(engine) as session:
        published(session, "delivery-costs", italian, "it")
    collate(engine, index)
    with transaction(engine) as session:
        (row,) = open_contradictions(session)
        assert (row.scope, row.kind) == ("translations", "money")


def test_an_article_that_says_the_same_again_is_a_duplicate(engine: Engine, index: Index) -> None:
    again = replace(
        PASSWORD_RESET, title="Forgot your password?", phrasings=("I lost my password", "new login")
    )
    with transaction(engine) as session:
        revision = approved(session, "forgotten-password", again)
    found = look_at(engine, index, revision)
    assert [row.scope for row in found] == ["duplicates"]
    assert sentences(found[0]) == {"Forgot your password?", PASSWORD_RESET.title}


def test_other_audiences_and_other_drafts_contradict_nobody(engine: Engine, index: Index) -> None:
    for_agents = replace(COSTS_AGAIN, audience="agents")
    with transaction(engine) as session:
        revision = approved(session, "parcel-price", for_agents)
    assert look_at(engine, index, revision) == []


def test_what_contradicts_is_published_where_the_house_only_warns(
    engine: Engine, index: Index
) -> None:
    revision = of_parcels(engine)
    check_publication(engine, index, revision, "warn")
    check_publication(engine, index, revision, "off")
    with pytest.raises(Conflict, match=r"parcel-price \(en\) contradicts delivery-costs \(en\)"):
        check_publication(engine, index, revision, "block")


def test_nothing_is_dismissed_without_a_reason_or_twice(engine: Engine, index: Index) -> None:
    (row,) = look_at(engine, index, of_parcels(engine))
    assert row.id
    with transaction(engine) as session:
        with pytest.raises(Invalid, match="say why"):
            dismiss(session, row.id, mina(session), " \n ")
        dismiss(session, row.id, mina(session), "two kinds of parcels")
        with pytest.raises(Conflict, match="dismissed already"):
            dismiss(session, row.id, mina(session), "again")
        reopen(session, row.id, mina(session))
        assert [kept.id for kept in open_contradictions(session)] == [row.id]
