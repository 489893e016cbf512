"""Write the bundled encoders' vectors of the general questions, after those have changed.

python -m tests.tuning.general
"""

import numpy as np

from retriever.embeddings import load_encoders
from retriever.general import general_keys
from tests.tuning.__main__ import ROOT


def main() -> None:
    """Embed them all."""
    made = {}
    for encoder in load_encoders("bundled"):
        texts = {key: text for of in general_keys(encoder).values() for key, text in of.items()}
        made[f"{encoder.name} keys"] = np.array(list(texts))
        made[encoder.name] = encoder.questions(list(texts.values()))
    np.savez_compressed(ROOT / "retriever" / "general_vectors.npz", **made)


if __name__ == "__main__":
    main()
