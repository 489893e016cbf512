"""The sample company's vectors come along, and are what the encoder would make."""

from pathlib import Path

import numpy as np

from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import encode
from retriever.prepared import prepared_vectors, prime
from retriever.vectors import VectorStore
from tests.retriever.conftest import least_cosine
from tests.tuning.sample import CONTENT, sample_texts


def test_every_text_of_the_sample_company_has_its_vector(encoders: list[Encoder]) -> None:
    found, texts = prepared_vectors(CONTENT, encoders[0]), sample_texts()
    # Otherwise: python -m tests.tuning.sample
    assert set(found) == set(texts)
    some = sorted(texts)[::800]
    made = encode(encoders[0], [texts[key] for key in some])
    assert least_cosine(made, np.vstack([found[key] for key in some])) > 0.9995


def test_vectors_are_kept_once(encoders: list[Encoder], tmp_path: Path) -> None:
    store = VectorStore.open(Settings(home=tmp_path))
    first = prime(store, encoders[:1], CONTENT)
    assert first > 5000
    assert prime(store, encoders[:1], CONTENT) == 0


def test_folder_without_vectors_has_none(encoders: list[Encoder], tmp_path: Path) -> None:
    store = VectorStore.open(Settings(home=tmp_path))
    assert prime(store, encoders, tmp_path) == 0
