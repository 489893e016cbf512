"""An evaluation as it is printed."""

from typing import Any

import pytest

from assistant.comparison import compare
from assistant.evaluation import Verdict, figures
from assistant.question_file import Row
from web.evaluation_text import cell, format_report


@pytest.fixture
def report() -> dict[str, Any]:
    """One right answer, one wrong, in two locales."""
    right = Verdict(Row("q", frozenset("a"), "en"), "answered", ("a",), "a", 0.9, 0.9)
    wrong = Verdict(Row("why", frozenset("a")), "answered", ("b",), "b", 0.9, 0.9)
    return {
        "epoch": 7,
        "locales": {"en": figures([right]), "–": figures([wrong])},
        "kinds": {"a_rather_long_kind": figures([wrong])},
        "all": figures([right, wrong]),
        "wrong": [{"question": "why", "expected": ["a"], "answered": "b"}],
        "questions": [
            {"question": "q", "locale": "en", "expected": ["a"], "said": "a", "outcome": "answered"}
        ],
    }


def test_report_is_two_tables_with_a_row_a_locale_and_a_kind(report: dict[str, Any]) -> None:
    lines = format_report(report).splitlines()
    names = ["locale", "en", "–", "a_rather_long_kind", "all"]
    assert [line.split()[0] for line in lines[:5]] == names
    assert [line.split()[0] for line in lines[6:11]] == names
    assert len({len(line) for line in lines[:5]}) == 1


def test_wrong_answers_stand_last_and_are_not_endless(report: dict[str, Any]) -> None:
    assert format_report(report).splitlines()[-1] == "wrong: why → b, not a"
    many = report | {"wrong": report["wrong"] * 25}
    assert format_report(many).splitlines()[-1] == "and 5 more wrong answers"


def test_cells_show_shares_intervals_and_counts() -> None:
    assert [cell(v) for v in (0.5, [0.1, 0.25], 3, None)] == ["0.500", "0.100–0.250", "3", "–"]


def test_comparison_shows_figures_and_replies_before_and_after(report: dict[str, Any]) -> None:
    silent = report["questions"][0] | {"said": None, "outcome": "clarify"}
    old = report | {"epoch": 6, "questions": [silent], "all": figures([])}
    text = format_report(report | {"comparison": compare(old, report)})
    assert "epoch 6 → 7; questions asked in both: 1" in text
    assert "  q [en]: asked back → a, expected a" in text.split("gained: 1\n")[1]
    assert ["questions", "0", "2", "+2"] in [line.split() for line in text.splitlines()]
