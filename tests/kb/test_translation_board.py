"""How all translations stand, asked of the database once and kept level with history."""

import time
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Engine, event, insert
from sqlmodel import Session

from kb.articles import Article, Review, Revision
from kb.db import now, transaction
from kb.publishing import draft, publish, submit
from kb.translation_board import Cell, Wanted, translation_board
from tests.cast import DELIVERY_COSTS, REFUND_POLICY, approved, mina, published, tariq

SLUG = "delivery-costs"
NEWER = replace(DELIVERY_COSTS, answer="Delivery costs €4.95.")


def cell(session: Session, locale: str = "it", slug: str = SLUG) -> Cell:
    (row,) = [r for r in translation_board(session).find(Wanted()) if r.slug == slug]
    return row.cells[locale]


def test_a_translation_goes_from_missing_to_current_to_outdated(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, DELIVERY_COSTS)
        assert cell(session) == Cell("missing", None, False)
        revision = draft(session, SLUG, "it", DELIVERY_COSTS, tariq(session))
        assert cell(session) == Cell("draft", 1, False)
        submit(session, revision, tariq(session))
        assert cell(session) == Cell("in_review", 1, False)
        published(session, SLUG, DELIVERY_COSTS, "it")
        assert cell(session) == Cell("current", 2, False)
        published(session, SLUG, NEWER)
        assert cell(session) == Cell("outdated", 2, True)
        assert "en" not in translation_board(session).find(Wanted())[0].cells


def test_a_draft_of_an_outdated_translation_says_both(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, DELIVERY_COSTS)
        published(session, SLUG, NEWER)
        draft(session, SLUG, "fa", DELIVERY_COSTS, tariq(session), source_version=1)
        assert cell(session, "fa") == Cell("draft", 1, True)


def test_the_clock_makes_translations_outdated_too(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, DELIVERY_COSTS)
        published(session, SLUG, DELIVERY_COSTS, "it")
        newer = approved(session, SLUG, NEWER)
        publish(session, newer, mina(session), at=now() + timedelta(seconds=0.3))
        assert cell(session).state == "current"
        time.sleep(0.35)
        assert cell(session).state == "outdated"


def test_articles_are_narrowed_by_language_state_category_and_words(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, DELIVERY_COSTS)
        published(session, "refund-time", REFUND_POLICY)
        published(session, SLUG, DELIVERY_COSTS, "it")
        board = translation_board(session)

        def slugs(**wanted: str) -> list[str]:
            return [row.slug for row in board.find(Wanted(**wanted))]

        assert slugs(locale="it", state="missing") == ["refund-time"]
        assert slugs(category="delivery") == [SLUG]
        assert slugs(search="YOUR MONEY") == ["refund-time"]
        assert slugs(locale="it", state="outdated") == []
        counts = board.counts(["it", "ko"])
        assert (counts["it"]["current"], counts["ko"]["missing"]) == (1, 2)


def test_a_thousand_articles_are_few_queries_and_after_that_hardly_any(engine: Engine) -> None:
    with transaction(engine) as session:
        person = tariq(session)
        session.flush()
        shared = {"audience": "public", "owner": "", "sha256": "", "answer_sha256": ""}
        shared |= {"title": "T", "answer": "A", "body": "", "category": "c", "version": 1}
        made = {"created_at": now(), "author_id": person.id} | shared
        numbers = range(1, 1_001)
        articles = [
            {"id": n, "slug": f"a-{n}", "source_locale": "en", "created_at": now()} for n in numbers
        ]
        session.execute(insert(Article), articles)
        places = [(n, code) for n in numbers for code in ("en", "zh", "ko", "fa", "it")]
        revisions = [
            {"article_id": n, "locale": code, "source_version": 1} | made for n, code in places
        ]
        session.execute(insert(Revision), revisions)
        session.execute(
            insert(Review),
            [
                {
                    "revision_id": id_,
                    "verdict": "adopted",
                    "by_id": person.id,
                    "at": now(),
                    "note": "",
                }
                for id_ in range(1, 5_001)
            ],
        )
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    with Session(engine) as session:
        translation_board(session)
        assert len(asked) <= 6
        draft(session, "a-77", "it", DELIVERY_COSTS, tariq(session))
        began, before = time.perf_counter(), len(asked)
        board = translation_board(session)
        counts, found = board.counts(["it"]), board.find(Wanted("it", "draft"))
        assert [row.slug for row in found] == ["a-77"]
        assert counts["it"]["current"] == 999
        assert len(asked) - before <= 16
        assert time.perf_counter() - began < 3
