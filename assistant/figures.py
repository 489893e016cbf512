"""The arithmetic of an evaluation: shares, intervals, curves. Knows nothing of articles."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from math import ceil, lgamma
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
# More points than this show nothing more on a screen.
POINTS = 100
Floats = NDArray[np.float64]


def share(part: int, whole: int) -> float | None:
    """Between 0 and 1; None where there is nothing to share."""
    return round(part / whole, 4) if whole else None


def auroc(higher: Sequence[float], lower: Sequence[float]) -> float | None:
    """Chance that one of `higher` beats one of `lower`, ties half (Mann and Whitney 1947)."""
    if not higher or not lower:
        return None
    above, below = np.array(higher), np.sort(np.array(lower))
    wins = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return round(float(wins.mean() / 2 / len(below)), 4)


def refused_when_kept(
    kept: Sequence[float], refused: Sequence[float], share_kept: float = 0.95
) -> float | None:
    """Share of `refused` under the highest bar that `share_kept` of `kept` pass.

    The true negative rate at 95 % true positives of Hendrycks and Gimpel (2017).
    """
    if not kept or not refused:
        return None
    bar = sorted(kept, reverse=True)[ceil(share_kept * len(kept) - 1e-9) - 1]
    return share(sum(score < bar for score in refused), len(refused))


# -- how sure a rate is --------------------------------------------------------------


def exact_interval(events: int, trials: int, level: float = 0.95) -> tuple[float, float] | None:
    """The interval of Clopper and Pearson (1934, Biometrika 26:404) for a rate; None of no trials.

    Its ends are the rates at which as many events, or more (or fewer), have chance
    (1 - level) / 2; found by bisection on the binomial tail.
    """
    if not trials:
        return None
    chance = (1 - level) / 2
    low = 0.0 if not events else _rate_where(events, trials, trials, chance, rises=True)
    high = 1.0 if events == trials else _rate_where(0, events, trials, chance, rises=False)
    return round(low, 4), round(high, 4)


def _rate_where(first: int, last: int, trials: int, chance: float, rises: bool) -> float:
    """The rate at which `first` to `last` events have that chance, which rises with it or falls."""
    counts = np.arange(first, last + 1)
    ways = np.array([_log_ways(trials, count) for count in range(first, last + 1)])
    low, high = 0.0, 1.0
    for _ in range(50):
        rate = (low + high) / 2
        logs = ways + counts * np.log(rate) + (trials - counts) * np.log1p(-rate)
        is_below = (float(np.exp(logs).sum()) < chance) == rises
        low, high = (rate, high) if is_below else (low, rate)
    return (low + high) / 2


def _log_ways(trials: int, events: int) -> float:
    """Logarithm of the binomial coefficient."""
    return lgamma(trials + 1) - lgamma(events + 1) - lgamma(trials - events + 1)


# -- confidence ------------------------------------------------------------------------


def risk_coverage(confidence: Sequence[float], right: Sequence[bool]) -> dict[str, Any]:
    """What is wrong among the surest, as the bar falls (El-Yaniv and Wiener 2010).

    `points` go from the surest to all; equal confidences pass the bar together. `area` is the
    mean risk over every coverage (Geifman and El-Yaniv 2017), ties in random order.
    """
    if not confidence:
        return {"area": None, "points": []}
    scores, wrong = _surest_first(confidence, right)
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1) + 1
    errors = np.cumsum(wrong)[ends - 1]
    asked = np.arange(1, len(scores) + 1)
    mean = np.interp(asked, np.append(0, ends), np.append(0, errors)) / asked
    points = [
        {
            "confidence": round(float(scores[end - 1]), 4),
            "coverage": round(float(end / len(scores)), 4),
            "risk": round(float(found / end), 4),
        }
        for end, found in zip(ends, errors, strict=True)
    ]
    return {"area": round(float(mean.mean()), 4), "points": _thinned(points)}


def _surest_first(confidence: Sequence[float], right: Sequence[bool]) -> tuple[Floats, Floats]:
    scores, wrong = np.array(confidence, float), 1.0 - np.array(right, float)
    order = np.argsort(-scores, kind="stable")
    return scores[order], wrong[order]


def _thinned(points: list[dict[str, float]]) -> list[dict[str, float]]:
    if len(points) <= POINTS:
        return points
    kept = np.linspace(0, len(points) - 1, POINTS).round().astype(int)
    return [points[place] for place in kept]


def calibration(
    confidence: Sequence[float], right: Sequence[bool], bins: int = BINS
) -> dict[str, Any]:
    """Whether "90 % sure" is right nine times in ten.

    `error` is the expected calibration error (Naeini et al. 2015) over bins of equal mass (Nguyen
    and O'Connor 2015); equal confidences stay in one bin.
    """
    if not confidence:
        return {"error": None, "bins": []}
    scores, wrong = (values[::-1] for values in _surest_first(confidence, right))
    starts = [len(scores) * number // bins for number in range(bins)]
    cuts = sorted({int(np.searchsorted(scores, scores[start])) for start in starts})
    made = [
        {
            "questions": stop - start,
            "confidence": round(float(scores[start:stop].mean()), 4),
            "right": round(float(1 - wrong[start:stop].mean()), 4),
        }
        for start, stop in zip(cuts, [*cuts[1:], len(scores)], strict=True)
    ]
    gaps = np.abs(np.add.reduceat(scores + wrong - 1, cuts)).sum()
    return {"error": round(float(gaps / len(scores)), 4), "bins": made}


# -- agreement -------------------------------------------------------------------------


def count_pairs(labels: Iterable[Hashable]) -> int:
    """Pairs of the list that bear the same label."""
    return sum(count * (count - 1) // 2 for count in Counter(labels).values())
