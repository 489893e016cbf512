"""Questions that mean the same, in whatever language: groups by average linkage.

Pairs are looked at from the nearest down; two groups become one when all their pairs together
are near enough (Sokal and Michener 1958), so that no chain of neighbours joins what is far
apart. Vectors are seen from the centre of their language, or the language would be what they
have in common. No randomness; ties go to those that came first.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retriever.embeddings import Vectors

Pairs = npt.NDArray[np.int64]

# Rows whose pairs are looked at together: 64 MB with 16,000 others.
BLOCK = 1_000


def centred(vectors: Vectors, locales: Sequence[str], means: dict[str, Vectors]) -> Vectors:
    """Unit vectors seen from the mean question of their language; (n, dimensions)."""
    if not len(vectors):
        return vectors
    everywhere = np.asarray(np.mean(list(means.values()), axis=0), np.float32)
    moved = vectors - np.vstack([means.get(locale, everywhere) for locale in locales])
    lengths = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)
    return np.asarray(moved / lengths, np.float32)


def group(vectors: Vectors, near: float) -> list[list[int]]:
    """Rows of unit vectors in groups, each in order; `near` is the least mean cosine within."""
    parents = list(range(len(vectors)))
    members = {row: [row] for row in parents}
    sums = vectors.astype(np.float64)
    for one, other in _pairs(vectors, near):
        first, second = sorted((_root(parents, int(one)), _root(parents, int(other))))
        if first == second:
            continue
        count = len(members[first]) * len(members[second])
        if sums[first] @ sums[second] >= near * count:
            parents[second] = first
            sums[first] += sums[second]
            members[first] += members.pop(second)
    return [sorted(rows) for rows in members.values()]


def _root(parents: list[int], row: int) -> int:
    while parents[row] != row:
        parents[row] = row = parents[parents[row]]
    return row


def _pairs(vectors: Vectors, near: float) -> Pairs:
    """Pairs of rows at least so near, nearest first; (pairs, 2)."""
    found, cosines = [np.zeros((0, 2), np.int64)], [np.zeros(0, np.float32)]
    for start in range(0, len(vectors), BLOCK):
        products = vectors[start : start + BLOCK] @ vectors[start:].T
        rows, others = np.nonzero(np.triu(products >= near, 1))
        found.append(np.stack([rows, others], axis=1) + start)
        cosines.append(products[rows, others])
    # Rounded, so that no rounding in the product decides what comes first.
    order = np.argsort(-np.round(np.concatenate(cosines), 4), kind="stable")
    return np.asarray(np.concatenate(found)[order], np.int64)
