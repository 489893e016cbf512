"""Write the multilingual encoder's vectors of the sample company, after it has changed.

python -m tests.tuning.sample [HOME]

A home that has the sample company's vectors already saves the minutes.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from kb.content import import_folder
from kb.db import migrate, open_engine, reading
from kb.publishing import live_answers
from kb.settings import Settings
from retriever.embeddings import Encoder, load_encoders
from retriever.index import encode
from retriever.prepared import FILE, prepared_vectors
from retriever.texts import document_of
from retriever.vectors import VectorStore
from tests.tuning.__main__ import ROOT

CONTENT = ROOT / "content"
BATCH = 64


def sample_texts() -> dict[str, tuple[bool, str]]:
    """Every text of the sample company by its key, and whether it is a question."""
    with TemporaryDirectory() as scratch:
        engine = open_engine(f"sqlite:///{scratch}/store.db")
        migrate(engine)
        import_folder(engine, CONTENT, Settings().locales)
        with reading(engine) as session:
            documents = [document_of(publication) for publication in live_answers(session)]
        engine.dispose()
    return {text.key: (text.is_question, text.embedded) for d in documents for text in d.texts}


def main() -> None:
    """Keep what is there, embed what is missing, leave out what is gone."""
    encoder, texts = load_encoders("bundled")[0], sample_texts()
    found = prepared_vectors(CONTENT, encoder)
    if len(sys.argv) > 1:
        store = VectorStore.open(Settings(home=Path(sys.argv[1])))
        found |= store.fetch(encoder, [key for key in texts if key not in found])
    found |= _embedded(encoder, {key: texts[key] for key in texts if key not in found})
    keys = sorted(texts)
    made = {
        f"{encoder.name} keys": np.array(keys),
        encoder.name: np.vstack([found[k] for k in keys]),
    }
    np.savez_compressed(CONTENT / FILE, **made)
    print(f"{len(keys)} vectors in {CONTENT / FILE}")


def _embedded(encoder: Encoder, texts: dict[str, tuple[bool, str]]) -> dict[str, np.ndarray]:
    keys, made = list(texts), {}
    for start in range(0, len(keys), BATCH):
        part = keys[start : start + BATCH]
        made |= dict(zip(part, encode(encoder, [texts[key] for key in part]), strict=True))
    return made


if __name__ == "__main__":
    main()
