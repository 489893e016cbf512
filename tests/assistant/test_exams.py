"""A store asked what was taken out of it."""

import pytest

from assistant.exams import GENERAL, LEFT_OUT, exam_of, hold_out
from assistant.question_file import Row
from kb.errors import Invalid
from retriever.general import general_questions
from retriever.texts import Document, Text

DOCUMENTS = [
    Document(
        n, f"article-{n}", n, "en", 1, "public", "a", f"Article {n}",
        (
            Text("title", f"Article {n}", "en"),
            *(Text("phrasing", f"question {m} about {n}", "en") for m in range(n % 4 + 3)),
        ),
    )
    for n in range(20)
]  # fmt: skip


def test_what_is_asked_is_not_held_and_the_same_every_time() -> None:
    exam = hold_out(DOCUMENTS, ["en"])
    held = {text.text for document in exam.documents for text in document.texts}
    assert held.isdisjoint(row.question for row in exam.rows)
    assert exam.rows == hold_out(DOCUMENTS, ["en"]).rows


def test_two_articles_of_twenty_are_left_out_whole() -> None:
    exam = hold_out(DOCUMENTS, ["en"])
    kept = {document.slug for document in exam.documents}
    assert len(kept) == 18
    assert all(row.expected <= kept for row in exam.rows)
    assert any(row.kind == LEFT_OUT for row in exam.rows)


def test_articles_with_few_phrasings_keep_them() -> None:
    exam = hold_out(DOCUMENTS, ["en"])
    asked = {slug for row in exam.rows for slug in row.expected}
    poor = {d.slug for d in exam.documents if d.article_id % 4 == 0}
    assert asked == {d.slug for d in exam.documents} - poor


def test_general_questions_are_asked_or_learned_from() -> None:
    exam = hold_out(DOCUMENTS, ["en"])
    asked = {row.question for row in exam.rows if row.kind == GENERAL}
    assert asked.isdisjoint(exam.general["en"])
    assert asked | set(exam.general["en"]) == set(general_questions()["en"])
    assert exam.general["it"] == general_questions()["it"]


def test_other_languages_are_held_but_not_asked() -> None:
    assert all(row.kind == GENERAL for row in hold_out(DOCUMENTS, ["it"]).rows)


def test_file_sets_the_exam_but_for_phrasings_word_for_word() -> None:
    rows = [
        Row("Question 0 about 1", frozenset({"article-1"})),
        Row("something else", frozenset({"article-1"})),
    ]
    exam = exam_of(DOCUMENTS, rows, "en")
    assert [(row.question, row.locale) for row in exam.rows] == [("something else", "en")]
    with pytest.raises(Invalid, match="no question is left"):
        exam_of(DOCUMENTS, rows[:1], "en")
