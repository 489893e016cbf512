"""What came of questions, counted so that it can be checked by hand."""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.evaluation import Verdict, evaluate, figures, shortfall
from assistant.question_file import Row
from assistant.receipts import Receipt
from retriever.index import Index


def verdict(
    expected: str, said: str | None, *found: str, in_scope: float = 0.5, locale: str | None = "en"
) -> Verdict:
    row = Row("q", frozenset(expected.split()), locale)
    return Verdict(row, "answered" if said else "abstained", found, said, in_scope, in_scope)


def test_figures_count_as_a_person_would() -> None:
    found = figures(
        [
            verdict("a", "a", "a", in_scope=0.9),
            verdict("a", "b", "b", "c", "a", in_scope=0.8),
            verdict("a c", None, "c", "b", in_scope=0.4),
            verdict("a", None, in_scope=0.1),
            verdict("", "a", "a", in_scope=0.6),
            verdict("", None, "a", in_scope=0.2),
        ]
    )
    assert (found["questions"], found["answerable"], found["unanswerable"]) == (6, 4, 2)
    assert (found["accuracy"], found["among_first_three"], found["answered"]) == (0.5, 0.75, 0.5)
    assert (found["right_among_answered"], found["unanswerable_answered"]) == (0.5, 0.5)
    assert found["auroc"] == 0.625


def test_figures_of_nothing_are_none() -> None:
    found = figures([])
    assert found["questions"] == 0
    assert {found[k] for k in ("accuracy", "answered", "right_among_answered", "auroc")} == {None}


def test_an_answer_counts_as_wrong_wherever_it_was_not_expected() -> None:
    found = figures(
        [verdict("a", "a", "a"), verdict("a", "b", "b"), verdict("", "a", "a"), verdict("", None)]
    )
    assert (found["answers"], found["wrong_answers"], found["coverage"]) == (3, 2, 0.75)
    assert found["wrong_rate"] == 0.6667
    assert found["wrong_rate_interval"] == (0.0943, 0.9916)


def test_agreement_is_counted_in_pairs() -> None:
    found = figures(
        [
            verdict("a", "a", "a"),
            verdict("a", "a", "a"),
            verdict("a", None, "a"),
            verdict("a", "a", "a", locale="it"),
            verdict("b", "a", "a"),
            verdict("", "a", "a"),
        ]
    )
    assert found["paraphrases"] == {"pairs": 3, "same_reply": 0.3333, "same_first": 1.0}
    assert found["languages"] == {"pairs": 3, "same_reply": 0.6667, "same_first": 1.0}


def test_questions_of_no_locale_are_not_another_language() -> None:
    found = figures([verdict("a", "a", "a"), verdict("a", "a", "a", locale=None)])
    assert found["languages"]["pairs"] == 0


def test_missed_bars_are_told_in_one_line() -> None:
    found = figures([verdict("a", "b", "b"), verdict("a", "a", "a"), verdict("a", None)])
    assert shortfall(found) == shortfall(found, 0.5, 0.6) == ""
    assert shortfall(found, max_wrong=0.02, min_coverage=0.7) == (
        "1 of 2 answers are wrong (50.0%, allowed 2.0%); "
        "2 of 3 questions are answered (66.7%, wanted 70.0%)"
    )


def test_silence_is_never_wrong_but_covers_nothing() -> None:
    silent = figures([verdict("a", None)])
    assert shortfall(silent, max_wrong=0) == ""
    assert shortfall(silent, min_coverage=0.1).startswith("0 of 1 questions are answered")


@pytest.fixture
def report(engine: Engine, shop_index: Index) -> dict[str, Any]:
    """Three questions to the cast's shop, one of them with a wrong expectation."""
    rows = [
        Row("where is my refund", frozenset({"refund-time"}), "en"),
        Row("i forgot my password", frozenset({"delivery-costs"}), "en", "near_miss"),
        Row("what is the capital of peru", frozenset()),
    ]
    with Session(engine) as session:
        made = evaluate(session, shop_index, rows, ["en", "it"])
        assert not session.exec(select(Receipt)).all()
    return made


def test_evaluation_counts_by_locale_and_writes_no_receipts(report: dict[str, Any]) -> None:
    assert report["all"]["questions"] == 3
    assert report["locales"]["en"]["right_among_answered"] == 0.5
    assert report["locales"]["–"]["unanswerable_answered"] == 0


def test_evaluation_says_what_is_promised(report: dict[str, Any]) -> None:
    assert report["silence"] == {"max_wrong": None, "learned": False, "locales": {}}


def test_wrong_answers_are_listed(report: dict[str, Any]) -> None:
    (wrong,) = report["wrong"]
    assert (wrong["answered"], wrong["expected"]) == ("reset-password", ["delivery-costs"])
    assert (report["all"]["wrong_rate"], report["all"]["coverage"]) == (0.5, 0.6667)


def test_every_question_has_its_record(report: dict[str, Any]) -> None:
    refund, password, peru = report["questions"]
    assert (refund["said"], refund["right"], refund["kind"]) == ("refund-time", True, None)
    assert (password["first_three"][0], password["right"]) == ("reset-password", False)
    assert (peru["expected"], peru["outcome"], peru["right"]) == ([], "abstained", True)
    assert 0 <= refund["confidence"] <= 1


def test_named_articles_come_with_title_and_phrasings(report: dict[str, Any]) -> None:
    found = report["articles"]["refund-time"]
    assert found == {"title": "When you get your money back", "phrasings": {"en": 3}}
    assert list(report["articles"]) == sorted(report["articles"])


def test_kinds_have_figures_of_their_own(report: dict[str, Any]) -> None:
    assert list(report["kinds"]) == ["near_miss"]
    assert report["kinds"]["near_miss"]["wrong_answers"] == 1
