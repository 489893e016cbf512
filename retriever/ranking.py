"""Judges articles against a question: pure arithmetic on a Shelf, the same for the same input.

Each candidate article gets a row of evidence from judges that see different things (nearest
phrasings, nearest passages, the trained head, words); a linear score with weights learned once
(`weights.json`, by `tests/tuning`) puts them in order; a second model turns the evidence of the
best into the probability that it is the right answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retriever.embeddings import TokenStates, Vectors
from retriever.heads import Head
from retriever.shelf import UNSEEN, Ints, Shelf
from retriever.states import SpreadTokens, TokenIndex
from retriever.weights import Weights

Places = npt.NDArray[np.signedinteger]

CANDIDATES = 24
VIEWS = 2
# Scores nearer than this are a tie: the head is fitted to about so much.
TIE = 0.01
SCORE_DECIMALS = 2
# The features that only a look at the tokens gives, the last two: the closest text, and the whole
# article, where each token of the question may find its nearest in another text.
CLOSENESS, COVERAGE = 11, 12
# A second article with this much of the first one's belief makes it too close to call.
CLOSE = 0.5
# Log posteriors beyond these say no more than that it is hopeless.
LEAST_POSTERIOR, LEAST_NOBODY = -6.0, -8.0


@dataclass(frozen=True)
class Asked:
    """A question as the judges see it: its language, its tokens, a vector for each view.

    `states` are its tokens, where an encoder tells them apart. On a large shelf `near` holds,
    for each view, the rows that deserve an exact look.
    """

    language: str
    tokens: tuple[str, ...]
    vectors: tuple[Vectors, ...]
    near: tuple[Ints | None, ...] = (None,) * VIEWS
    states: TokenStates | None = None


@dataclass(frozen=True)
class Seen:
    """What vectors alone say of a question: `cosines` (2, texts), `standing` (8,) whose first two
    places words have yet to fill, and the head's log `posteriors` (articles + 1,)."""

    cosines: Vectors
    standing: Vectors
    posteriors: Vectors


@dataclass(frozen=True)
class Evidence:
    """What the judges saw: candidates (k,) as places on the shelf, and their judgements.

    `features` (k, 13) per candidate, `standing` (9,) of the question as a whole and, last, what its
    language was taught; `cosines` (2, texts) and `words` (texts,) of every text.
    """

    candidates: npt.NDArray[np.intp]
    features: Vectors
    standing: Vectors
    cosines: Vectors
    words: Vectors


@dataclass(frozen=True)
class Ranking:
    """Articles best first, each with its share of belief; and what the best is worth."""

    articles: tuple[int, ...]
    shares: tuple[float, ...]
    confidence: float
    in_scope: float
    evidence: Evidence

    @property
    def is_close(self) -> bool:
        """The second article is too close behind the first."""
        return are_close(self.shares)


def are_close(shares: Sequence[float]) -> bool:
    """Whether the second share of belief is too near the first to call."""
    return len(shares) > 1 and shares[1] >= CLOSE * shares[0]


@dataclass(frozen=True)
class Absent:
    """Texts that are taken as if they were not there, by rows of the shelf, and heads (one for
    each number of views) that were fitted without them."""

    rows: Ints
    heads: Sequence[Head]


def rank(shelf: Shelf, asked: Asked, absent: Absent | None = None) -> Ranking:
    """The articles of a shelf that fit a question, best first; ties end at the article's id."""
    return in_order(shelf, len(asked.vectors), examine(shelf, asked, absent))


def in_order(shelf: Shelf, views: int, evidence: Evidence) -> Ranking:
    """What the evidence on a question that so many views could see amounts to."""
    weights = shelf.weights(views)
    scores = np.round(_with_ties(evidence.features @ weights.ranking), SCORE_DECIMALS)
    ids = np.array([shelf.article_ids[place] for place in evidence.candidates])
    order = np.lexsort((ids, -scores))
    shares = _softmax(scores)
    signs = signs_of(evidence, weights)
    return Ranking(
        articles=tuple(int(ids[n]) for n in order),
        shares=tuple(float(shares[n]) for n in order),
        confidence=weights.confidence.probability(signs),
        in_scope=weights.in_scope.probability(signs),
        evidence=evidence,
    )


def _with_ties(scores: Vectors) -> Vectors:
    """Every score as that of the best one within a tie of it; rounding would part neighbours."""
    tied = scores.copy()
    leader = np.inf
    for n in np.argsort(-scores, kind="stable"):
        leader = scores[n] if leader - scores[n] > TIE else leader
        tied[n] = leader
    return tied


def examine(shelf: Shelf, asked: Asked, absent: Absent | None = None) -> Evidence:
    """What every judge sees of a question. The shelf holds at least two articles."""
    views = shelf.views[: len(asked.vectors)]
    cosines = np.full((VIEWS, len(shelf.texts)), UNSEEN, np.float32)
    standing = np.zeros(2 + 3 * VIEWS, np.float32)
    for n, (view, question) in enumerate(zip(views, asked.vectors, strict=True)):
        gone = view.places_of(absent.rows) if absent else None
        cosines[n, view.rows], near = view.look(question, asked.language, asked.near[n], gone)
        standing[2 + 3 * n : 5 + 3 * n] = view.standing(near, asked.language)
    return weigh(shelf, asked, Seen(cosines, standing, _posteriors(shelf, asked, absent)), absent)


