"""What people ask any help desk: the zero point from which questions about this store stand out."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np

from kb.settings import LOCALE_NAMES
from retriever.embeddings import Encoder, TokenStates, Vectors, reads
from retriever.keys import text_key
from retriever.lexical import tokenize
from retriever.ranking import Asked
from retriever.shelf import Background


@cache
def general_questions() -> dict[str, tuple[str, ...]]:
    """By locale; written for this package."""
    folder = files("retriever") / "background"
    return {
        locale: tuple((folder / f"{locale}.txt").read_text("utf-8").split("\n")[:-1])
        for locale in LOCALE_NAMES
    }


def general_keys(encoder: Encoder) -> dict[str, dict[str, str]]:
    """By locale that the encoder reads, the texts by the key of their vector."""
    return {
        locale: {text_key("question", text): text for text in texts}
        for locale, texts in general_questions().items()
        if reads(encoder, locale)
    }


def shipped_vectors(encoder: Encoder) -> dict[str, Vectors]:
    """Vectors of these questions by key, as the bundled encoders made them; of another, none.

    Written by `python -m tests.tuning.general`, so that a new store need not wait for them.
    """
    with (files("retriever") / "general_vectors.npz").open("rb") as file, np.load(file) as stored:
        if encoder.name not in stored:
            return {}
        return dict(zip(stored[f"{encoder.name} keys"].tolist(), stored[encoder.name], strict=True))


def as_asked(
    encoders: tuple[Encoder, ...],
    backgrounds: Mapping[str, Background],
    states: Mapping[str, TokenStates],
) -> dict[str, list[Asked]]:
    """The general questions as the judges see a question, by locale."""
    return {
        locale: [
            Asked(
                locale,
                tuple(tokenize(text, locale)),
                tuple(
                    backgrounds[encoder.name].vectors[locale][number]
                    for encoder in encoders
                    if reads(encoder, locale)
                ),
                states=states.get(text_key("question", text)),
            )
            for number, text in enumerate(texts)
        ]
        for locale, texts in general_questions().items()
    }
