"""What the shelf would reply to its own phrasings, were each of them not there.

A phrasing is a question whose right answer is known. Asked of everything but itself, it shows how
often answers are wrong before any customer asks (leave-one-out; the heads leave out a fold at a
time). Asked of everything but its whole article, it is a near miss that nothing should answer, and
so is a general question. The mix is what a help desk meets: one question in four has no answer.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from retriever.calibration import Bar, learn_bar, least_questions
from retriever.embeddings import TokenStates
from retriever.lessons import Lesson, Taken
from retriever.ranking import Absent, Asked, rank
from retriever.shelf import FOLDS, Ints, Shelf

# So many phrasings of a locale are asked; more would tell little and take time at every epoch.
LIMIT = 300
# Of the questions with an answer, for how many there is a near miss, and a general question.
NEAR_MISSES = GENERAL = 1 / 6


@dataclass(frozen=True)
class Rehearsed:
    """How surely a question was answered, 0 where two articles were close; and whether rightly.

    `article` came first. A phrasing that was asked without itself has its `row`.
    """

    confidence: float
    is_right: bool
    article: int
    row: int | None = None


def can_teach(shelf: Shelf, locale: str, acceptable: float) -> bool:
    """Whether a locale has phrasings enough to say from where to answer."""
    return len(_phrasings(shelf, locale)) >= least_questions(acceptable)


def count_phrasings(shelf: Shelf) -> Counter[str]:
    """How many phrasings each locale has."""
    return Counter(text.locale for text in shelf.texts if text.source == "phrasing")


def _phrasings(shelf: Shelf, locale: str) -> list[int]:
    """The phrasings of a locale, those of all articles mixed."""
    texts = shelf.texts
    rows = [n for n, t in enumerate(texts) if t.source == "phrasing" and t.locale == locale]
    return sorted(rows, key=lambda n: texts[n].key)[:LIMIT]


class Rehearsal:
    """Rehearses one shelf. `general` are background questions as asked, by locale.

    `breathe` is called before each question.
    """

    def __init__(
        self,
        shelf: Shelf,
        states: Mapping[str, TokenStates],
        general: Mapping[str, Sequence[Asked]],
        breathe: Callable[[], object] = lambda: None,
    ) -> None:
        self._shelf, self._states, self._general = shelf, states, general
        self._breathe = breathe
        self._heads = cache(lambda fold: shelf.fit_heads(without=fold))

    def lesson(self, locale: str, shares: Iterable[float]) -> Lesson:
        """What a locale's phrasings teach of each acceptable share of wrong answers."""
        found = self.rehearse(locale)
        bars = {share: self._bar(locale, found, share) for share in shares}
        count = count_phrasings(self._shelf)[locale]
        return Lesson(count, bars=bars, taken=self._taken(found))

    def _bar(self, locale: str, found: Sequence[Rehearsed], acceptable: float) -> Bar | None:
        """From where to answer in a locale; None where its phrasings are too few to say."""
        if not can_teach(self._shelf, locale, acceptable):
            return None
        return learn_bar([r.confidence for r in found], [r.is_right for r in found], acceptable)

    def _taken(self, found: Iterable[Rehearsed]) -> tuple[Taken, ...]:
        """The phrasings for which another article came first, surest first."""
        taken = [self._taken_by(r, r.row) for r in found if r.row is not None and not r.is_right]
        return tuple(sorted(taken, key=lambda t: (-t.confidence, t.text, t.slug)))

    def _taken_by(self, rehearsed: Rehearsed, row: int) -> Taken:
        shelf, own = self._shelf, self._shelf.documents[row]
        place = shelf.place(rehearsed.article)
        others = shelf.documents[shelf.bounds[place] : shelf.bounds[place + 1]]
        other = next((d for d in others if d.locale == own.locale), others[0])
        confidence = round(rehearsed.confidence, 4)
        return Taken(
            shelf.texts[row].text, own.slug, own.title, other.slug, other.title, confidence
        )

    def rehearse(self, locale: str) -> list[Rehearsed]:
        """Every question of a locale that the store can put to itself, in a fixed order."""
        rows = _phrasings(self._shelf, locale)
        missed = rows[: round(len(rows) * NEAR_MISSES)]
        general = self._general.get(locale, ())[: round(len(rows) * GENERAL)]
        return [
            *(self._without_itself(row) for row in rows),
            *(self._without_its_article(row) for row in missed),
            *(self._nobodys(asked, n) for n, asked in enumerate(general)),
        ]

    def _without_itself(self, row: int) -> Rehearsed:
        gone = np.array(self._shelf.rows_by_key[self._shelf.texts[row].key], np.int32)
        right = self._shelf.article_ids[self._shelf.labels[row]]
        return replace(self._asked(row, gone, right), row=row)

    def _without_its_article(self, row: int) -> Rehearsed:
        place = self._shelf.labels[row]
        gone = np.arange(self._shelf.bounds[place], self._shelf.bounds[place + 1], dtype=np.int32)
        return self._asked(row, gone, None)

    def _nobodys(self, asked: Asked, number: int) -> Rehearsed:
        return self._judged(asked, Absent(np.zeros(0, np.int32), self._heads(number % FOLDS)), None)

    def _asked(self, row: int, gone: Ints, right: int | None) -> Rehearsed:
        heads = self._heads(self._shelf.fold_of(row))
        return self._judged(self._question(row), Absent(gone, heads), right)

    def _question(self, row: int) -> Asked:
        text = self._shelf.texts[row]
        found = [(view, np.searchsorted(view.rows, row)) for view in self._shelf.views]
        vectors = tuple(v.vectors[at] for v, at in found if at < len(v.rows) and v.rows[at] == row)
        return Asked(text.locale, text.tokens, vectors, states=self._states.get(text.key))

    def _judged(self, asked: Asked, absent: Absent, right: int | None) -> Rehearsed:
        self._breathe()
        ranking = rank(self._shelf, asked, absent)
        first = ranking.articles[0]
        confidence = 0.0 if ranking.is_close else ranking.confidence
        return Rehearsed(confidence, right is not None and first == right, first)
