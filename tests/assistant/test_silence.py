"""What is promised of wrong answers, and what that takes in each language."""

from assistant.silence import silence_report
from retriever.calibration import Bar


def test_report_gives_the_bar_and_its_cost_by_locale() -> None:
    report = silence_report({"en": Bar(0.91, 300, 150, 5)}, 0.02, ["en", "it"])
    assert report["locales"]["en"] == {
        "confidence": 0.91,
        "rehearsed": 300,
        "answered": 150,
        "wrong": 5,
        "coverage": 0.5,
    }
    assert report["locales"]["it"] is None


def test_store_that_has_learned_nothing_yet_does_not_say_that_phrasings_are_missing() -> None:
    report = silence_report(None, 0.02, ["en"])
    assert report == {"max_wrong": 0.02, "learned": False, "locales": {}}
