"""What only the tests of the retriever need."""

import copy
import uuid

import numpy as np
import pytest
from numpy.typing import NDArray

from retriever import general
from retriever.embeddings import Encoder, MiniLM
from retriever.general import general_questions

FEW = 20


@pytest.fixture
def own_encoder(encoders: list[Encoder], monkeypatch: pytest.MonkeyPatch) -> Encoder:
    """The English encoder under a name of its own: its vectors may be lost or forgotten.

    None are shipped under that name, so the general questions are fewer.
    """
    few = {locale: texts[:FEW] for locale, texts in general_questions().items()}
    monkeypatch.setattr(general, "general_questions", lambda: few)
    encoder = copy.copy(next(e for e in encoders if isinstance(e, MiniLM)))
    encoder.name = f"minilm-{uuid.uuid4().hex[:8]}"
    return encoder


def least_cosine(made: NDArray[np.float32], shipped: NDArray[np.float32]) -> float:
    """How near unit vectors are at worst; E5 rounds differently on other processors."""
    return float((made * shipped).sum(axis=1).min())
