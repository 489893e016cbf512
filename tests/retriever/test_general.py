"""General questions come with their vectors."""

import numpy as np

from retriever.embeddings import Encoder
from retriever.general import general_keys, shipped_vectors
from tests.retriever.conftest import least_cosine


def test_every_general_question_has_its_vector(encoders: list[Encoder]) -> None:
    for encoder in encoders:
        keys = {key for of in general_keys(encoder).values() for key in of}
        # After a change of the questions: python -m tests.tuning.general
        assert set(shipped_vectors(encoder)) == keys


def test_vectors_are_those_the_encoder_makes(encoders: list[Encoder]) -> None:
    for encoder in encoders:
        shipped = shipped_vectors(encoder)
        texts = [item for of in general_keys(encoder).values() for item in list(of.items())[::40]]
        made = encoder.questions([text for _, text in texts])
        assert least_cosine(made, np.vstack([shipped[key] for key, _ in texts])) > 0.9995


def test_another_encoder_has_none(own_encoder: Encoder) -> None:
    assert shipped_vectors(own_encoder) == {}
