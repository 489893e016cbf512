"""What changed between two evaluations."""

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.comparison import compare, read_report
from kb.errors import Invalid


def record(question: str, expected: str, said: str | None, outcome: str = "") -> dict[str, Any]:
    return {
        "question": question,
        "locale": "en",
        "expected": expected.split(),
        "said": said,
        "outcome": outcome or ("answered" if said else "abstained"),
    }


def report(epoch: int, *records: dict[str, Any], **figures: float) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "all": figures,
        "locales": {"en": figures},
        "kinds": {},
        "questions": list(records),
    }


def names(pairs: list[dict[str, Any]]) -> list[str]:
    return [pair["after"]["question"] for pair in pairs]


def test_questions_gain_from_wrong_to_silent_to_right() -> None:
    old = [
        record("1", "a", "b"),
        record("2", "a", None),
        record("3", "a", "a"),
        record("4", "", None),
        record("5", "a", None),
        record("6", "a", "b"),
        record("7", "a", "a"),
    ]
    new = [
        record("1", "a", None),
        record("2", "a", "a"),
        record("3", "a", None, "clarify"),
        record("4", "", "a"),
        record("5", "a", None, "clarify"),
        record("6", "a", "c"),
        record("7", "a", "a"),
    ]
    found = compare(report(3, *old), report(4, *new))
    assert names(found["gained"]) == ["1", "2"]
    assert names(found["lost"]) == ["3", "4"]
    assert names(found["changed"]) == ["5", "6"]
    assert (found["epochs"], found["compared"]) == ([3, 4], 7)


def test_figures_stand_side_by_side() -> None:
    before, after = report(1, coverage=0.5), report(2, coverage=0.75)
    after["all"]["calibration"] = {"error": 0.1}
    after["kinds"] = {"near_miss": {"coverage": 0.2}}
    figures = compare(before, after)["figures"]
    assert figures["all"]["coverage"] == [0.5, 0.75]
    assert figures["all"]["calibration.error"] == [None, 0.1]
    assert figures["near_miss"]["coverage"] == [None, 0.2]


def test_questions_of_one_report_only_are_counted() -> None:
    old = report(1, record("same", "a", None), record("same", "a", "a"), record("gone", "a", None))
    new = report(1, record("same", "a", None), record("same", "a", "a"), record("new", "a", "a"))
    found = compare(old, new)
    assert (found["compared"], found["only_before"], found["only_after"]) == (2, 1, 1)
    assert found["gained"] == found["lost"] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"epoch": 1, "all": {}}',
        '{"all": {}, "locales": {}, "kinds": {}, "questions": [{"question": "q"}]}',
        '{"all": {}, "locales": [], "kinds": {}, "questions": []}',
    ],
)
def test_file_that_is_no_report_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)
    with pytest.raises(Invalid, match=r"old\.json"):
        read_report(path)


def test_saved_report_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    saved = report(1, record("q", "a", "a"))
    path.write_text(json.dumps(saved))
    assert read_report(path) == saved