def weigh(
    shelf: Shelf,
    asked: Asked,
    seen: Seen,
    absent: Absent | None = None,
    tokens: TokenIndex | SpreadTokens | None = None,
) -> Evidence:
    """What every judge sees, once the vectors were looked at; `tokens` are the shelf's, spread
    out where many questions are asked."""
    cosines, posteriors = seen.cosines, seen.posteriors
    standing = np.append(seen.standing, np.float32(shelf.taught(asked.language)))
    words, tokens = _words(shelf, asked), tokens or shelf.tokens
    if absent:
        words[absent.rows] = 0
    standing[:2] = max(posteriors[:-1].max(), LEAST_POSTERIOR), max(posteriors[-1], LEAST_NOBODY)
    candidates = _candidates(shelf, cosines[: len(asked.vectors)], words, posteriors[:-1])
    features = _features(shelf, candidates, cosines, words, posteriors)
    if tokens and asked.states:
        gone = absent.rows if absent else None
        features[:, CLOSENESS:] = tokens.closeness(asked.states, candidates, gone)
    return Evidence(candidates, features, standing, cosines, words)


def promising(shelf: Shelf, asked: Asked, count: int) -> npt.NDArray[np.intp]:
    """The places that words or the head alone would put first; (up to 2 × count,)."""
    words = np.maximum.reduceat(_words(shelf, asked), shelf.bounds[:-1])
    by_words = np.argsort(-words, kind="stable")
    by_head = np.argsort(-_posteriors(shelf, asked)[:-1], kind="stable")
    return np.unique(np.concatenate([by_words[:count], by_head[:count]]))


def _words(shelf: Shelf, asked: Asked) -> Vectors:
    return shelf.words.scores(shelf.words.known(asked.tokens))


def _posteriors(shelf: Shelf, asked: Asked, absent: Absent | None = None) -> Vectors:
    """Log posteriors of the head that reads these views; the last is the background's."""
    views = shelf.views[: len(asked.vectors)]
    centred = [
        view.centred_questions(vector[None], asked.language)[0]
        for view, vector in zip(views, asked.vectors, strict=True)
    ]
    heads = absent.heads if absent else shelf.heads
    posteriors = heads[len(views) - 1].log_posteriors(np.concatenate(centred))
    if absent:
        left = shelf.places_without(absent.rows)
        posteriors[left] = -np.inf
        posteriors -= np.logaddexp.reduce(posteriors)
    return posteriors


def _candidates(
    shelf: Shelf, cosines: Vectors, words: Vectors, posteriors: Vectors
) -> npt.NDArray[np.intp]:
    """The articles worth a closer look, by a coarse sum of all judges."""
    starts = shelf.bounds[:-1]
    nearest = np.maximum.reduceat(cosines, starts, axis=1).mean(axis=0)
    coarse = nearest + 0.5 * np.maximum.reduceat(words, starts) + 0.03 * posteriors
    return np.argsort(-coarse, kind="stable")[:CANDIDATES]


def _features(
    shelf: Shelf,
    candidates: npt.NDArray[np.intp],
    cosines: Vectors,
    words: Vectors,
    posteriors: Vectors,
) -> Vectors:
    """What each judge says of each candidate; (k, 13)."""
    starts, ends = shelf.bounds[candidates], shelf.bounds[candidates + 1]
    middles = starts + shelf.question_counts[candidates]
    questions, passages = _rows(starts, middles), _rows(middles, ends)
    columns: list[Vectors] = []
    for view in range(VIEWS):
        columns += _best(cosines[view], questions, 3)
        columns += _best(cosines[view], passages, 2)
    columns.append(np.maximum(posteriors[candidates], LEAST_POSTERIOR * 2))
    columns += [np.maximum(_best(words, rows, 1)[0], 0) for rows in (questions, passages)]
    columns += [np.zeros(len(candidates), np.float32)] * 2
    return np.stack(columns, axis=1).astype(np.float32)


def _rows(starts: Places, ends: Places) -> Places:
    """The rows from each start to its end, filled up with -1; (k, longest)."""
    longest = max(int((ends - starts).max()), 1)
    rows = starts[:, None] + np.arange(longest)
    return np.where(rows < ends[:, None], rows, -1)


def _best(values: Vectors, rows: Places, count: int) -> list[Vectors]:
    """For each line of rows the best value, and the mean of the best few; 0 where none is seen."""
    found = np.where(rows < 0, UNSEEN, values[rows])
    if found.shape[1] > count:
        found = np.partition(found, found.shape[1] - count, axis=1)[:, -count:]
    seen = found > UNSEEN
    counts = seen.sum(axis=1)
    total = np.where(seen, found, 0).sum(axis=1)
    best = np.where(counts > 0, found.max(axis=1), 0)
    return [best, total / np.maximum(counts, 1)]


def signs_of(evidence: Evidence, weights: Weights) -> Vectors:
    """What the confidence is made of: the lead of the best, its evidence, the standing; (19,)."""
    scores = evidence.features @ weights.ranking
    best = int(np.argmax(scores))
    features = evidence.features[best]
    lead = [_softmax(scores)[best], scores[best] / 10]
    seen = features[[0, 2, 4, 6, 9, 10, CLOSENESS, COVERAGE]]
    return np.asarray([*lead, *seen, *evidence.standing], np.float32)


def _softmax(scores: Vectors) -> Vectors:
    shares = np.exp(scores - scores.max())
    return np.asarray(shares / shares.sum(), np.float32)
