"""What means the same comes together, in whatever language, and nothing else does."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from assistant.gathering import NEAR
from retriever.embeddings import Encoder, Vectors
from retriever.general import general_keys, shipped_vectors
from retriever.grouping import centred, group

ASKED = Path(__file__).parents[1] / "assistant" / "gaps.csv"


def unit(*rows: tuple[float, float]) -> Vectors:
    vectors = np.array(rows, np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_near_rows_come_together_and_others_stay_apart() -> None:
    assert group(unit((1, 0), (0, 1), (1, 0.1), (0.1, 1)), 0.9) == [[0, 2], [1, 3]]


def test_chain_of_neighbours_does_not_join_what_is_far_apart() -> None:
    fan = unit(*((np.cos(a), np.sin(a)) for a in np.linspace(0, np.pi, 13)))
    assert all(len(rows) < 6 for rows in group(fan, 0.9))


def test_order_does_not_matter_to_who_is_together() -> None:
    rows = np.random.default_rng(3).normal(size=(60, 2)).astype(np.float32)
    vectors = unit(*map(tuple, rows))
    turned = group(vectors[::-1].copy(), 0.9)
    assert {frozenset(59 - n for n in rows) for rows in turned} == {
        frozenset(rows) for rows in group(vectors, 0.9)
    }


def test_nothing_is_no_group() -> None:
    assert group(np.zeros((0, 384), np.float32), NEAR) == []


@pytest.fixture(scope="module")
def grouped(encoders: list[Encoder]) -> list[list[dict[str, str]]]:
    """Questions about twelve things in five languages, in the groups they make."""
    with ASKED.open(encoding="utf-8") as file:
        asked = list(csv.DictReader(file))
    shipped, keys = shipped_vectors(encoders[0]), general_keys(encoders[0])
    means = {code: np.mean([shipped[key] for key in of], axis=0) for code, of in keys.items()}
    vectors = encoders[0].questions([row["question"] for row in asked])
    rows = centred(vectors, [row["locale"] for row in asked], means)
    return [[asked[n] for n in of] for of in group(rows, NEAR)]


def test_groups_do_not_mix_topics(grouped: list[list[dict[str, str]]]) -> None:
    mixed = [of for of in grouped if len({row["topic"] for row in of}) > 1]
    assert sum(map(len, mixed)) <= 2


def test_topic_comes_together_across_languages(grouped: list[list[dict[str, str]]]) -> None:
    largest: dict[str, list[dict[str, str]]] = {}
    for of in sorted(grouped, key=len):
        largest[Counter(row["topic"] for row in of).most_common(1)[0][0]] = of
    spoken = [len({row["locale"] for row in of}) for of in largest.values()]
    assert sum(spoken) / len(spoken) >= 4
    assert sum(len(of) for of in largest.values()) >= 70
