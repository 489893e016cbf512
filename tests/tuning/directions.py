"""Learn the directions in which the English encoder's tokens vary most (principal components).

    python -m tests.tuning.directions

From the general questions and the sample company's English pages, paragraph by paragraph; written
to `retriever/token_directions.npy`, (dimensions, DIRECTIONS).
"""

from pathlib import Path

import numpy as np

from retriever.embeddings import DIRECTIONS, MiniLM
from retriever.general import general_questions

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Read, decompose, write."""
    encoder = MiniLM()
    pages = [path.read_text() for path in sorted((ROOT / "content" / "en").rglob("*.md"))]
    paragraphs = [part for page in pages for part in page.split("\n\n")]
    spread = np.zeros((encoder.dimensions, encoder.dimensions))
    for text in [*general_questions()["en"], *paragraphs]:
        hidden = encoder.hidden_states(text)
        units = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
        spread += units.T @ units
    directions = np.linalg.svd(spread)[0][:, :DIRECTIONS]
    np.save(ROOT / "retriever" / "token_directions.npy", directions.astype(np.float16))


if __name__ == "__main__":
    main()
