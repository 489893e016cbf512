"""One audience's articles: what it may not read is not there."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from kb.db import transaction
from retriever.index import Index, Level
from retriever.shelf import Shelf
from tests.cast import DELIVERY_COSTS, PASSWORD_RESET, published

FOR_CUSTOMERS = replace(DELIVERY_COSTS, title="Prices for members", audience="customers")
FOR_VIPS = replace(DELIVERY_COSTS, title="Prices for friends of the house", audience="vip")


def level_of(engine: Engine, index: Index) -> Level:
    with Session(engine) as session:
        return index.level(session)[0]


def slugs(shelf: Shelf) -> set[str]:
    return {document.slug for document in shelf.documents}


@pytest.mark.parametrize(
    ("audience", "seen"),
    [
        ("public", set()),
        ("customers", {"member-prices"}),
        ("vip", {"member-prices", "vip-prices"}),
        ("agents", {"member-prices", "vip-prices", "goodwill-credit"}),
        ("nobody-knows", {"member-prices"}),
    ],
)
def test_shelf_holds_what_the_audience_may_read(
    engine: Engine, shop_index: Index, audience: str, seen: set[str]
) -> None:
    with transaction(engine) as session:
        published(session, "member-prices", FOR_CUSTOMERS)
        published(session, "vip-prices", FOR_VIPS)
    shelf = level_of(engine, shop_index).shelf(audience)
    assert slugs(shelf) == {"reset-password", "refund-time", "delivery-costs"} | seen


def test_hidden_words_are_unknown_to_the_public(engine: Engine, shop_index: Index) -> None:
    level = level_of(engine, shop_index)
    public, agents = level.shelf("public"), level.shelf("agents")
    assert not public.words.scores(["goodwil"]).any()
    assert agents.words.scores(["goodwil"]).any()


def test_articles_that_only_agents_read_change_nothing_for_the_public(
    engine: Engine, index: Index, shop_index: Index
) -> None:
    level = level_of(engine, shop_index)
    visible = [d for d in level.documents if d.audience == "public"]
    without = Shelf(visible, level.encoders, level.vectors, level.backgrounds)
    with_hidden = level.shelf("public")
    pairs = zip(with_hidden.heads, without.heads, strict=True)
    assert all(np.array_equal(a.weights, b.weights) for a, b in pairs)


def test_shelf_knows_how_much_was_written_in_a_language(engine: Engine, shop_index: Index) -> None:
    shelf = level_of(engine, shop_index).shelf("public")
    phrasings = [t for t in shelf.texts if t.source == "phrasing" and t.locale == "en"]
    assert np.expm1(shelf.taught("en")) == pytest.approx(len(phrasings) / 3)
    assert shelf.taught("ko") == 0.0


def test_rows_of_an_article_stand_together_questions_first(
    engine: Engine, shop_index: Index
) -> None:
    shelf = level_of(engine, shop_index).shelf("agents")
    for place in range(len(shelf.article_ids)):
        rows = range(shelf.bounds[place], shelf.bounds[place + 1])
        kinds = [bool(shelf.is_question[row]) for row in rows]
        assert {shelf.labels[row] for row in rows} == {place}
        assert kinds == sorted(kinds, reverse=True)
        assert sum(kinds) == shelf.question_counts[place]


def test_centred_rows_have_unit_length(engine: Engine, shop_index: Index) -> None:
    for view in level_of(engine, shop_index).shelf("public").views:
        lengths = np.linalg.norm(view.centred_rows(), axis=1)
        assert np.allclose(lengths, 1, atol=1e-3)


def test_centring_by_algebra_is_centring(engine: Engine, shop_index: Index) -> None:
    view = level_of(engine, shop_index).shelf("public").views[0]
    questions = view.encoder.questions(["postage price"])
    centred = view.centred_questions(questions, "en")[0]
    cosines, nearness = view.look(questions[0], "en")
    assert np.allclose(cosines, view.centred_rows() @ centred, atol=1e-4)
    assert np.isclose(nearness[0], (view.vectors @ questions[0]).max(), atol=1e-5)


def test_exact_look_at_some_rows_sees_what_a_look_at_all_does(
    engine: Engine, shop_index: Index
) -> None:
    view = level_of(engine, shop_index).shelf("public").views[0]
    question = view.encoder.questions(["postage price"])[0]
    some = np.array([0, 3, 5], np.int32)
    seen, _ = view.look(question, "en", some)
    assert np.allclose(seen[some], view.look(question, "en")[0][some], atol=1e-6)
    assert (np.delete(seen, some) == -1).all()


def test_rows_near_a_text_are_all_rows_of_its_article(engine: Engine, shop_index: Index) -> None:
    shelf = level_of(engine, shop_index).shelf("public")
    key = next(t.key for t in shelf.texts if t.text == "refund time")
    none = np.zeros(0, np.intp)
    rows = shelf.rows_near(shelf.views[0], [key, "unknown"], none)
    assert {shelf.documents[shelf.views[0].rows[row]].slug for row in rows} == {"refund-time"}
    assert shelf.rows_near(shelf.views[0], ["unknown"], none).size == 0


def test_english_encoder_does_not_see_other_languages(engine: Engine, shop_index: Index) -> None:
    wording = replace(PASSWORD_RESET, title="Reimposta la password", phrasings=("password persa",))
    with transaction(engine) as session:
        published(session, "reset-password", wording, "it")
    shelf = level_of(engine, shop_index).shelf("public")
    everything, english = shelf.views
    assert {shelf.texts[row].locale for row in english.rows} == {"en"}
    assert len(everything.rows) == len(shelf.texts) > len(english.rows)


@pytest.mark.parametrize("with_phrasings", [True, False])
def test_titles_centre_with_passages_where_nobody_wrote_phrasings(
    engine: Engine, shop_index: Index, with_phrasings: bool
) -> None:
    level = level_of(engine, shop_index)
    documents = [
        replace(d, texts=tuple(t for t in d.texts if with_phrasings or t.source != "phrasing"))
        for d in level.documents
    ]
    shelf = Shelf(documents, level.encoders, level.vectors, level.backgrounds)
    view = shelf.views[0]
    typical = np.array_equal(view.question_mean("en"), view.background.mean("en"))
    assert (shelf.phrased != "passages") == with_phrasings
    assert typical != with_phrasings
