"""What only the tests of the retriever need."""

import copy
import uuid

import pytest

from retriever.embeddings import Encoder, MiniLM


@pytest.fixture
def own_encoder(encoders: list[Encoder]) -> Encoder:
    """The English encoder under a name of its own: its vectors may be lost or forgotten."""
    encoder = copy.copy(next(e for e in encoders if isinstance(e, MiniLM)))
    encoder.name = f"minilm-{uuid.uuid4().hex[:8]}"
    return encoder
