"""A softmax head over frozen vectors: one class an article, and one for what is nobody's.

Multinomial logistic regression with L2 (as in scikit-learn's, C = 3), fitted by L-BFGS (Liu and
Nocedal 1989) from the class means, so that the same texts always give the same head. The spread
of the texts preconditions it (Nocedal and Wright 2006, 7.2): a third of the steps.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from retriever.embeddings import Vectors

INVERSE_PENALTY = 3.0
MEMORY = 10
MAX_STEPS = 100
# Floating point operations a fit may take, a few seconds; large stores take fewer steps.
BUDGET = 1e11
LEAST_STEPS = 8
# Relative gain of a step below which there is no more to gain.
SETTLED = 1e-3
# How much a text bends the loss, on average, where the fit ends; only the speed depends on it.
CURVATURE = 0.01
# How sharply prototypes part their classes, in units of centred cosine.
SHARPNESS = 12.0
# What a class without examples starts from, so that it never wins.
EMPTY = -1.0


@dataclass(frozen=True)
class Head:
    """Weights (dimensions, classes) and bias (classes,); the last class is the background's."""

    weights: Vectors
    bias: Vectors

    def log_posteriors(self, question: Vectors) -> Vectors:
        """Log probability of each class for one centred question, (classes,), or a line each."""
        scores = question @ self.weights + self.bias
        scores = scores - scores.max(axis=-1, keepdims=True)
        totals = np.exp(scores).sum(axis=-1, keepdims=True)
        return np.asarray(scores - np.log(totals), np.float32)


def fit_head(rows: Vectors, labels: npt.NDArray[np.int32], weights: Vectors, classes: int) -> Head:
    """Fit on rows (n, dimensions) with labels 0 … classes-1 and a weight each."""
    dimensions = rows.shape[1]
    problem = _Problem(rows, labels, weights, classes)
    cost = 4.0 * rows.shape[0] * dimensions * classes
    steps = int(min(BUDGET / cost, MAX_STEPS))
    if steps < LEAST_STEPS:
        return _prototypes(rows, labels, weights, classes)
    start = _prototypes(rows, labels, weights, classes)
    flat = np.vstack([start.weights, start.bias[None, :]]).ravel()
    solution = _minimise(problem, flat, steps).reshape(dimensions + 1, classes)
    return Head(solution[:-1].copy(), solution[-1].copy())


def _prototypes(
    rows: Vectors, labels: npt.NDArray[np.int32], weights: Vectors, classes: int
) -> Head:
    """The nearest class mean (Snell et al. 2017): what a store too large to fit makes do with."""
    sums = np.zeros((classes, rows.shape[1]), np.float32)
    order = np.argsort(labels, kind="stable")
    present, starts = np.unique(labels[order], return_index=True)
    sums[present] = np.add.reduceat((rows * weights[:, None])[order], starts, axis=0)
    counts = np.bincount(labels, weights=weights, minlength=classes)
    means = sums / np.maximum(counts, 1e-6)[:, None].astype(np.float32)
    bias = np.where(counts > 0, -0.5 * (means**2).sum(axis=1), EMPTY)
    return Head((SHARPNESS * means.T).astype(np.float32), (SHARPNESS * bias).astype(np.float32))


@dataclass(frozen=True)
class _Problem:
    rows: Vectors
    labels: npt.NDArray[np.int32]
    weights: Vectors
    classes: int

    @cached_property
    def _inverse(self) -> Vectors:
        """About the inverse of the loss's curvature in one class's weights; (d, d)."""
        spread = (self.rows * self.weights[:, None]).T @ self.rows
        curvature = CURVATURE * INVERSE_PENALTY * spread + np.eye(len(spread), dtype=np.float32)
        return np.asarray(len(self.rows) * np.linalg.inv(curvature), np.float32)

    def preconditioned(self, flat: Vectors) -> Vectors:
        """A gradient turned into a step of about the right length in every direction."""
        gradient = flat.reshape(-1, self.classes)
        bias = len(self.rows) / (CURVATURE * INVERSE_PENALTY * float(self.weights.sum()))
        step = np.vstack([self._inverse @ gradient[:-1], np.float32(bias) * gradient[-1:]])
        return np.asarray(step.ravel(), np.float32)

    def loss(self, flat: Vectors) -> tuple[float, Vectors]:
        """The penalised loss and its gradient."""
        count, dimensions = self.rows.shape
        solution = flat.reshape(dimensions + 1, self.classes)
        scores = self.rows @ solution[:dimensions] + solution[dimensions]
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        totals = shares.sum(axis=1, keepdims=True)
        own = np.arange(count)
        surprise = np.log(totals[:, 0]) - scores[own, self.labels]
        loss = INVERSE_PENALTY * (self.weights * surprise).sum()
        loss += 0.5 * (solution[:dimensions] ** 2).sum()
        shares /= totals
        shares[own, self.labels] -= 1
        shares *= (INVERSE_PENALTY * self.weights)[:, None]
        gradient = np.vstack([self.rows.T @ shares + solution[:dimensions], shares.sum(axis=0)])
        return float(loss) / count, np.asarray(gradient.ravel() / count, np.float32)


def _minimise(problem: _Problem, point: Vectors, steps: int) -> Vectors:
    loss, gradient = problem.loss(point)
    history: list[tuple[Vectors, Vectors, float]] = []
    for _ in range(steps):
        direction = _direction(problem, gradient, history)
        new_point, new_loss, new_gradient = _line_search(problem, point, loss, gradient, direction)
        moved, turned = new_point - point, new_gradient - gradient
        curvature = float(moved @ turned)
        if curvature > 1e-12:
            history = [*history, (moved, turned, 1 / curvature)][-MEMORY:]
        settled = loss - new_loss < SETTLED * max(1.0, abs(loss))
        point, loss, gradient = new_point, new_loss, new_gradient
        if settled or float(np.abs(gradient).max()) < 1e-5:
            break
    return point


def _direction(
    problem: _Problem, gradient: Vectors, history: list[tuple[Vectors, Vectors, float]]
) -> Vectors:
    direction, factors = gradient.copy(), []
    for moved, turned, inverse in reversed(history):
        factor = inverse * float(moved @ direction)
        factors.append(factor)
        direction -= factor * turned
    direction = problem.preconditioned(direction)
    if history:
        _, turned, inverse = history[-1]
        direction *= 1 / (inverse * float(turned @ problem.preconditioned(turned)))
    for (moved, turned, inverse), factor in zip(history, reversed(factors), strict=True):
        direction += (factor - inverse * float(turned @ direction)) * moved
    return direction


def _line_search(
    problem: _Problem, point: Vectors, loss: float, gradient: Vectors, direction: Vectors
) -> tuple[Vectors, float, Vectors]:
    slope, step = -float(gradient @ direction), 1.0
    while True:
        new_point = point - np.float32(step) * direction
        new_loss, new_gradient = problem.loss(new_point)
        if new_loss <= loss + 1e-4 * step * slope or step < 1e-6:
            return new_point, new_loss, new_gradient
        step *= 0.5
