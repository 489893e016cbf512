"""What a publication would change is what it then changes."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

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
from kb.db import now, reading, transaction
from kb.publishing import publish, withdraw
from retriever.index import Index
from tests.cast import REFUND_POLICY, SENDING_BACK, approved, mina

LOCALES = ["en", "it"]
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


def impact_of(session: Session, index: Index, *revisions: Revision) -> Impact:
    level, _ = index.level(session)
    after = index.imagine(level, [session.merge(revision) for revision in revisions])
    recorded = recorded_questions(session, LOCALES)
    return replay(session, index, (level, after), recorded, LOCALES)


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


def test_questions_older_than_thirty_days_do_not_count(engine: Engine, shop_index: Index) -> None:
    with transaction(engine) as session:
        note(session, shop_index, *ASKED[:2], ASKED[0])
    with reading(engine) as session:
        assert recorded_questions(session, LOCALES)[0] == Recorded(ASKED[0], "en", "public", 2)
        later = now().replace(year=now().year + 1)
        assert recorded_questions(session, LOCALES, later) == []
