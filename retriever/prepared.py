"""Vectors that come with the sample company, so that trying it out need not wait for them.

The very bits that the encoder makes, by the key of their text: what has been changed since is
embedded as ever, and a company's own articles are no different. `python -m tests.tuning.sample`
writes the file after the sample company has changed.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retriever.embeddings import Encoder, Vectors
from retriever.vectors import VectorStore

FILE = "vectors.npz"


def prepared_vectors(folder: Path, encoder: Encoder) -> dict[str, Vectors]:
    """What the folder has of that encoder, by key; nothing where there is no file."""
    path = folder / FILE
    if not path.exists():
        return {}
    with np.load(path) as stored:
        if encoder.name not in stored:
            return {}
        return dict(zip(stored[f"{encoder.name} keys"].tolist(), stored[encoder.name], strict=True))


def prime(store: VectorStore, encoders: Sequence[Encoder], folder: Path) -> int:
    """Keep the folder's vectors in the store; how many were not there yet."""
    added = 0
    for encoder in encoders:
        found = prepared_vectors(folder, encoder)
        have = store.fetch(encoder, list(found)) if found else {}
        missing = [key for key in found if key not in have]
        if missing:
            store.add(encoder, missing, np.vstack([found[key] for key in missing]))
        added += len(missing)
    return added
