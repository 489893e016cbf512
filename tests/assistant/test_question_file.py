"""Questions from a file."""

from pathlib import Path

import pytest

from assistant.question_file import Row, read_rows
from kb.errors import Invalid


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


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


def test_rows_may_say_of_what_kind_they_are(tmp_path: Path) -> None:
    jsonl = '{"question": "q", "kind": "near_miss"}\n{"question": "q", "kind": ""}'
    rows = read_rows(written(tmp_path, "q.jsonl", jsonl))
    assert [row.kind for row in rows] == ["near_miss", None]
    csv = "question,expected,kind\nq,a,near_miss\nq,a,\n"
    rows = read_rows(written(tmp_path, "q.csv", csv))
    assert [row.kind for row in rows] == ["near_miss", None]


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
        '{"question": "q", "kind": 5}',
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
