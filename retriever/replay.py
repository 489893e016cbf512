"""Thousands of recorded questions asked of a Level, for those who want to know before they publish.

Questions of one language are judged together: one product of matrices looks at all texts for
all of them, which differs from looking for one by a rounding. So what is nearly a tie, or
nearly at a bar, is asked again one by one: what is found is what a customer would be told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log

import numpy as np

from retriever.embeddings import Encoder, TokenStates, Vectors, reads
from retriever.index import EXACT_LIMIT, Level
from retriever.lexical import tokenize
from retriever.progress import Progress, silent
from retriever.questions import QuestionStore
from retriever.ranking import CLOSE, VIEWS, Asked, Ranking, Seen, in_order, rank, weigh
from retriever.search import RELATED_SHARE, Findings, findings_of, near_to, no_match
from retriever.shelf import UNSEEN, Shelf
from retriever.states import SpreadTokens
from retriever.vectors import VectorStore

# Questions times texts that are looked at together: 16 MB for each view.
TOGETHER = 4_000_000
MOST, FEWEST = 128, 1
# What a rounding cannot move: a probability, and a score, which is a tie within 0.01.
SURE, APART = 0.002, 0.02


@dataclass(frozen=True)
class Put:
    """A question as it is looked up, in its language."""

    text: str
    language: str


@dataclass(frozen=True)
class Memory:
    """What the encoders made of questions; read once, for as many levels as one likes."""

    vectors: dict[str, dict[str, Vectors]] = field(default_factory=dict)
    tokens: dict[str, dict[str, TokenStates | None]] = field(default_factory=dict)

    def asked(self, shelf: Shelf, put: Put) -> Asked:
        """A question as the judges of a shelf see it."""
        names = [v.encoder.name for v in shelf.views if reads(v.encoder, put.language)]
        states = (self.tokens[name][put.text] for name in names)
        return Asked(
            put.language,
            tuple(tokenize(put.text, put.language)),
            tuple(self.vectors[name][put.text] for name in names),
            states=next((found for found in states if found is not None), None),
        )


def remember(
    store: QuestionStore,
    encoders: Sequence[Encoder],
    puts: Sequence[Put],
    progress: Progress = silent,
) -> Memory:
    """What encoders made of questions when they were asked; what is missing is made now."""
    memory = Memory()
    for encoder in encoders:
        texts = list(dict.fromkeys(p.text for p in puts if reads(encoder, p.language)))
        found = store.vectors_of(encoder, texts, progress)
        memory.vectors[encoder.name] = dict(zip(texts, found, strict=True))
        tokens = store.tokens_of(encoder, texts)
        memory.tokens[encoder.name] = dict(zip(texts, tokens, strict=True))
    return memory


def find_many(
    vectors: VectorStore,
    level: Level,
    memory: Memory,
    puts: Sequence[Put],
    audience: str,
    limit: int,
    progress: Progress = silent,
) -> list[Findings]:
    """What `find_at` would find for each, without what spoke for the matches."""
    shelf = level.shelf(audience)
    if not shelf.article_ids:
        return [no_match(level) for _ in puts]
    found: dict[int, Findings] = {}
    groups, tokens = list(_groups(shelf, puts)), shelf.tokens.spread() if shelf.tokens else None
    for number in progress(range(len(groups)), "asking", len(groups)):
        asked = [memory.asked(shelf, puts[n]) for n in groups[number]]
        rankings = _rank_all(shelf, asked, tokens)
        for n, one, ranking in zip(groups[number], asked, rankings, strict=True):
            rough = findings_of(level, shelf, one, ranking, limit, is_brief=True)
            is_settled = _is_settled(level, shelf, one, ranking, rough)
            found[n] = rough if is_settled else _exactly(vectors, level, shelf, one, limit)
    return [found[n] for n in range(len(puts))]


def find_exactly(
    vectors: VectorStore, level: Level, memory: Memory, put: Put, audience: str, limit: int
) -> Findings:
    """What a customer would find, to the bit, without what spoke for the matches."""
    shelf = level.shelf(audience)
    if not shelf.article_ids:
        return no_match(level)
    return _exactly(vectors, level, shelf, memory.asked(shelf, put), limit)


def _exactly(
    vectors: VectorStore, level: Level, shelf: Shelf, asked: Asked, limit: int
) -> Findings:
    asked = asked if len(shelf.texts) <= EXACT_LIMIT else near_to(vectors, shelf, asked)
    return findings_of(level, shelf, asked, rank(shelf, asked), limit, is_brief=True)


def _groups(shelf: Shelf, puts: Sequence[Put]) -> Iterator[list[int]]:
    """Questions that can be looked at together, by number: of one language, not too many."""
    size = min(max(TOGETHER // len(shelf.texts), FEWEST), MOST)
    for language in sorted({put.language for put in puts}):
        numbers = [n for n, put in enumerate(puts) if put.language == language]
        yield from (numbers[start : start + size] for start in range(0, len(numbers), size))


def _rank_all(
    shelf: Shelf, asked: Sequence[Asked], tokens: SpreadTokens | None
) -> Iterator[Ranking]:
    """As `rank`, but for roundings, for questions of one language."""
    count = len(asked[0].vectors)
    for question, seen in zip(asked, _see_all(shelf, asked), strict=True):
        yield in_order(shelf, count, weigh(shelf, question, seen, tokens=tokens))


def _see_all(shelf: Shelf, asked: Sequence[Asked]) -> Iterator[Seen]:
    language, views = asked[0].language, shelf.views[: len(asked[0].vectors)]
    cosines = np.full((len(asked), VIEWS, len(shelf.texts)), UNSEEN, np.float32)
    standing = np.zeros((len(asked), 2 + 3 * VIEWS), np.float32)
    centred = []
    for n, view in enumerate(views):
        questions = np.stack([question.vectors[n] for question in asked])
        cosines[:, n, view.rows], nearness = view.look_at_all(questions, language)
        standing[:, 2 + 3 * n : 5 + 3 * n] = view.standing(nearness, language)
        centred.append(view.centred_questions(questions, language))
    posteriors = shelf.heads[len(views) - 1].log_posteriors(np.hstack(centred))
    return map(Seen, cosines, standing, posteriors)


def _is_settled(
    level: Level, shelf: Shelf, asked: Asked, ranking: Ranking, found: Findings
) -> bool:
    """Whether a rounding could not make another reply of it."""
    weights = shelf.weights(len(asked.vectors))
    scores = np.sort(ranking.evidence.features @ weights.ranking)[::-1]
    gaps = -np.diff(scores[:4])
    if shelf.asked_exactly(asked.tokens):
        return bool(found.may_answer)
    bar = level.bars.get(asked.language)
    edges = [ranking.in_scope - weights.clarify]
    if bar:
        edges.append(ranking.confidence - bar.confidence)
    else:
        edges += [ranking.confidence - weights.answer, ranking.in_scope - weights.speak]
    if gaps.size:
        edges.append((gaps[0] + log(CLOSE)) * SURE / APART)
    if min(abs(edge) for edge in edges) < SURE:
        return False
    if found.may_answer or not found.may_clarify:
        return True
    shares = (abs(match.share - RELATED_SHARE) for match in found.matches)
    return bool((gaps > APART).all()) and all(gap > RELATED_SHARE / 10 for gap in shares)
