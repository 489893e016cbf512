"""A store puts its own phrasings to itself, each as if it were not there."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from kb.db import transaction
from retriever import general as general_module
from retriever import index as index_module
from retriever.bars import BarBook, Bars, teaching
from retriever.calibration import Bar
from retriever.embeddings import Encoder
from retriever.general import as_asked
from retriever.index import Index, Level
from retriever.lessons import Lesson, LessonBook, Taken
from retriever.ranking import Absent, Asked, rank
from retriever.rehearsal import Rehearsal
from retriever.search import find_at
from retriever.shelf import Shelf
from retriever.vectors import VectorStore
from tests.cast import PASSWORD_RESET, REFUND_POLICY, published

TELLING = replace(PASSWORD_RESET, phrasings=tuple(f"reset my password {n}" for n in range(40)))
# A bar as another release kept it.
DATED = '{"0.05 a state": {"en": {"from": 0.9}}}'
CLEAR = replace(REFUND_POLICY, phrasings=tuple(f"money back after {n} days" for n in range(40)))


@pytest.fixture
def book(tmp_path: Path) -> BarBook:
    """An empty book."""
    return BarBook(tmp_path / "bars.json", 0.05)


@pytest.fixture
def learner(engine: Engine, vectors: VectorStore, encoders: list[Encoder], book: BarBook) -> Index:
    """The index of a store with two articles of forty phrasings each, rehearsed."""
    with transaction(engine) as session:
        published(session, "reset-password", TELLING)
        published(session, "refund-time", CLEAR)
    index = Index(engine, vectors, encoders, book)
    index.bring_level()
    index.rehearse()
    return index


def level_of(engine: Engine, index: Index) -> Level:
    with Session(engine) as session:
        return index.level(session)[0]


def question_of(shelf: Shelf, row: int) -> Asked:
    vectors = tuple(view.vectors[np.searchsorted(view.rows, row)] for view in shelf.views)
    return Asked("en", shelf.texts[row].tokens, vectors)


def test_absent_texts_say_nothing(engine: Engine, learner: Index) -> None:
    shelf = level_of(engine, learner).shelf("public")
    row = next(n for n, text in enumerate(shelf.texts) if text.source == "phrasing")
    absent = Absent(np.array([row], np.int32), shelf.heads)
    seen = rank(shelf, question_of(shelf, row))
    unseen = rank(shelf, question_of(shelf, row), absent)
    assert seen.evidence.cosines[:, row].min() > 0.99
    assert unseen.evidence.cosines[:, row].max() == -1
    assert unseen.evidence.words[row] == 0
    assert unseen.confidence < seen.confidence


def test_absent_article_is_not_ranked_first(engine: Engine, learner: Index) -> None:
    shelf = level_of(engine, learner).shelf("public")
    row = next(n for n, text in enumerate(shelf.texts) if text.source == "phrasing")
    place = shelf.labels[row]
    gone = np.arange(shelf.bounds[place], shelf.bounds[place + 1], dtype=np.int32)
    found = rank(shelf, question_of(shelf, row), Absent(gone, shelf.heads))
    assert found.articles[0] != shelf.article_ids[place]


def test_one_question_in_four_has_no_answer(engine: Engine, learner: Index) -> None:
    level = level_of(engine, learner)
    general = as_asked(level.encoders, level.backgrounds, {})
    found = Rehearsal(level.shelf("public"), level.states, general).rehearse("en")
    assert len(found) == 80 + 13 + 13
    assert not any(rehearsed.is_right for rehearsed in found[80:])
    assert sum(rehearsed.is_right for rehearsed in found[:80]) >= 75


def test_rehearsal_is_the_same_every_time(engine: Engine, learner: Index) -> None:
    level = level_of(engine, learner)
    general = as_asked(level.encoders, level.backgrounds, {})
    once, again = (
        Rehearsal(level.shelf("public"), level.states, general).rehearse("en") for _ in range(2)
    )
    assert once == again


def test_lost_tokens_of_general_questions_are_made_again(
    engine: Engine, learner: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    few = {"en": ("what is the weather", "tell me a joke")}
    monkeypatch.setattr(general_module, "general_questions", lambda: few)
    monkeypatch.setattr(learner.vectors.states, "fetch", lambda *_: {})
    monkeypatch.setattr(learner, "_add_states", lambda _, keyed: made.extend(keyed) or {})
    learner._general(level_of(engine, learner))
    assert len(made) == 2


def test_learned_bar_decides(engine: Engine, learner: Index) -> None:
    level = level_of(engine, learner)
    question = "i want to reset my password"
    found = find_at(None, level, question, "en", "public", 3)
    for confidence, may_answer in ((found.confidence, True), (found.confidence + 0.001, False)):
        moved = replace(level, bars={"en": Bar(confidence, 100, 50, 1)})
        assert find_at(None, moved, question, "en", "public", 3).may_answer is may_answer


def test_too_few_phrasings_leave_the_shipped_bars(engine: Engine, learner: Index) -> None:
    with transaction(engine) as session:
        published(session, "refund-time", replace(CLEAR, title="Il rimborso"), "it")
    learner.bring_level()
    learner.rehearse()
    assert set(level_of(engine, learner).bars) == {"en", "it"}
    few = replace(CLEAR, title="多久退款", phrasings=("退款", "钱"))
    with transaction(engine) as session:
        published(session, "refund-time", few, "zh")
    learner.bring_level()
    learner.rehearse()
    assert set(level_of(engine, learner).bars) == {"en", "it"}


def test_new_level_keeps_the_old_bars_until_it_has_its_own(engine: Engine, learner: Index) -> None:
    before = level_of(engine, learner)
    with transaction(engine) as session:
        published(session, "refund-time", replace(CLEAR, answer="Within 4 days."))
    after = learner.bring_level()
    assert before.is_rehearsed
    assert not after.is_rehearsed
    assert after.bars == before.bars
    learner.rehearse()
    assert level_of(engine, learner).is_rehearsed


def test_rebuilt_level_keeps_the_bars(
    learner: Index, vectors: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "prune", lambda *_: 0)
    before = learner.bars
    assert before
    assert learner.rebuild().bars == before


def test_previous_model_answers_with_its_own_bars(
    engine: Engine, learner: Index, book: BarBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = Index(engine, learner.vectors, learner.encoders[:1], book)
    monkeypatch.setattr(changed, "_build_behind", lambda _: None)
    changed.start(previous=learner.encoders)
    assert changed.bars == learner.bars


# -- behind a live level -----------------------------------------------------------------


@pytest.fixture
def watched(learner: Index, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The learner, followed by its watcher in small steps; set, the event stops it."""
    monkeypatch.setattr(index_module, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(index_module, "QUIET_SECONDS", 0.3)
    monkeypatch.setattr(index_module, "RETRY_SECONDS", 0.1)
    stop = threading.Event()
    watcher = threading.Thread(target=learner.watch, args=(stop,))
    watcher.start()
    yield stop
    stop.set()
    watcher.join()


def change(engine: Engine, days: int) -> None:
    with transaction(engine) as session:
        published(session, "refund-time", replace(CLEAR, title=f"Money in {days} days"))


def becomes(holds: Callable[[], object]) -> bool:
    """Whether something comes true before long."""
    until = time.monotonic() + 60
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(holds())


def test_bars_are_learned_behind_without_a_question(
    engine: Engine, learner: Index, watched: threading.Event
) -> None:
    epoch = learner.epoch
    change(engine, 4)
    assert becomes(lambda: learner.epoch > epoch and learner._level.is_rehearsed)


def test_series_of_publications_teaches_once(
    engine: Engine, learner: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    later, taught = iter((5, 6)), list[int]()

    class Busy(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            for days in later:
                change(engine, days)
                learner.bring_level()
                return False
            return False

    def lesson(*_: object) -> Lesson:
        taught.append(learner.epoch)
        return Lesson(40)

    monkeypatch.setattr(Rehearsal, "lesson", lesson)
    change(engine, 4)
    learner.bring_level()
    learner._learn_when_quiet(Busy())
    assert taught == [learner.epoch]


def test_store_with_few_phrasings_has_nothing_to_prepare(
    engine: Engine, index: Index, book: BarBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as session:
        published(session, "reset-password", PASSWORD_RESET)
        published(session, "refund-time", REFUND_POLICY)
    index.bring_level()
    monkeypatch.setattr(Index, "_states", lambda *_: pytest.fail("tokens were looked up"))
    index._book = book
    index.rehearse()
    assert index.bars == {}


def test_bar_of_a_model_that_learned_the_phrasings_comes_from_its_exam(
    learner: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, before = learner.encoders[1], teaching([], learner.encoders)
    monkeypatch.setattr(trained, "learned", frozenset({"en"}), raising=False)
    monkeypatch.setattr(Rehearsal, "lesson", lambda *_: pytest.fail("it was rehearsed"))
    told = ((0.9, True),) * 60 + ((0.8, False),) * 40
    monkeypatch.setattr(trained, "exam", {"en": told}, raising=False)
    learner._level = replace(learner.bring_level(), is_rehearsed=False)
    learner.rehearse()
    assert learner.bars == {"en": Bar(0.9, 100, 60, 0)}
    lessons = learner.lessons()
    assert lessons
    assert lessons.locales["en"].is_trained
    assert teaching([], learner.encoders) != before


def test_failure_to_learn_is_tried_again(
    engine: Engine, learner: Index, watched: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError("no memory")])

    def lesson(*_: object) -> Lesson:
        for failure in failures:
            raise failure
        return Lesson(40)

    monkeypatch.setattr(Rehearsal, "lesson", lesson)
    change(engine, 4)
    assert becomes(lambda: learner.bars == {} and learner._level.is_rehearsed)


def test_learning_ends_when_the_watcher_stops_or_history_moves_on(
    engine: Engine, learner: Index, watched: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def endless(rehearsal: Rehearsal, *_: object) -> None:
        begun.append(learner.epoch)
        while True:
            rehearsal._breathe()

    monkeypatch.setattr(Rehearsal, "lesson", endless)
    change(engine, 4)
    assert becomes(lambda: len(begun) == 1)
    change(engine, 5)
    assert becomes(lambda: len(begun) == 2)
    watched.set()
    assert becomes(lambda: not learner._learner.is_alive())
    assert begun[0] < begun[1]
    assert not learner._level.is_rehearsed


# -- the book --------------------------------------------------------------------------


def never() -> Bars:
    raise AssertionError("it was learned before")


def test_what_was_learned_is_not_learned_again(book: BarBook) -> None:
    bars = {"en": Bar(0.9, 100, 50, 1)}
    assert book.bars("a state", lambda: bars) == bars
    assert book.bars("a state", never) == bars
    assert book.latest() == bars


def test_restart_finds_the_bars(engine: Engine, learner: Index, book: BarBook) -> None:
    level = level_of(engine, learner)
    assert book.bars(teaching(level.documents, level.encoders), never) == level.bars


@pytest.mark.parametrize("text", ["{half", "[]", "7", '{"0.05 a state": 7}', DATED, "\0"])
def test_damaged_book_is_begun_anew(book: BarBook, tmp_path: Path, text: str) -> None:
    (tmp_path / "bars.json").write_text(text)
    assert book.latest() is None
    assert book.bars("a state", dict) == {}
    assert book.bars("a state", never) == {}


@pytest.mark.parametrize("name", ["bars.json", "bars.new", "bars.json.lock"])
def test_book_that_cannot_be_kept_teaches_all_the_same(
    book: BarBook, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    bars = {"en": Bar(0.9, 100, 50, 1)}
    assert book.bars("a state", lambda: bars) == bars


def test_latest_is_what_was_found_last(book: BarBook) -> None:
    assert book.latest() is None
    bars = {name: {"en": Bar(0.9, 100, n, 1)} for n, name in enumerate("ab")}
    for name in "aba":
        book.bars(name, lambda name=name: bars[name])  # type: ignore[misc]
    assert book.latest() == bars["a"]


def test_book_keeps_what_other_shares_taught_apart(book: BarBook, tmp_path: Path) -> None:
    stricter = BarBook(tmp_path / "bars.json", 0.02)
    book.bars("a state", dict)
    assert stricter.latest() is None
    stricter.bars("a state", lambda: {"en": Bar(0.9, 100, 50, 1)})
    assert book.bars("a state", never) == {}


def test_processes_with_one_book_learn_once(tmp_path: Path) -> None:
    lessons: list[int] = []

    def learn() -> Bars:
        lessons.append(1)
        time.sleep(0.1)
        return {"en": Bar(0.9, 100, 50, 1)}

    books = [BarBook(tmp_path / "bars.json", 0.02) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda book: book.bars("a state", learn), books))
    assert len(lessons) == 1
    assert all(bars == found[0] for bars in found)


def test_lessons_say_what_other_promises_would_cost(learner: Index) -> None:
    lessons, bars = learner.lessons(), learner.bars
    assert lessons
    assert bars
    english = lessons.locales["en"]
    assert english.phrasings == 80
    assert english.bar(0.05) == bars["en"]
    assert english.bar(0.005) is None
    assert english.bar(0.1).answered >= english.bar(0.05).answered >= english.bar(0.02).answered  # type: ignore[union-attr]


def test_phrasing_that_another_article_takes_is_named(engine: Engine, learner: Index) -> None:
    stray = "when do I get my money back"
    with transaction(engine) as session:
        published(
            session, "reset-password", replace(TELLING, phrasings=(*TELLING.phrasings, stray))
        )
    learner.bring_level()
    learner.rehearse()
    lessons = learner.lessons()
    assert lessons
    taken = {t.text: t for t in lessons.locales["en"].taken}
    assert (taken[stray].slug, taken[stray].by) == ("reset-password", "refund-time")
    assert taken[stray].by_title == CLEAR.title


def test_few_phrasings_are_counted_and_show_a_weaker_promise(
    engine: Engine, index: Index, book: BarBook
) -> None:
    few = {"zh": replace(CLEAR, title="多久退款", phrasings=("退款", "钱"))}
    few["en"] = replace(TELLING, phrasings=TELLING.phrasings[:10])
    with transaction(engine) as session:
        for locale, wording in few.items():
            published(session, "reset-password", wording, locale)
    index._book = book
    index.bring_level()
    index.rehearse()
    assert index.bars == {}
    lessons = index.lessons()
    assert lessons
    assert lessons.locales["zh"] == Lesson(2)
    assert lessons.locales["en"].bar(0.05) is None
    assert lessons.locales["en"].bar(0.1)


def test_lessons_are_kept_as_they_were_learned(tmp_path: Path) -> None:
    taken = Taken("退款?", "refund-time", "退款", "delivery", "配送", 0.91)
    lesson = Lesson(52, bars={0.02: Bar(0.9, 70, 30, 1), 0.005: None}, taken=(taken,))
    kept = LessonBook(tmp_path / "lessons.json")
    for number in range(9):
        kept.keep(f"state {number}", {"zh": lesson, "fa": Lesson(60, is_trained=True)})
    found = kept.of("state 8")
    assert found
    assert found.locales == {"zh": lesson, "fa": Lesson(60, is_trained=True)}
    assert kept.of("state 2") is None


@pytest.mark.parametrize("text", ["{half", "[]", "7", '{"a state": {"learned_at": "noon"}}', "\0"])
def test_damaged_lessons_are_lost_and_nothing_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "lessons.json").write_text(text)
    kept = LessonBook(tmp_path / "lessons.json")
    assert kept.of("a state") is None
    kept.keep("a state", {"en": Lesson(3)})
    found = kept.of("a state")
    assert found
    assert found.locales["en"].phrasings == 3


def test_old_states_are_forgotten(book: BarBook) -> None:
    for number in range(30):
        book.bars(f"state {number}", dict)
    with pytest.raises(AssertionError):
        book.bars("state 5", never)
    assert book.bars("state 15", never) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: replace(d, texts=d.texts[1:]),
        lambda d: replace(d, audience="agents"),
        lambda d: replace(d, slug="another"),
        lambda d: replace(d, texts=(d.texts[0], replace(d.texts[1], source="heading"))),
    ],
)
def test_any_change_of_what_can_be_found_teaches_anew(
    engine: Engine, learner: Index, change: Callable[..., object]
) -> None:
    level = level_of(engine, learner)
    documents = [replace(d, texts=d.texts[:2]) for d in level.documents]
    before = teaching(documents, level.encoders)
    assert teaching(documents[::-1], level.encoders) == before
    assert teaching([change(documents[0]), *documents[1:]], level.encoders) != before  # type: ignore[list-item]


def test_other_general_questions_teach_anew(
    engine: Engine, learner: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    level = level_of(engine, learner)
    before = teaching(level.documents, level.encoders)
    monkeypatch.setattr(
        general_module, "general_questions", lambda: {"en": ("what is the weather",)}
    )
    assert teaching(level.documents, level.encoders) != before
