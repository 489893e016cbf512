"""What is promised of wrong answers, and what that takes in each language."""

from assistant.silence import Standing, silence_in, silence_report
from retriever.calibration import Bar
from retriever.lessons import Lesson


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


def test_language_without_a_bar_says_why_and_how_many_phrasings_are_missing() -> None:
    lessons = {"en": Lesson(30), "it": Lesson(90, is_trained=True)}
    found = [silence_in(locale, None, lessons.get(locale), 0.02) for locale in ("en", "it", "ko")]
    assert [s.standing for s in found] == [Standing.few, Standing.trained, Standing.unknown]
    assert [s.missing for s in found] == [19, 0, 0]


def test_bar_that_nothing_passed_is_a_promise_of_silence() -> None:
    assert silence_in("en", Bar(1.0, 300, 0, 0), None, 0.02).standing is Standing.silent
    assert silence_in("en", Bar(0.9, 300, 9, 0), None, 0.02).standing is Standing.promised
