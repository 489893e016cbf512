"""The bar from which to speak keeps its promise, on any data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.calibration import Trust, learn_bar, learn_trust, least_questions


def test_the_bar_is_the_lowest_that_keeps_the_promise() -> None:
    confidence = [n / 100 for n in range(100)]
    is_right = [score >= 0.5 for score in confidence]
    bar = learn_bar(confidence, is_right, 0.1)
    assert bar
    # Ten of a hundred and one may be wrong, and the one that is asked next counts as one.
    assert (bar.confidence, bar.answered, bar.wrong) == (0.41, 59, 9)


def test_too_few_questions_teach_nothing() -> None:
    assert learn_bar([0.9] * 48, [True] * 48, 0.02) is None
    assert learn_bar([0.9] * 49, [True] * 49, 0.02)
    assert least_questions(0.02) == 49


def test_what_is_always_wrong_is_never_answered() -> None:
    bar = learn_bar([0.99] * 200, [False] * 200, 0.02)
    assert bar
    assert (bar.confidence, bar.answered, bar.coverage) == (1.0, 0, 0.0)
    assert not bar.is_passed_by(1.0)


def test_equal_confidences_pass_together() -> None:
    bar = learn_bar([0.9] * 50 + [0.8] * 50, [True] * 50 + [False, False] + [True] * 48, 0.02)
    assert bar
    assert (bar.confidence, bar.answered, bar.wrong) == (0.9, 50, 0)


def test_no_answer_passes_no_bar() -> None:
    bar = learn_bar([0.0] * 60 + [0.7] * 60, [True] * 120, 0.02)
    assert bar
    assert (bar.confidence, bar.answered) == (0.7, 60)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=200), st.floats(0.01, 0.5))
def test_one_more_wrong_answer_would_still_be_acceptable(
    known: list[tuple[float, bool]], acceptable: float
) -> None:
    bar = learn_bar([c for c, _ in known], [r for _, r in known], acceptable)
    if bar and bar.answered:
        assert (bar.wrong + 1) / (bar.rehearsed + 1) <= acceptable + 1e-9


@pytest.mark.parametrize("acceptable", [0.02, 0.05, 0.1])
def test_the_next_questions_are_wrong_as_seldom_as_promised(acceptable: float) -> None:
    draw = np.random.default_rng(7)
    wrong = []
    for _ in range(400):
        confidence = draw.random(300)
        is_right = draw.random(300) < 0.3 + 0.7 * confidence
        bar = learn_bar(list(confidence[:200]), list(is_right[:200]), acceptable)
        assert bar
        wrong.append(np.mean((confidence[200:] >= bar.confidence) & ~is_right[200:]))
    # Three standard errors of the mean of 400 trials.
    assert np.mean(wrong) <= acceptable + 3 * np.std(wrong) / 20


def test_confidence_that_boasts_is_worth_less() -> None:
    draw = np.random.default_rng(3)
    truth = draw.random(4000)
    is_right = draw.random(4000) < truth
    boasting = 1 / (1 + np.exp(-(2 * np.log(truth / (1 - truth)) + 1)))
    trust = learn_trust(list(boasting), list(is_right))
    assert (trust.slope, trust.shift) == (
        pytest.approx(0.5, abs=0.05),
        pytest.approx(-0.5, abs=0.15),
    )
    worth = np.array([trust.of(c) for c in boasting])
    assert np.abs(worth - truth).mean() < 0.02


@pytest.mark.parametrize(
    ("confidence", "is_right"),
    [([], []), ([0.9] * 60, [True] * 60), ([0.9] * 60, [False] * 60), ([0.0, 0.0], [True, False])],
)
def test_without_both_right_and_wrong_confidence_stays_as_it_is(
    confidence: list[float], is_right: list[bool]
) -> None:
    assert learn_trust(confidence, is_right) == Trust()


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=80))
def test_what_was_surer_stays_surer(known: list[tuple[float, bool]]) -> None:
    trust = learn_trust([c for c, _ in known], [r for _, r in known])
    worth = [trust.of(c / 100) for c in range(101)]
    assert worth == sorted(worth)
    assert worth[0] == 0
    assert np.isfinite([trust.slope, trust.shift]).all()
    assert trust.slope >= 0.1
