"""What a publication would change is what it then changes."""

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant import impact as impact_module
from assistant.answering import ask, consider
from assistant.impact import (
    Impact,
    Kind,
    Named,
    Recorded,
    Told,
    compare,
    recorded_questions,
    replay,
    told_of,
)
from kb.articles import Revision, find_article
from kb.db import now, open_engine, reading, transaction
from kb.publishing import publish, withdraw
from retriever.index import Index, Level
from retriever.replay import find_many
from retriever.search import Findings
from tests.cast import REFUND_POLICY, SENDING_BACK, approved, mina, silence
from web.services import Services

LOCALES = ["en", "it"]
SPOKEN = ["en", "zh", "ko", "fa", "it"]
ASKED = [
    "I forgot my password",
    "how do I return this",
    "the shoes have the wrong size, what now",
    "how long until I have my money back",
    "how much goodwill may I give",
    "do you sell parrots",
    "!?",
]


def note(session: Session, index: Index, *questions: str, audience: str = "public") -> None:
    for question in questions:
        ask(session, index, question, LOCALES, "en", audience=audience)


def impact_of(
    session: Session, index: Index, *revisions: Revision, locales: list[str] = LOCALES
) -> Impact:
    level, _ = index.level(session)
    after = index.imagine(level, [session.merge(revision) for revision in revisions])
    recorded = recorded_questions(session, locales)
    return replay(session, index, (level, after), recorded, locales)


def told(session: Session, index: Index, audience: str = "public") -> dict[str, Told]:
    return {
        question: told_of(consider(session, index, question, LOCALES, "en", audience))
        for question in ASKED
    }


PASSWORD = Named("reset-password", "Reset your password", "en", 1)
REFUND = Named("refund-time", "When you get your money back", "en", 1)
SAID, SILENT = Told("answered", (PASSWORD,)), Told("abstained")
CHOICE = Told("clarify", (PASSWORD, REFUND))


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (SAID, SAID, Kind.unchanged),
        (SILENT, SAID, Kind.gained),
        (CHOICE, SAID, Kind.gained),
        (SAID, CHOICE, Kind.lost),
        (SAID, Told("answered", (REFUND,)), Kind.changed),
        (SAID, Told("answered", (replace(PASSWORD, version=2),)), Kind.words),
        (SAID, Told("answered", (replace(PASSWORD, locale="it"),)), Kind.words),
        (SILENT, CHOICE, Kind.asked_back),
        (CHOICE, Told("clarify", (PASSWORD, replace(REFUND, version=2))), Kind.unchanged),
    ],
)
def test_each_change_of_a_reply_has_its_name(before: Told, after: Told, kind: Kind) -> None:
    assert compare(before, after) is kind


def test_new_article_gains_its_questions_and_leaves_the_store_alone(
    engine: Engine, shop_index: Index
) -> None:
    with transaction(engine) as session:
        note(session, shop_index, *ASKED, ASKED[1])
        fresh = approved(session, "sending-back", SENDING_BACK)
    with reading(engine) as session:
        before = told(session, shop_index)
        impact = impact_of(session, shop_index, fresh)
        assert impact.counts["questions"] == len(ASKED) + 1
        assert impact.counts["gained"] >= 2
        assert told(session, shop_index) == before


@pytest.mark.parametrize("audience", ["public", "agents"])
def test_what_was_foretold_is_what_publishing_brings(
    engine: Engine, shop_index: Index, audience: str
) -> None:
    with transaction(engine) as session:
        note(session, shop_index, *ASKED, audience=audience)
        fresh = approved(session, "sending-back", SENDING_BACK)
        later = approved(session, "refund-time", replace(REFUND_POLICY, answer="In 2 days."))
    with reading(engine) as session:
        before = told(session, shop_index, audience)
        foretold = impact_of(session, shop_index, fresh, later)
    with transaction(engine) as session:
        for revision in (fresh, later):
            publish(session, session.merge(revision), mina(session))
    with reading(engine) as session:
        after = told(session, shop_index, audience)
    changed = {d.question.text: (d.before, d.after) for d in foretold.differences}
    assert changed == {q: (before[q], after[q]) for q in ASKED if before[q] != after[q]}
    assert {d.kind for d in foretold.differences} >= {Kind.gained, Kind.words}


