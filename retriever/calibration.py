"""From where to speak, so that no more than a chosen share of questions is answered wrongly.

Conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster, "Conformal Risk Control",
2022). A question costs 1 when it is answered wrongly and 0 otherwise, which only falls as the bar
rises. Of n questions that are known, the lowest bar with (wrong + 1) / (n + 1) <= acceptable keeps
the expected share of the next question like them within what is acceptable, whatever n is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

# Steps of Newton's method; it settles in half a dozen.
STEPS = 25
# Least slope of a trust: what was surer stays surer.
LEAST_SLOPE = 0.1
# Confidences are told to four places, so that none is surer than this.
SUREST = 1 - 5e-5


@dataclass(frozen=True)
class Bar:
    """The confidence an answer needs, and what that was learned from.

    Of `rehearsed` questions, `answered` pass it, `wrong` of them wrongly.
    """

    confidence: float
    rehearsed: int
    answered: int
    wrong: int

    def is_passed_by(self, confidence: float) -> bool:
        """Whether to answer that surely; never where nothing that was rehearsed passed."""
        return self.answered > 0 and confidence >= self.confidence

    @property
    def coverage(self) -> float:
        """The share of the rehearsed questions that is answered."""
        return self.answered / self.rehearsed


def least_questions(acceptable: float) -> int:
    """How many known questions can prove anything."""
    return ceil(1 / acceptable) - 1


def learn_bar(
    confidence: Sequence[float], is_right: Sequence[bool], acceptable: float
) -> Bar | None:
    """The lowest bar that keeps the promise; None when there is too little to learn it from.

    `acceptable` is a share between 0 and 1; so few questions that one more wrong answer would
    pass it prove nothing.
    """
    count = len(confidence)
    allowed = int(acceptable * (count + 1) + 1e-9) - 1
    if allowed < 0:
        return None
    order = np.argsort(-np.asarray(confidence, float), kind="stable")
    scores = np.asarray(confidence, float)[order]
    wrong = np.cumsum(~np.asarray(is_right, bool)[order])
    # Equal confidences pass the bar together; a confidence of 0 is no answer.
    ends = np.flatnonzero(np.diff(scores, append=-1.0))
    kept = [end for end in ends if wrong[end] <= allowed and scores[end] > 0]
    if not kept:
        return Bar(1.0, count, 0, 0)
    last = kept[-1]
    return Bar(float(scores[last]), count, int(last) + 1, int(wrong[last]))


def bar_of(told: Sequence[tuple[float, bool]], acceptable: float) -> Bar | None:
    """The same of pairs: how surely each question was answered, and whether rightly."""
    return learn_bar([c for c, _ in told], [right for _, right in told], acceptable)


@dataclass(frozen=True)
class Trust:
    """What a confidence is worth after all: its logit is stretched and shifted."""

    slope: float = 1.0
    shift: float = 0.0

    def of(self, confidence: float) -> float:
        """The confidence that it amounts to, to four places; 0 stays 0."""
        if confidence <= 0:
            return 0.0
        return round(float(1 / (1 + np.exp(-self.slope * _logit(confidence) - self.shift))), 4)


def learn_trust(confidence: Sequence[float], is_right: Sequence[bool]) -> Trust:
    """How far confidences can be trusted, by questions whose truth is known.

    Platt, "Probabilistic outputs for support vector machines", 1999, with his targets, which leave
    room for doubt where few are known. Confidences of 0 are no answers and teach nothing.
    """
    told = [(c, r) for c, r in zip(confidence, is_right, strict=True) if c > 0]
    right = sum(r for _, r in told)
    if not 0 < right < len(told):
        return Trust()
    logits = _logit(np.array([c for c, _ in told], float))
    high, low = (right + 1) / (right + 2), 1 / (len(told) - right + 2)
    targets = np.where([r for _, r in told], high, low)
    seen = np.stack([logits, np.ones(len(told))], axis=1)
    found = np.array([1.0, 0.0])
    for _ in range(STEPS):
        chances = 1 / (1 + np.exp(-seen @ found))
        bend = (seen * (chances * (1 - chances))[:, None]).T @ seen + 1e-6 * np.eye(2)
        found = found + np.linalg.solve(bend, seen.T @ (targets - chances))
        found = np.clip(found, [LEAST_SLOPE, -10], [10, 10])
    return Trust(round(float(found[0]), 4), round(float(found[1]), 4))


def _logit(confidence: Any) -> Any:
    inside = np.clip(confidence, 1 - SUREST, SUREST)
    return np.log(inside / (1 - inside))
