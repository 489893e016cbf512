"""One audience's live articles, laid out for judging: what they may not read is not here.

Rows are texts, sorted by article; vectors are kept as the encoders gave them, and centring is
done by algebra, so that one product with the question gives every view of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from retriever.embeddings import Encoder, Vectors
from retriever.heads import Head, fit_head
from retriever.lexical import WordIndex
from retriever.texts import Document, Text

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Background:
    """What people ask any help desk, by locale: where a question stands before it is about us."""

    vectors: dict[str, Vectors]

    def mean(self, locale: str) -> Vectors:
        """The mean question of a language, or of all of them; (dimensions,)."""
        own = self.vectors.get(locale)
        rows = own if own is not None else np.vstack(list(self.vectors.values()))
        return np.asarray(rows.mean(axis=0), np.float32)


# How many texts of its own a language needs before its own mean counts as much as the background's.
SHRINKAGE = 20.0
# What an article's title is worth beside one of its phrasings when a head is fitted.
EXAMPLE_WEIGHTS = {"title": 3.0, "phrasing": 1.0, "heading": 0.5}


class View:
    """The texts that one encoder can read, and where each language's questions centre."""

    def __init__(
        self, encoder: Encoder, rows: Ints, vectors: Vectors, texts: Sequence[Text],
        labels: Ints, background: Background,
    ) -> None:
        self.encoder, self.rows, self.vectors, self.background = encoder, rows, vectors, background
        self.is_question = np.array([texts[r].is_question for r in rows], bool)
        self.locales = np.array([texts[r].locale for r in rows])
        self.labels = labels[rows]
        self._means: dict[tuple[str, bool], Vectors] = {}
        self.centre = np.zeros(len(rows), np.int32)
        self.centres: list[Vectors] = []
        self._centre_rows()
        self.norms = self._centred_norms()

    def _centre_rows(self) -> None:
        for locale in sorted(set(self.locales)):
            for question in (True, False):
                members = (self.locales == locale) & (self.is_question == question)
                if members.any():
                    self.centre[members] = len(self.centres)
                    mean = self._mean(members, locale, question)
                    self._means[locale, question] = mean
                    self.centres.append(mean)

    def _mean(self, members: npt.NDArray[np.bool_], locale: str, question: bool) -> Vectors:
        """A small store's own mean says little, so the language's background helps out."""
        own = self.vectors[members]
        if not question:
            return np.asarray(own.mean(axis=0), np.float32)
        weight = len(own) / (len(own) + SHRINKAGE)
        return np.asarray(
            weight * own.mean(axis=0) + (1 - weight) * self.background.mean(locale), np.float32
        )

    def _centred_norms(self) -> Vectors:
        norms = np.empty(len(self.rows), np.float32)
        for number, mean in enumerate(self.centres):
            members = self.centre == number
            norms[members] = np.linalg.norm(self.vectors[members] - mean, axis=1)
        return np.maximum(norms, 1e-6)

    def question_mean(self, locale: str) -> Vectors:
        """Where questions of that language centre in this store."""
        return self._means.get((locale, True), self.background.mean(locale))

    def centred_rows(self, members: npt.NDArray[np.bool_]) -> Vectors:
        """Centred unit vectors of some rows, for training."""
        rows = self.vectors[members] - np.array(self.centres)[self.centre[members]]
        return np.asarray(rows / self.norms[members, None], np.float32)



    @cached_property
    def all_rows(self):
        return np.arange(len(self.rows))


class Shelf:
    def __init__(self, documents, encoders, vectors, background):
        self.documents = documents
        self.article_ids = sorted({d.article_id for d in documents})
        place = {a: n for n, a in enumerate(self.article_ids)}
        pairs = sorted(
            ((place[d.article_id], not t.is_question, d, t) for d in documents for t in d.texts),
            key=lambda p: (p[0], p[1], p[2].locale, p[2].revision_id),
        )
        self.texts = [p[3] for p in pairs]
        self.docs = [p[2] for p in pairs]
        self.labels = np.array([p[0] for p in pairs], np.int32)
        self.views = []
        self.heads = []
        for e in encoders:
            rows = np.array([n for n, t in enumerate(self.texts) if e.languages is None or t.locale in e.languages], np.int32)
            if not len(rows): continue
            V = np.vstack([vectors[e.name][self.texts[r].key] for r in rows])
            self.views.append(View(e, rows, V, self.texts, self.labels, background[e.name]))
        self.words = WordIndex([t.tokens for t in self.texts])