def test_withdrawing_is_imagined_as_it_happens(engine: Engine, shop_index: Index) -> None:
    with reading(engine) as session:
        level, _ = shop_index.level(session)
        article = find_article(session, "refund-time")
        assert article
        assert article.id
        imagined = shop_index.imagine(level, withdraw=[(article.id, "en")])
    with transaction(engine) as session:
        withdraw(session, article, "en", mina(session))
    with reading(engine) as session:
        real, _ = shop_index.level(session)
    assert imagined.documents == real.documents
    for mine, theirs in zip(
        imagined.shelf("public").heads, real.shelf("public").heads, strict=True
    ):
        assert (mine.weights == theirs.weights).all()


def test_what_the_store_tells_today_is_worked_out_once(
    engine: Engine, shop_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as session:
        note(session, shop_index, *ASKED)
        fresh = approved(session, "sending-back", SENDING_BACK)
    levels: list[Level] = []

    def seen(vectors: object, level: Level, *rest: object) -> list[Findings]:
        levels.append(level)
        return find_many(vectors, level, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(impact_module, "find_many", seen)
    with reading(engine) as session:
        once, again = (impact_of(session, shop_index, fresh) for _ in range(2))
        today, _ = shop_index.level(session)
    assert once == again
    assert sum(level is today for level in levels) == 1
    assert len(levels) == 3


def test_questions_of_an_audit_are_nobodys(engine: Engine, shop_index: Index) -> None:
    with transaction(engine) as session:
        note(session, shop_index, ASKED[0])
        session.add(silence(question="an audit asks this", is_audit=True))
    with reading(engine) as session:
        assert [one.text for one in recorded_questions(session, LOCALES)] == [ASKED[0]]


# -- the sample company -------------------------------------------------------------------


@pytest.fixture
def company(sample: Services, tmp_path: Path) -> Iterator[tuple[Engine, Index]]:
    """The sample company's store to publish in; vectors belong to texts, so those are shared."""
    shutil.copy(sample.settings.home / "verbatim.db", tmp_path / "verbatim.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'verbatim.db'}")
    index = Index(engine, sample.index.vectors, sample.index.encoders)
    index.bring_level()
    yield engine, index
    engine.dispose()


def test_company_is_told_beforehand_what_publishing_brings(
    company: tuple[Engine, Index],
) -> None:
    engine, index = company
    asked = customers(12)
    # Another article's customers, so that replies change.
    greedy = tuple(text for text, locale in asked if locale == "en")[:4]
    with transaction(engine) as session:
        session.add_all(silence(question=text, locale=locale) for text, locale in asked)
        fresh = approved(session, "giving-back", replace(SENDING_BACK, phrasings=greedy))
    with reading(engine) as session:
        before = replies(session, index, asked)
        foretold = impact_of(session, index, fresh, locales=SPOKEN)
    with transaction(engine) as session:
        publish(session, session.merge(fresh), mina(session))
    with reading(engine) as session:
        after = replies(session, index, asked)
    changed = {
        (d.question.text, d.question.locale): (d.before, d.after) for d in foretold.differences
    }
    assert changed == {
        q: (before[q], after[q]) for q in asked if compare(before[q], after[q]) != "unchanged"
    }
    assert len(changed) >= len(greedy)


def customers(step: int) -> list[tuple[str, str]]:
    """Every so manieth of the customers' questions, in five languages."""
    with (Path(__file__).parents[1] / "questions.csv").open() as file:
        return [(row["question"], row["locale"]) for row in list(csv.DictReader(file))[::step]]


def replies(
    session: Session, index: Index, asked: list[tuple[str, str]]
) -> dict[tuple[str, str], Told]:
    """What customers are told now."""
    return {
        (text, locale): told_of(consider(session, index, text, SPOKEN, locale, "public"))
        for text, locale in asked
    }


def test_questions_older_than_thirty_days_do_not_count(engine: Engine, shop_index: Index) -> None:
    with transaction(engine) as session:
        note(session, shop_index, *ASKED[:2], ASKED[0])
    with reading(engine) as session:
        assert recorded_questions(session, LOCALES)[0] == Recorded(ASKED[0], "en", "public", 2)
        later = now().replace(year=now().year + 1)
        assert recorded_questions(session, LOCALES, later) == []
