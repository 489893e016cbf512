"""One audience's live articles, laid out for judging: what they may not read is not here.

Rows are texts, sorted by article; vectors are kept as the encoders gave them, and centring is
done by algebra, so that one product with the question gives every view of it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from retriever.embeddings import Encoder, TokenStates, Vectors, judged_as, trust_in
from retriever.heads import Head, fit_head
from retriever.lexical import WordIndex
from retriever.states import TokenIndex
from retriever.texts import Document, Text
from retriever.weights import Weights, weights_for

Ints = npt.NDArray[np.int32]

# How many texts of its own a language needs before its own mean counts as much as the background's.
SHRINKAGE = 20.0
# What one of an article's texts is worth beside a phrasing when a head is fitted.
EXAMPLE_WEIGHTS = {"title": 4.0, "phrasing": 1.0, "heading": 0.5}

# A background question whose centred cosine with one of ours reaches this is taken for ours.
OUR_OWN = 0.75
UNSEEN = np.float32(-1.0)
# Parts that phrasings fall into, so that each can be asked of a head that never saw it.
FOLDS = 5
# Phrasings an article, on average, from which they rather than the passages decide.
PHRASINGS_ENOUGH = 2.5
# Below this most articles have none.
PHRASINGS_FEW = 0.5


@dataclass(frozen=True)
class Background:
    """What people ask any help desk, by locale: where a question stands before it is about us."""

    vectors: dict[str, Vectors]

    def rows(self, locale: str) -> Vectors:
        """The questions of a language, or of all of them; (questions, dimensions)."""
        own = self.vectors.get(locale)
        return own if own is not None else np.vstack(list(self.vectors.values()))

    def mean(self, locale: str) -> Vectors:
        """The mean question of a language, or of all of them; (dimensions,)."""
        return np.asarray(self.rows(locale).mean(axis=0), np.float32)


class View:
    """The texts that one encoder can read, and where each language's texts centre.

    `rows` (n,) are places in the shelf, `vectors` (n, dimensions) as the encoder gave them.
    """

    def __init__(
        self,
        encoder: Encoder,
        rows: Ints,
        texts: Sequence[Text],
        vectors: Vectors,
        background: Background,
        has_phrasings: bool,
    ) -> None:
        self.encoder, self.rows, self.vectors, self.background = encoder, rows, vectors, background
        self._means: dict[tuple[str, bool], Vectors] = {}
        self._typical: dict[str, tuple[Vectors, Vectors]] = {}
        self._with_mean: dict[str, Vectors] = {}
        is_question = np.array([texts[row].is_question for row in rows], bool)
        self._kinds = np.flatnonzero(is_question), np.flatnonzero(~is_question)
        # Where few wrote what customers ask, titles and headings centre where passages do.
        groups = [
            (texts[row].locale, texts[row].is_question)
            if has_phrasings
            else (texts[row].locale, texts[row].source == "phrasing")
            for row in rows
        ]
        self._has_phrasings = has_phrasings
        self._centres: list[Vectors] = []
        self._centre_of = np.zeros(len(rows), np.int32)
        self._norms = np.ones(len(rows), np.float32)
        for group in sorted(set(groups)):
            members = np.array([g == group for g in groups], bool)
            mean = self._mean(vectors[members], *group)
            self._norms[members] = np.linalg.norm(vectors[members] - mean, axis=1)
            self._centre_of[members] = len(self._centres)
            self._centres.append(mean)
            self._means[group] = mean
        self._norms = np.maximum(self._norms, 1e-6)

    def typical(self, locale: str) -> tuple[Vectors, Vectors]:
        """Mean and spread of `nearness` over a language's background questions; (3,) each.

        How near a question that is not about us comes all the same: the zero point that makes
        encoders, stores and languages comparable.
        """
        if locale not in self._typical:
            reached = self.look_at_all(self.background.rows(locale), locale)[1]
            self._typical[locale] = (reached.mean(axis=0), reached.std(axis=0) + 1e-3)
        return self._typical[locale]

    def look(
        self,
        question: Vectors,
        locale: str,
        only: Ints | None = None,
        absent: Ints | None = None,
    ) -> tuple[Vectors, Vectors]:
        """Centred cosine of every row, or `only` of some, with a question; and its nearness.

        Nearness (3,): the best raw cosine, the best centred one with a question and with a
        passage. Rows that are `absent` are not seen.
        """
        if only is None:
            cosines, nearness = self.look_at_all(question[None], locale, absent)
            return cosines[0], nearness[0]
        cosines = np.full(len(self.rows), UNSEEN, np.float32)
        centred, length = self._centred(question[None], locale)
        products = centred @ self.vectors[only].T
        cosines[only] = self._cosines(products, centred, only)[0]
        raw = length[0] * products[0] + self._products_with_mean(locale)[only]
        best = raw.max(initial=-1), *(cosines[kind].max(initial=-1) for kind in self._kinds)
        return cosines, np.array(best, np.float32)

    def look_at_all(
        self, questions: Vectors, locale: str, absent: Ints | None = None
    ) -> tuple[Vectors, Vectors]:
        """As `look`, for several questions: (questions, n) and (questions, 3)."""
        centred, lengths = self._centred(questions, locale)
        products = centred @ self.vectors.T
        cosines = self._cosines(products, centred, slice(None))
        products *= lengths[:, None]
        products += self._products_with_mean(locale)
        if absent is not None:
            cosines[:, absent], products[:, absent] = UNSEEN, UNSEEN
        best = [cosines[:, kind].max(axis=1, initial=-1) for kind in self._kinds]
        return cosines, np.stack([products.max(axis=1), *best], axis=1)

    def _cosines(self, products: Vectors, centred: Vectors, rows: Ints | slice) -> Vectors:
        offsets = centred @ np.array(self._centres, np.float32).T
        cosines = products - offsets[:, self._centre_of[rows]]
        return np.asarray(cosines / self._norms[rows], np.float32)

    def _centred(self, questions: Vectors, locale: str) -> tuple[Vectors, Vectors]:
        """Unit vectors seen from where questions of that language centre; and what was divided."""
        moved = questions - self.question_mean(locale)
        lengths = np.maximum(np.linalg.norm(moved, axis=1), 1e-6).astype(np.float32)
        return np.asarray(moved / lengths[:, None], np.float32), lengths

    def _products_with_mean(self, locale: str) -> Vectors:
        """Every row's product with that language's mean question; (n,)."""
        if locale not in self._with_mean:
            self._with_mean[locale] = self.vectors @ self.question_mean(locale)
        return self._with_mean[locale]

    def standing(self, nearness: Vectors, locale: str) -> Vectors:
        """Nearness in spreads above what that language's background typically reaches; (3,)."""
        mean, spread = self.typical(locale)
        return np.asarray((nearness - mean) / spread, np.float32)

    def _mean(self, own: Vectors, locale: str, is_question: bool) -> Vectors:
        """A small store's own mean says little, so the language's background helps out."""
        mean = own.mean(axis=0)
        if not is_question and self._has_phrasings:
            return np.asarray(mean, np.float32)
        weight = len(own) / (len(own) + SHRINKAGE)
        return np.asarray(weight * mean + (1 - weight) * self.background.mean(locale), np.float32)

    def places_of(self, rows: Ints) -> Ints:
        """Where rows of the shelf stand among those of this view."""
        return np.flatnonzero(np.isin(self.rows, rows)).astype(np.int32)

    def centred_questions(self, questions: Vectors, locale: str) -> Vectors:
        """Unit vectors, seen from where questions of their language centre here."""
        return self._centred(questions, locale)[0]

    def centred_passages(self, passages: Vectors, locale: str) -> Vectors:
        """Unit vectors, seen from where passages of their language centre here."""
        mean = self._means.get((locale, False))
        moved = passages if mean is None else passages - mean
        lengths = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)
        return np.asarray(moved / lengths, np.float32)

    def question_mean(self, locale: str) -> Vectors:
        """Where questions of that language centre in this store."""
        own = self._means.get((locale, True))
        return self.background.mean(locale) if own is None else own

    def centred_rows(self) -> Vectors:
        """Every row as a centred unit vector, to fit a head on; (n, dimensions)."""
        rows = self.vectors - np.array(self._centres, np.float32)[self._centre_of]
        return np.asarray(rows / self._norms[:, None], np.float32)


