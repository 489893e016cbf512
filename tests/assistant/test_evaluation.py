"""Questions from a file, and figures that can be checked by hand."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.evaluation import Row, Verdict, auroc, evaluate, figures, format_report, read_rows
from assistant.receipts import Receipt
from kb.errors import Invalid
from retriever.index import Index


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def verdict(expected: str, said: str | None, *found: str, in_scope: float = 0.5) -> Verdict:
    row = Row("q", frozenset(expected.split()), "en")
    return Verdict(row, "answered" if said else "abstained", found, said, in_scope, in_scope)


# -- reading ---------------------------------------------------------------------------


def test_jsonl_rows_hold_a_slug_a_list_or_nothing(tmp_path: Path) -> None:
    lines = [
        '{"question": "where is it", "expected": "track", "locale": "en"}',
        "",
        '{"question": "二", "expected": ["a", "b"]}',
        '{"question": "hi", "expected": null}',
        '{"question": "hi"}',
    ]
    rows = read_rows(written(tmp_path, "q.jsonl", "\n".join(lines)))
    assert rows[0] == Row("where is it", frozenset({"track"}), "en")
    assert [row.expected for row in rows[1:]] == [{"a", "b"}, set(), set()]


def test_csv_rows_part_their_slugs_by_bars(tmp_path: Path) -> None:
    text = '\ufeffquestion,locale,expected\n"one, two",it,a|b\n"say ""hi""",,\n'
    rows = read_rows(written(tmp_path, "q.csv", text))
    assert rows == [
        Row("one, two", frozenset({"a", "b"}), "it"),
        Row('say "hi"', frozenset(), None),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        "not json",
        "7",
        "[]",
        '{"question": ""}',
        '{"question": 5}',
        '{"expected": "a"}',
        '{"question": "q", "expected": 5}',
        '{"question": "q", "expected": [5]}',
        '{"question": "q", "locale": "de"}',
        '{"question": "q", "locale": 5}',
        '{"question": "q", "locale": ["en"]}',
    ],
)
def test_bad_jsonl_line_is_named(tmp_path: Path, bad: str) -> None:
    path = written(tmp_path, "q.jsonl", f'{{"question": "fine"}}\n\n{bad}\n')
    with pytest.raises(Invalid, match=r"q\.jsonl:3: "):
        read_rows(path)


@pytest.mark.parametrize(
    "before", ["fine,en,a\n", "\n", '"two\nlines",en,a\n'], ids=["row", "blank", "two lines"]
)
def test_bad_csv_line_is_named(tmp_path: Path, before: str) -> None:
    path = written(tmp_path, "q.csv", f"question,locale,expected\n{before}q,de,a\n")
    line = 2 + before.count("\n")
    with pytest.raises(Invalid, match=rf"q\.csv:{line}: unknown locale 'de'"):
        read_rows(path)


def test_huge_csv_field_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "q.csv", f"question,locale,expected\n{'x' * 200_000},en,a\n")
    with pytest.raises(Invalid, match=r"q\.csv"):
        read_rows(path)


@pytest.mark.parametrize("name", ["missing.jsonl", "folder.csv", "latin.jsonl"])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "latin.jsonl").write_bytes(b'{"question": "perch\xe9"}')
    with pytest.raises(Invalid, match=name):
        read_rows(tmp_path / name)


@pytest.mark.parametrize(("name", "text"), [("q.jsonl", ""), ("q.csv", "question,expected\n")])
def test_file_without_questions_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(Invalid, match="holds no questions"):
        read_rows(written(tmp_path, name, text))


# -- figures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("higher", "lower", "expected"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1.0),
        ([0.1], [0.2, 0.3], 0.0),
        ([0.5, 0.5], [0.5], 0.5),
        ([0.5, 0.9], [0.5, 0.7], 0.625),
        ([0.3, 0.6, 0.9], [0.2, 0.6], 0.75),
        ([], [0.5], None),
        ([0.5], [], None),
    ],
)
def test_auroc_is_the_share_of_pairs_in_order(
    higher: list[float], lower: list[float], expected: float | None
) -> None:
    assert auroc(higher, lower) == expected


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


@pytest.fixture
def report(engine: Engine, shop_index: Index) -> dict[str, Any]:
    """Three questions to the cast's shop, one of them with a wrong expectation."""
    rows = [
        Row("where is my refund", frozenset({"refund-time"}), "en"),
        Row("i forgot my password", frozenset({"delivery-costs"}), "en"),
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


def test_wrong_answers_are_listed(report: dict[str, Any]) -> None:
    (wrong,) = report["wrong"]
    assert (wrong["answered"], wrong["expected"]) == ("reset-password", ["delivery-costs"])
    last = format_report(report).splitlines()[-1]
    assert last == "wrong: i forgot my password → reset-password, not delivery-costs"


def test_report_is_a_table_with_a_row_a_locale(report: dict[str, Any]) -> None:
    lines = format_report(report).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["locale", "en", "–", "all"]
    assert len({len(line) for line in lines[:4]}) == 1
