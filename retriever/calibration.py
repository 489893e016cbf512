"""From where to speak, so that no more than a chosen share of questions is answered wrongly.

Conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster, "Conformal Risk Control",
2022). A question costs 1 when it is answered wrongly and 0 otherwise, which only falls as the bar
rises. Of n questions that are known, the lowest bar with (wrong + 1) / (n + 1) <= acceptable keeps
the expected share of the next question like them within what is acceptable, whatever n is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np


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
