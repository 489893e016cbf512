"""The learned weights of the judges, shipped as numbers beside the code that uses them."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from retriever.calibration import Trust
from retriever.embeddings import Vectors


@dataclass(frozen=True)
class Logistic:
    """A logistic regression on standardised signs."""

    mean: Vectors
    scale: Vectors
    coefficients: Vectors
    intercept: float

    def trusted(self, trust: Trust) -> "Logistic":
        """The same, its probabilities worth what that trust says."""
        stretched = np.asarray(self.coefficients * np.float32(trust.slope), np.float32)
        intercept = self.intercept * trust.slope + trust.shift
        return Logistic(self.mean, self.scale, stretched, intercept)

    def probability(self, signs: Vectors) -> float:
        """Between 0 and 1, to four places."""
        z = float(((signs - self.mean) / self.scale) @ self.coefficients) + self.intercept
        return round(1 / (1 + float(np.exp(-z))), 4)


@dataclass(frozen=True)
class Weights:
    """What each judge's word is worth, and from where to speak.

    An answer needs `answer` confidence that it is right and `speak` that any article is meant;
    a clarification needs `clarify` of the latter.
    """

    ranking: Vectors
    confidence: Logistic
    in_scope: Logistic
    answer: float
    speak: float
    clarify: float


@lru_cache(maxsize=12)
def weights_for(phrased: str, views: int, beside: str = "", trust: Trust = Trust()) -> Weights:
    """The weights for a store as `Shelf.phrased` calls it, read by one encoder or two, the second
    perhaps one with weights of its own, or one whose confidences are worth more or less."""
    stored = json.loads(_stored())
    chosen = stored[weights_name(phrased, views, beside)]
    return Weights(
        ranking=np.array(chosen["ranking"], np.float32),
        confidence=_logistic(chosen["confidence"]).trusted(trust),
        in_scope=_logistic(chosen["in_scope"]),
        answer=chosen["answer"],
        speak=chosen["speak"],
        clarify=chosen["clarify"],
    )


def weights_name(phrased: str, views: int, beside: str = "") -> str:
    """What those weights are called in the file."""
    return f"{phrased}-{beside if views > 1 and beside else views}"


@lru_cache(maxsize=1)
def weights_digest() -> str:
    """What the shipped numbers are known by."""
    return hashlib.sha256(_stored().encode()).hexdigest()


def _stored() -> str:
    return (files("retriever") / "weights.json").read_text("utf-8")


def _logistic(stored: dict[str, list[float]]) -> Logistic:
    return Logistic(
        mean=np.array(stored["mean"], np.float32),
        scale=np.array(stored["scale"], np.float32),
        coefficients=np.array(stored["coefficients"], np.float32),
        intercept=stored["intercept"][0],
    )
