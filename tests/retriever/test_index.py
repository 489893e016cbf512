"""The index follows history: whatever happened to the store, the next question meets it."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.answering import Answered, consider
from kb.articles import Wording, get_article
from kb.audiences import PUBLIC
from kb.db import now, transaction
from kb.publishing import draft, publish, withdraw
from retriever import index as index_module
from retriever.embeddings import Encoder, Vectors
from retriever.index import Index, Level
from retriever.search import Findings, find_at, find_matches
from retriever.vectors import VectorStore
from tests.cast import (
    DELIVERY_COSTS,
    GOODWILL,
    PASSWORD_RESET,
    REFUND_POLICY,
    approved,
    mina,
    published,
    shop,
    tariq,
)

OPENING = Wording(
    title="When the shop is open",
    answer="Monday to Saturday, 9 to 18.",
    phrasings=("what are your opening hours", "are you open on sunday"),
)
QUESTIONS = [
    "i forgot my password",
    "where is my refund",
    "postage price?",
    "are you open on sunday",
    "goodwill for an angry customer",
    "what is the capital of peru",
]


def slugs(level: Level | None) -> set[str]:
    return {d.slug for d in level.documents} if level else set()


def asked(engine: Engine, index: Index, question: str) -> Findings:
    with Session(engine) as session:
        return find_matches(session, index, question, "en", PUBLIC)


def findings(index: Index, level: Level) -> list[Findings]:
    """What is found for every question, computed anew."""
    audiences = ("public", "agents")
    return [
        find_at(index.vectors, level, q, "en", audience, 5)
        for q in QUESTIONS
        for audience in audiences
    ]


def publish_opening(engine: Engine, after: float = 0, until: float | None = None) -> None:
    """The opening hours go live after some seconds, and expire after some more."""
    with transaction(engine) as session:
        revision = approved(session, "opening-hours", OPENING)
        at = now()
        expires = at + timedelta(seconds=until) if until else None
        publish(session, revision, mina(session), at + timedelta(seconds=after), expires)


def take_down(engine: Engine, slug: str) -> None:
    with transaction(engine) as session:
        withdraw(session, get_article(session, slug), "en", mina(session))


class Faulty:
    """An encoder that can be made to fail, or to wait, after some texts."""

    def __init__(self, encoder: Encoder) -> None:
        self.inner, self.languages = encoder, encoder.languages
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self.fails_after: int | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def questions(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self.inner.questions)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self.inner.passages)

    def _encode(self, texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors]) -> Vectors:
        assert self.may_go_on.wait(60)
        if self.fails_after is not None:
            self.fails_after -= 1
            if self.fails_after < 0:
                raise OSError("no space left on device")
        return encode(texts)


@pytest.fixture
def faulty(own_encoder: Encoder) -> Faulty:
    """An encoder that works until told otherwise."""
    return Faulty(own_encoder)


@pytest.fixture
def small_index(engine: Engine, vectors: VectorStore, faulty: Faulty) -> Index:
    """The shop's index over an encoder with vectors of its own."""
    with transaction(engine) as session:
        shop(session)
    made = Index(engine, vectors, [faulty])
    made.bring_level()
    return made


# -- freshness -------------------------------------------------------------------------


def test_published_article_is_found_by_the_next_question(engine: Engine, shop_index: Index) -> None:
    publish_opening(engine)
    found = asked(engine, shop_index, "are you open on sunday")
    assert found.matches[0].slug == "opening-hours"
    assert found.may_answer


def test_withdrawn_article_is_gone_for_the_next_question(engine: Engine, shop_index: Index) -> None:
    assert asked(engine, shop_index, "where is my refund").matches[0].slug == "refund-time"
    take_down(engine, "refund-time")
    found = asked(engine, shop_index, "where is my refund")
    assert "refund-time" not in [match.slug for match in found.matches]


def test_new_revision_takes_the_place_of_the_old(engine: Engine, shop_index: Index) -> None:
    newer = replace(REFUND_POLICY, title="Refunds", phrasings=("my piggy bank is empty",))
    with transaction(engine) as session:
        published(session, "refund-time", newer)
    found = asked(engine, shop_index, "my piggy bank is empty").matches[0]
    level = shop_index.bring_level()
    texts = {t.text for d in level.documents if d.slug == "refund-time" for t in d.texts}
    assert (found.slug, found.title) == ("refund-time", "Refunds")
    assert "refund time" not in texts


