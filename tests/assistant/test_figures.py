"""The arithmetic, by hand and beside scipy and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score, roc_curve

from assistant.figures import (
    auroc,
    calibration,
    count_pairs,
    exact_interval,
    refused_when_kept,
    risk_coverage,
    share,
)


def test_share_of_nothing_is_none() -> None:
    assert (share(1, 4), share(0, 0)) == (0.25, None)


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


# -- how sure a rate is ----------------------------------------------------------------


def test_interval_of_no_event_is_the_rule_of_three() -> None:
    # 1 - 0.025 ** (1 / 10)
    assert exact_interval(0, 10) == (0.0, 0.3085)
    assert exact_interval(10, 10) == (0.6915, 1.0)
    assert exact_interval(0, 0) is None


@pytest.mark.parametrize(("events", "trials"), [(1, 2), (1, 30), (7, 265), (250, 500), (3, 4000)])
def test_interval_is_that_of_scipy(events: int, trials: int) -> None:
    expected = binomtest(events, trials).proportion_ci(0.95, method="exact")
    assert exact_interval(events, trials) == pytest.approx((expected.low, expected.high), abs=6e-5)


# -- where silence pays ------------------------------------------------------------------


def test_refused_share_is_read_below_the_bar_that_keeps_enough() -> None:
    kept = [n / 20 for n in range(1, 21)]
    assert refused_when_kept(kept, [0.05, 0.1, 0.07, 0.9]) == 0.5
    assert refused_when_kept(kept, [0.05, 0.1, 0.07, 0.9], 1.0) == 0.0
    assert (refused_when_kept([], [0.1]), refused_when_kept([0.1], [])) == (None, None)


def test_refused_share_and_auroc_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(5)
    kept, refused = draw.beta(4, 2, 200).round(2), draw.beta(2, 3, 90).round(2)
    truth, scores = np.repeat([1, 0], [200, 90]), np.concatenate([kept, refused])
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert refused_when_kept(list(kept), list(refused)) == pytest.approx(
        1 - false[np.argmax(true >= 0.95)], abs=6e-5
    )
    assert auroc(list(kept), list(refused)) == pytest.approx(roc_auc_score(truth, scores), abs=6e-5)


# -- confidence ------------------------------------------------------------------------


def test_risk_is_counted_as_the_bar_falls() -> None:
    found = risk_coverage([0.9, 0.5, 0.7, 0.2], [True, True, False, False])
    assert [(p["coverage"], p["risk"]) for p in found["points"]] == [
        (0.25, 0.0),
        (0.5, 0.5),
        (0.75, 0.3333),
        (1.0, 0.5),
    ]
    assert found["area"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4, abs=6e-5)


def test_equally_sure_questions_pass_the_bar_together() -> None:
    one, other = (risk_coverage([0.5, 0.5], right) for right in ([True, False], [False, True]))
    assert one == other
    assert one == {"area": 0.5, "points": [{"confidence": 0.5, "coverage": 1.0, "risk": 0.5}]}


def test_curve_of_many_questions_keeps_its_ends() -> None:
    points = risk_coverage([n / 1000 for n in range(1000)], [True] * 1000)["points"]
    assert len(points) == 100
    assert (points[0]["coverage"], points[-1]["coverage"]) == (0.001, 1.0)


def test_calibration_compares_what_was_said_with_what_was_true() -> None:
    found = calibration([0.9, 0.8, 0.3, 0.2], [True, False, True, False], bins=2)
    assert found["bins"] == [
        {"questions": 2, "confidence": 0.25, "right": 0.5},
        {"questions": 2, "confidence": 0.85, "right": 0.5},
    ]
    assert found["error"] == 0.3


def test_calibration_bins_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(7)
    scores = draw.random(200)
    right = draw.random(200) < scores**2
    made = calibration(list(scores), list(right))["bins"]
    true, said = calibration_curve(right, scores, n_bins=10, strategy="quantile")
    assert [found["right"] for found in made] == pytest.approx(list(true), abs=6e-5)
    assert [found["confidence"] for found in made] == pytest.approx(list(said), abs=6e-5)


def test_calibration_keeps_ties_in_one_bin_and_needs_no_full_one() -> None:
    assert len(calibration([0.5] * 30, [True] * 30)["bins"]) == 1
    assert [found["questions"] for found in calibration([0.1, 0.2], [True, True])["bins"]] == [1, 1]
    assert calibration([], []) == {"error": None, "bins": []}
    assert risk_coverage([], []) == {"area": None, "points": []}


def test_pairs_are_counted_by_label() -> None:
    assert count_pairs(["a", "b", "a", "a"]) == 3
