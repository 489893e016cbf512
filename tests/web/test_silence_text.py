"""The promise of silence on the terminal."""

from assistant.silence import silence_report
from retriever.calibration import Bar
from web.silence_text import silence_lines


def test_promise_and_its_cost_are_said_by_locale() -> None:
    bars = {"en": Bar(0.91, 300, 150, 5)}
    promise, english, italian = silence_lines(silence_report(bars, 0.005, ["en", "it"]))
    assert promise == "at most 0.5% of questions answered wrongly"
    assert english.startswith("en  answers from confidence 0.91: 50% of 300 questions")
    assert italian.startswith("it  no guarantee: too few phrasings")


def test_before_the_first_start_nothing_is_said_of_phrasings() -> None:
    lines = silence_lines(silence_report(None, 0.02, ["en"]))
    assert len(lines) == 2
    assert "phrasings" not in " ".join(lines)


def test_without_a_setting_there_is_no_promise() -> None:
    assert silence_lines(silence_report({}, None, ["en"])) == [
        "no promise: the bars that Verbatim ships decide"
    ]