def test_article_that_changes_its_audience_leaves_the_shelf(
    engine: Engine, shop_index: Index
) -> None:
    with transaction(engine) as session:
        published(session, "refund-time", replace(REFUND_POLICY, audience="agents"))
    found = asked(engine, shop_index, "where is my refund")
    assert "refund-time" not in [match.slug for match in found.matches]


def test_draft_does_not_rebuild(engine: Engine, shop_index: Index) -> None:
    before = shop_index.bring_level()
    shelf = before.shelf(PUBLIC)
    with transaction(engine) as session:
        draft(session, "opening-hours", "en", OPENING, tariq(session))
    after = shop_index.bring_level()
    assert after.epoch > before.epoch
    assert after.documents is before.documents
    assert after.shelf(PUBLIC) is shelf


def test_findings_tell_the_epoch_they_were_found_at(engine: Engine, shop_index: Index) -> None:
    asked(engine, shop_index, "where is my refund")
    with transaction(engine) as session:
        draft(session, "opening-hours", "en", OPENING, tariq(session))
    again = asked(engine, shop_index, "where is my refund")
    assert again.epoch == shop_index.epoch


def test_schedule_is_met_by_the_first_question_after_its_time(
    engine: Engine, shop_index: Index
) -> None:
    publish_opening(engine, after=0.4, until=1.4)
    assert "opening-hours" not in slugs(shop_index.bring_level())
    time.sleep(0.5)
    assert asked(engine, shop_index, QUESTIONS[3]).matches[0].slug == "opening-hours"
    time.sleep(1)
    found = asked(engine, shop_index, QUESTIONS[3])
    assert "opening-hours" not in [match.slug for match in found.matches]


@pytest.mark.parametrize("shows", [True, False], ids=["start", "expiry"])
def test_watched_index_follows_the_clock_without_being_asked(
    engine: Engine, shop_index: Index, shows: bool
) -> None:
    publish_opening(engine, after=2 if shows else 0, until=None if shows else 2)
    due, stop = time.monotonic() + 2, threading.Event()
    watcher = threading.Thread(target=shop_index.watch, args=(stop,))
    shop_index.bring_level()
    watcher.start()
    try:
        while ("opening-hours" in slugs(shop_index._level)) is not shows:
            assert time.monotonic() < due + 30
            time.sleep(0.02)
        assert time.monotonic() > due - 0.1
    finally:
        stop.set()
        watcher.join()


