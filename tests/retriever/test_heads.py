"""The trained head: parts its classes, and always the same way."""

import numpy as np
import pytest

from retriever import heads
from retriever.heads import Head, fit_head

DIMENSIONS, CLASSES = 64, 12


def crowd(per_class: list[int], noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors scattered around a centre each, and which centre each belongs to."""
    random = np.random.default_rng(11)
    centres = random.normal(size=(len(per_class), DIMENSIONS))
    labels = np.repeat(np.arange(len(per_class)), per_class).astype(np.int32)
    rows = centres[labels] + noise * random.normal(size=(len(labels), DIMENSIONS))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), labels


def fitted(rows: np.ndarray, labels: np.ndarray, classes: int = CLASSES) -> Head:
    return fit_head(rows, labels, np.ones(len(labels), np.float32), classes)


def right(head: Head, rows: np.ndarray, labels: np.ndarray) -> float:
    """The share of rows whose own class comes first."""
    first = [int(head.log_posteriors(row).argmax()) for row in rows]
    return float(np.mean(np.array(first) == labels))


def test_head_tells_classes_apart_that_it_has_seen_four_times() -> None:
    rows, labels = crowd([24] * CLASSES, noise=0.8)
    seen = np.arange(len(labels)) % 24 < 4
    head = fitted(rows[seen], labels[seen])
    assert right(head, rows[~seen], labels[~seen]) > 0.95


def test_posteriors_are_log_probabilities() -> None:
    rows, labels = crowd([4] * CLASSES)
    found = fitted(rows, labels).log_posteriors(rows[0])
    assert found.shape == (CLASSES,)
    assert np.exp(found).sum() == pytest.approx(1, abs=1e-4)
    assert found.max() <= 0


def test_same_rows_give_the_same_bits() -> None:
    rows, labels = crowd([3] * CLASSES)
    one, two = fitted(rows, labels), fitted(rows.copy(), labels.copy())
    assert np.array_equal(one.weights, two.weights)
    assert np.array_equal(one.bias, two.bias)


def test_article_with_one_phrasing_stands_beside_one_with_a_hundred() -> None:
    sizes = [100, 1] + [6] * (CLASSES - 2)
    rows, labels = crowd(sizes)
    head = fitted(rows, labels)
    assert right(head, rows, labels) > 0.99
    assert int(head.log_posteriors(rows[100]).argmax()) == 1


def test_heavier_rows_pull_harder() -> None:
    rows = np.eye(2, DIMENSIONS, dtype=np.float32)
    between = (rows[0] + rows[1]) / np.float32(np.sqrt(2))
    labels = np.array([0, 1], np.int32)
    light = fit_head(rows, labels, np.array([1, 1], np.float32), 2)
    heavy = fit_head(rows, labels, np.array([1, 8], np.float32), 2)
    assert heavy.log_posteriors(between)[1] > light.log_posteriors(between)[1]


def test_class_without_an_example_is_never_first() -> None:
    rows, labels = crowd([5] * (CLASSES - 1))
    head = fitted(rows, labels)
    assert all(int(head.log_posteriors(row).argmax()) < CLASSES - 1 for row in rows)


def test_one_article_and_nobody_can_be_told_apart() -> None:
    rows, labels = crowd([3, 40])
    assert right(fitted(rows, labels, 2), rows, labels) == 1


def test_problem_too_large_to_fit_is_left_to_the_class_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, labels = crowd([24] * CLASSES, noise=0.8)
    seen = np.arange(len(labels)) % 24 < 4
    monkeypatch.setattr(heads, "BUDGET", 0.0)
    monkeypatch.setattr(heads, "_minimise", None)
    head = fitted(rows[seen], labels[seen])
    assert right(head, rows[~seen], labels[~seen]) > 0.9


def test_class_means_leave_a_class_without_an_example_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, labels = crowd([5] * (CLASSES - 1))
    monkeypatch.setattr(heads, "BUDGET", 0.0)
    head = fitted(rows, labels)
    strange = -rows.sum(axis=0) / np.linalg.norm(rows.sum(axis=0))
    assert int(head.log_posteriors(strange.astype(np.float32)).argmax()) < CLASSES - 1