class Shelf:
    """Articles of one audience and everything that judges a question against them."""

    def __init__(
        self,
        documents: Sequence[Document],
        encoders: Sequence[Encoder],
        vectors: dict[str, dict[str, Vectors]],
        backgrounds: dict[str, Background],
        states: Mapping[str, TokenStates] | None = None,
    ) -> None:
        self.article_ids = sorted({d.article_id for d in documents})
        self._places = {article_id: n for n, article_id in enumerate(self.article_ids)}
        pairs = [(self._places[d.article_id], d, t) for d in documents for t in d.texts]
        pairs.sort(key=lambda p: (p[0], not p[2].is_question, p[1].locale))
        self.texts = [text for _, _, text in pairs]
        self.documents = [document for _, document, _ in pairs]
        self.labels = np.array([label for label, _, _ in pairs], np.int32)
        self.is_question = np.array([t.is_question for t in self.texts], bool)
        self.bounds = np.searchsorted(self.labels, np.arange(len(self.article_ids) + 1))
        phrasings = Counter(text.locale for text in self.texts if text.source == "phrasing")
        self._taught = {c: count / len(self.article_ids) for c, count in phrasings.items()}
        self.phrased = _phrased(sum(self._taught.values()))
        self.views = [
            View(
                e,
                rows,
                self.texts,
                _stack(vectors[e.name], self.texts, rows),
                backgrounds[e.name],
                self.phrased != "passages",
            )
            for e in encoders
            if len(rows := self._readable(e))
        ]
        self.question_counts = np.add.reduceat(self.is_question.astype(np.int32), self.bounds[:-1])
        self.words = WordIndex([text.tokens for text in self.texts])
        self.heads = self.fit_heads()
        tokens = [(states or {}).get(text.key) for text in self.texts]
        self.tokens = (
            TokenIndex(tokens, self.bounds) if any(t is not None for t in tokens) else None
        )

    @cached_property
    def _places_by_tokens(self) -> dict[tuple[str, ...], set[int]]:
        found: dict[tuple[str, ...], set[int]] = {}
        for row in np.flatnonzero(self.is_question):
            if self.texts[row].source != "heading":
                found.setdefault(self.texts[row].tokens, set()).add(int(self.labels[row]))
        return found

    def asked_exactly(self, tokens: tuple[str, ...]) -> tuple[int, ...]:
        """The articles with a title or phrasing of just these words."""
        places = self._places_by_tokens.get(tokens, set()) if tokens else set()
        return tuple(self.article_ids[place] for place in sorted(places))

    def taught(self, locale: str) -> float:
        """How much was written of what customers say in a language: the logarithm of one and the
        phrasings an article has on average. The same evidence is worth less where it is much."""
        return float(np.log1p(self._taught.get(locale, 0.0)))

    def weights(self, views: int) -> Weights:
        """What each judge's word is worth here, of a question that so many views could see."""
        last = self.views[views - 1].encoder
        return weights_for(self.phrased, views, judged_as(last), trust_in(last))

    def place(self, article_id: int) -> int:
        """Where an article stands."""
        return self._places[article_id]

    def places_without(self, rows: Ints) -> npt.NDArray[np.intp]:
        """The places of articles that have no texts but these."""
        gone = np.bincount(self.labels[rows], minlength=len(self.article_ids))
        return np.flatnonzero(gone == np.diff(self.bounds))

    @cached_property
    def rows_by_key(self) -> dict[str, list[int]]:
        """Where each text stands; the same words may stand under several articles."""
        found: dict[str, list[int]] = {}
        for row, text in enumerate(self.texts):
            found.setdefault(text.key, []).append(row)
        return found

    def rows_near(self, view: View, keys: Sequence[str], proposed: npt.NDArray[np.intp]) -> Ints:
        """The view's own rows of the proposed articles and of those with one of the texts."""
        rows = [row for key in keys for row in self.rows_by_key.get(key, ())]
        places = np.union1d(self.labels[rows], proposed)
        spans = [np.arange(self.bounds[p], self.bounds[p + 1]) for p in places]
        texts = np.concatenate(spans) if spans else np.zeros(0, np.int64)
        return np.flatnonzero(np.isin(view.rows, texts)).astype(np.int32)

    def _readable(self, encoder: Encoder) -> Ints:
        known = encoder.languages
        rows = [n for n, t in enumerate(self.texts) if known is None or t.locale in known]
        return np.array(rows, np.int32)

    def fit_heads(self, without: int | None = None) -> list[Head]:
        """A head for each number of views a question can have: the first, or the first two.

        One fold of phrasings and general questions can be left out.
        """
        counts = range(1, len(self.views) + 1)
        return [self._head(self.views[:count], without) for count in counts]

    def fold_of(self, row: int) -> int:
        """Which of the `FOLDS` a text belongs to."""
        return int(self.texts[row].key[:8], 16) % FOLDS

    def _head(self, views: Sequence[View], without: int | None) -> Head:
        taught = [
            n
            for n in views[-1].rows
            if self.is_question[n]
            and (self.texts[n].source != "phrasing" or self.fold_of(n) != without)
        ]
        rows = np.array(taught, np.int32)
        examples = [v.centred_rows()[np.searchsorted(v.rows, rows)] for v in views]
        weights = [EXAMPLE_WEIGHTS[self.texts[row].source] for row in rows]
        nobody = self._nobody(views, without)
        classes = len(self.article_ids)
        labels = np.concatenate([self.labels[rows], np.full(len(nobody[0]), classes, np.int32)])
        return fit_head(
            np.vstack([np.hstack(examples), np.hstack(nobody)]),
            labels,
            np.concatenate([weights, np.ones(len(nobody[0]))]).astype(np.float32),
            classes + 1,
        )

    def warm_up(self) -> None:
        """Work out what the first question in each language would have to wait for."""
        for view in self.views:
            for locale in view.background.vectors:
                view.typical(locale)

    def _nobody(self, views: Sequence[View], without: int | None) -> list[Vectors]:
        """Background questions, but for those that this store may well answer."""
        locales = list(views[-1].background.vectors)
        rows = [
            np.vstack([v.centred_questions(v.background.vectors[c], c) for c in locales])
            for v in views
        ]
        questions = views[0].centred_rows()[self.is_question[views[0].rows]]
        strange = (rows[0] @ questions.T).max(axis=1, initial=-1) < OUR_OWN
        counts = [len(views[0].background.vectors[c]) for c in locales]
        folds = np.concatenate([np.arange(count) % FOLDS for count in counts])
        return [r[strange & (folds != without)] for r in rows]


def _phrased(phrasings: float) -> str:
    """What decides in a store with so many phrasings an article: they, a few, or passages."""
    if phrasings >= PHRASINGS_ENOUGH:
        return "phrasings"
    return "few" if phrasings >= PHRASINGS_FEW else "passages"


def _stack(vectors: dict[str, Vectors], texts: Sequence[Text], rows: Ints) -> Vectors:
    return np.vstack([vectors[texts[row].key] for row in rows])