def test_watching_gives_back_what_questions_leave(
    shop_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, given_back = threading.Event(), threading.Event()
    monkeypatch.setattr(index_module, "TRIM_SECONDS", 0.0)
    monkeypatch.setattr(index_module, "trim", given_back.set)
    watcher = threading.Thread(target=shop_index.watch, args=(stop,))
    watcher.start()
    assert given_back.wait(10)
    stop.set()
    watcher.join(10)


def test_incremental_level_equals_one_from_scratch(
    engine: Engine, shop_index: Index, vectors: VectorStore, encoders: list[Encoder]
) -> None:
    publish_opening(engine)
    shop_index.bring_level()
    take_down(engine, "refund-time")
    shop_index.bring_level()
    with transaction(engine) as session:
        published(session, "delivery-costs", replace(DELIVERY_COSTS, title="Prices"))
    grown, scratch = shop_index.bring_level(), Index(engine, vectors, encoders)
    assert grown.documents == scratch.bring_level().documents
    assert findings(shop_index, grown) == findings(scratch, scratch.bring_level())


def test_level_keeps_no_rows_but_those_of_its_own_shelf(engine: Engine, shop_index: Index) -> None:
    publish_opening(engine)
    shop_index.bring_level()
    take_down(engine, "refund-time")
    level = shop_index.bring_level()
    for view in level.shelf(PUBLIC).views:
        rows = level.vectors[view.encoder.name].values()
        assert all(row.base is None or row.base is view.vectors for row in rows)
        assert any(row.base is view.vectors for row in rows)


def test_old_level_goes_without_the_garbage_collector(engine: Engine, shop_index: Index) -> None:
    publish_opening(engine)
    level = shop_index.bring_level()
    gone = [weakref.ref(part) for part in (level, level.shelf(PUBLIC))]
    gc.disable()
    try:
        take_down(engine, "opening-hours")
        del level
        shop_index.bring_level()
        assert [part() for part in gone] == [None, None]
    finally:
        gc.enable()


def test_index_that_rests_finds_the_same_and_follows_history(
    engine: Engine, small_index: Index
) -> None:
    before = findings(small_index, small_index.bring_level())
    small_index.rest()
    assert findings(small_index, small_index.bring_level()) == before
    publish_opening(engine)
    assert asked(engine, small_index, "are you open on sunday").matches[0].slug == "opening-hours"


def test_empty_store_finds_nothing_and_fills(engine: Engine, index: Index) -> None:
    assert asked(engine, index, "where is my refund").matches == ()
    with transaction(engine) as session:
        shop(session)
    assert asked(engine, index, "where is my refund").matches[0].slug == "refund-time"


def test_store_for_agents_only_shows_the_public_nothing(engine: Engine, index: Index) -> None:
    with transaction(engine) as session:
        published(session, "goodwill-credit", GOODWILL)
    assert asked(engine, index, "how much goodwill may I give").matches == ()


def test_many_new_texts_are_embedded_behind_the_live_level(
    engine: Engine, small_index: Index, faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "INLINE_LIMIT", 0)
    before = small_index._level
    faulty.may_go_on.clear()
    publish_opening(engine)
    with Session(engine) as session:
        assert small_index.level(session) == (before, False)
    faulty.may_go_on.set()
    small_index.close()
    assert "opening-hours" in slugs(small_index._level)


# -- crashes ---------------------------------------------------------------------------


def test_start_after_a_crash_meets_what_was_published(
    engine: Engine, shop_index: Index, vectors: VectorStore, encoders: list[Encoder]
) -> None:
    publish_opening(engine)
    restarted = Index(engine, vectors, encoders)
    restarted.bring_level()
    assert asked(engine, restarted, QUESTIONS[3]).matches[0].slug == "opening-hours"


def test_lost_vectors_are_made_again_at_the_next_start(
    engine: Engine, small_index: Index, vectors: VectorStore, faulty: Faulty
) -> None:
    whole = findings(small_index, small_index.bring_level())
    keys = [t.key for d in small_index.bring_level().documents for t in d.texts]
    vectors._collection(faulty).delete(ids=keys[::2])
    restarted = Index(engine, vectors, [faulty])
    assert findings(restarted, restarted.bring_level()) == whole
    assert set(vectors.fetch(faulty, keys)) == set(keys)


def test_level_after_a_restart_has_the_bits_of_the_one_before(
    engine: Engine, small_index: Index, vectors: VectorStore, faulty: Faulty
) -> None:
    restarted = Index(engine, vectors, [faulty])
    before, after = small_index.bring_level(), restarted.bring_level()
    for one, two in (
        (before.vectors[faulty.name], after.vectors[faulty.name]),
        (before.backgrounds[faulty.name].vectors, after.backgrounds[faulty.name].vectors),
    ):
        assert one.keys() == two.keys()
        assert all(np.array_equal(one[key], two[key]) for key in one)


def test_start_forgets_the_vectors_of_texts_that_are_gone(
    engine: Engine, small_index: Index, vectors: VectorStore, faulty: Faulty
) -> None:
    gone = [d for d in small_index.bring_level().documents if d.slug == "refund-time"]
    keys = [text.key for document in gone for text in document.texts]
    take_down(engine, "refund-time")
    restarted = Index(engine, vectors, [faulty])
    restarted.start()
    assert vectors.fetch(faulty, keys) == {}
    assert asked(engine, restarted, "postage price?").matches[0].slug == "delivery-costs"


def test_failed_embedding_leaves_the_old_level_answering(
    engine: Engine, small_index: Index, faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = small_index.bring_level()
    monkeypatch.setattr(index_module, "BATCH", 1)
    publish_opening(engine)
    faulty.fails_after = 2
    with pytest.raises(OSError, match="no space"):
        small_index.bring_level()
    assert small_index._level is before
    faulty.fails_after = None
    assert asked(engine, small_index, QUESTIONS[3]).matches[0].slug == "opening-hours"


def test_question_is_answered_while_new_texts_cannot_be_stored(
    engine: Engine, small_index: Index, vectors: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(vectors, "add", full)
    publish_opening(engine)
    assert asked(engine, small_index, "postage price?").matches[0].slug == "delivery-costs"


def test_rebuild_that_dies_halfway_is_finished_at_the_next_start(
    engine: Engine, small_index: Index, vectors: VectorStore, faulty: Faulty
) -> None:
    whole = findings(small_index, small_index.bring_level())
    faulty.fails_after = 2
    with pytest.raises(OSError, match="no space"):
        small_index.rebuild()
    faulty.fails_after = None
    restarted = Index(engine, vectors, [faulty])
    assert findings(restarted, restarted.bring_level()) == whole


def test_rebuilt_level_finds_the_same(small_index: Index) -> None:
    before = findings(small_index, small_index.bring_level())
    assert findings(small_index, small_index.rebuild()) == before


def test_what_is_published_during_a_rebuild_shows_during_it(
    engine: Engine, small_index: Index
) -> None:
    small_index.bring_level()
    seen: list[str] = []

    def midway(steps: Iterable[int], _label: str, _total: int) -> Iterable[int]:
        if not seen:
            publish_opening(engine)
            seen.append(asked(engine, small_index, QUESTIONS[3]).matches[0].slug)
        return steps

    level = small_index.rebuild(midway)
    assert seen == ["opening-hours"]
    assert "opening-hours" in slugs(level)


# -- another model ---------------------------------------------------------------------


def test_previous_model_answers_until_the_new_one_is_ready(
    engine: Engine, small_index: Index, vectors: VectorStore, encoders: list[Encoder]
) -> None:
    old = small_index.encoders
    changed = Index(engine, vectors, encoders)
    with changed._building:
        changed.start(previous=old)
        assert asked(engine, changed, "where is my refund").matches[0].slug == "refund-time"
        assert changed._level is not None
        assert changed._level.encoders == old
    changed.close()
    assert changed._level.encoders == tuple(encoders)
    assert asked(engine, changed, "where is my refund").matches[0].slug == "refund-time"
    assert vectors._collection(old[0]).count() == 0


def test_publication_shows_while_the_model_is_being_changed(
    engine: Engine, vectors: VectorStore, encoders: list[Encoder], small_index: Index
) -> None:
    new = Faulty(encoders[1])
    new.name = f"{small_index.encoders[0].name}-new"
    changed = Index(engine, vectors, [new])
    new.may_go_on.clear()
    changed.start(previous=small_index.encoders)
    publish_opening(engine)
    found: list[Findings] = []
    asking = threading.Thread(target=lambda: found.append(asked(engine, changed, QUESTIONS[3])))
    asking.start()
    asking.join(timeout=5)
    was_in_time = bool(found)
    new.may_go_on.set()
    asking.join()
    changed.close()
    assert was_in_time
    assert found[0].matches[0].slug == "opening-hours"


# -- many at once ----------------------------------------------------------------------


def test_nobody_is_told_an_older_version_than_is_live(engine: Engine, shop_index: Index) -> None:
    live, wrong, stop = [1], [], threading.Event()

    def keep_asking() -> None:
        while not stop.is_set():
            least = live[0]
            with Session(engine) as session:
                outcome = consider(
                    session, shop_index, "i forgot my password", ["en"], "en"
                ).outcome
                if not isinstance(outcome, Answered):
                    wrong.append(repr(outcome))
                elif outcome.words.revision.version < least:
                    wrong.append(f"{outcome.words.revision.version} after {least}")

    threads = [threading.Thread(target=keep_asking) for _ in range(6)]
    for thread in threads:
        thread.start()
    for version in range(2, 8):
        say_again(engine, version)
        live[0] = version
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def say_again(engine: Engine, version: int) -> None:
    """The next version of the password article goes live."""
    wording = replace(PASSWORD_RESET, answer=f"The link works for {version}0 minutes.")
    with transaction(engine) as session:
        assert published(session, "reset-password", wording).version == version


def test_many_first_questions_build_one_level(engine: Engine, small_index: Index) -> None:
    fresh = Index(engine, small_index.vectors, small_index.encoders)
    levels: list[Level] = []

    def ask_first() -> None:
        with Session(engine) as session:
            levels.append(fresh.level(session)[0])

    threads = [threading.Thread(target=ask_first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(level) for level in levels}) == 1
