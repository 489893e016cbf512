"""From a question to the approved answers that might fit, and how surely."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from sqlmodel import Session

from retriever.calibration import Bar
from retriever.embeddings import Encoder, TokenStates, Vectors, reads, thread_of
from retriever.index import EXACT_LIMIT, Index, Level
from retriever.lexical import tokenize
from retriever.passages import Passage, loudest_passage
from retriever.ranking import Asked, Ranking, are_close, promising, rank
from retriever.shelf import Ints, Shelf
from retriever.states import SeesTokens
from retriever.texts import Text
from retriever.vectors import VectorStore
from retriever.weights import Weights

PROPOSALS = 200
EVIDENCE = 3
# What a question that is word for word one article's phrasing is worth.
EXACT_CONFIDENCE = 0.99
# Questions whose vectors are kept for a moment: the chat judges a message by its vector too.
VECTORS_KEPT = 64
# An article with less than this share of the best one's belief is not worth a reader's time.
RELATED_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Witness:
    """One text that spoke for an article, and how strongly (centred cosine, share of words)."""

    text: Text
    similarity: float
    words: float


@dataclass(frozen=True, slots=True)
class Match:
    """An article that might fit: the share of belief it holds, and what spoke for it.

    `passage` is the part of its body that did so loudest, if nothing else was louder.
    """

    article_id: int
    slug: str
    title: str
    share: float
    witnesses: tuple[Witness, ...]
    passage: Passage | None = None

    @property
    def is_related(self) -> bool:
        """Whether it is near enough to be offered beside another answer."""
        return self.share >= RELATED_SHARE


@dataclass(frozen=True)
class Findings:
    """Matches best first; `confidence` that the first is right, `in_scope` that any can be.

    `live` says which Revision of a match shows in each locale (article → locale → id); None when
    the index lags behind history and the store has to be asked.
    """

    epoch: int
    matches: tuple[Match, ...]
    confidence: float
    in_scope: float
    may_answer: bool
    may_clarify: bool
    live: dict[int, dict[str, int]] | None = None

    @property
    def is_close(self) -> bool:
        """The second article is too close behind the first; of at least two matches."""
        return are_close([match.share for match in self.matches])


def find_matches(
    session: Session, index: Index, question: str, language: str, audience: str, limit: int = 10
) -> Findings:
    """Matches for a question, best first, at the level of this instant."""
    level, is_current = index.level(session)
    key = (question, language, audience, limit)
    found: Findings = level.remembered(
        key, lambda: find_at(index.vectors, level, question, language, audience, limit)
    )
    live = level.live([m.article_id for m in found.matches], audience) if is_current else None
    return replace(found, epoch=level.epoch, live=live)


def nothing_found(index: Index, session: Session) -> Findings:
    """What is found for something that is no question."""
    return Findings(index.level(session)[0].epoch, (), 0.0, 0.0, False, False)


def find_at(
    vectors: VectorStore | None,
    level: Level,
    question: str,
    language: str,
    audience: str,
    limit: int,
) -> Findings:
    """Matches for a question at a given Level, computed anew; without `vectors`, exactly."""
    shelf = level.shelf(audience)
    if not shelf.article_ids:
        return no_match(level)
    asked = asked_of(vectors, shelf, question, language)
    return findings_of(level, shelf, asked, rank(shelf, asked), limit)


def no_match(level: Level) -> Findings:
    """What is found on an empty shelf."""
    return Findings(level.epoch, (), 0.0, 0.0, False, False)


def findings_of(
    level: Level, shelf: Shelf, asked: Asked, ranking: Ranking, limit: int, is_brief: bool = False
) -> Findings:
    """What a ranking comes to at a Level; in `is_brief`, without what spoke for the matches."""
    exact = shelf.asked_exactly(asked.tokens)
    if exact:
        ranking = _put_first(ranking, exact)
    weights = shelf.weights(len(asked.vectors))
    chosen = list(zip(ranking.articles, ranking.shares, strict=True))[:limit]
    sure = _is_sure(ranking, weights, level.bars.get(asked.language))
    match = _brief_match if is_brief else _match
    return Findings(
        epoch=level.epoch,
        matches=tuple(match(shelf, article, share, ranking) for article, share in chosen),
        confidence=ranking.confidence,
        in_scope=ranking.in_scope,
        may_answer=len(exact) == 1 or (sure and not exact),
        may_clarify=bool(exact) or ranking.in_scope >= weights.clarify,
    )


def _put_first(ranking: Ranking, exact: tuple[int, ...]) -> Ranking:
    """Editors gave these articles this very phrasing: one is the answer, more are a choice."""
    pairs = zip(ranking.articles, ranking.shares, strict=True)
    others = [(article, share) for article, share in pairs if article not in exact]
    sure = EXACT_CONFIDENCE / len(exact)
    return replace(
        ranking,
        articles=(*exact, *(article for article, _ in others)),
        shares=(*(sure for _ in exact), *(share for _, share in others)),
        confidence=max(ranking.confidence, sure) if len(exact) == 1 else sure,
        in_scope=max(ranking.in_scope, EXACT_CONFIDENCE),
    )


def _is_sure(ranking: Ranking, weights: Weights, bar: Bar | None) -> bool:
    """Whether the best passes the bar that the store's own texts taught, or else the shipped."""
    if ranking.is_close:
        return False
    if bar:
        return bar.is_passed_by(ranking.confidence)
    return ranking.confidence >= weights.answer and ranking.in_scope >= weights.speak


def asked_of(vectors: VectorStore | None, shelf: Shelf, question: str, language: str) -> Asked:
    """A question as the judges see it; without `vectors`, every text gets an exact look."""
    encoders = [v.encoder for v in shelf.views if reads(v.encoder, language)]
    # Side by side: together the encoders take little longer than the slower one.
    waiting = [thread_of(e.name).submit(_encoded, e, question) for e in encoders]
    done = [future.result() for future in waiting]
    if vectors is not None:
        vectors.questions.see(question, dict(zip((e.name for e in encoders), done, strict=True)))
    states = next((states for _, states in done if states is not None), None)
    vectors_of = tuple(vector for vector, _ in done)
    words = tuple(tokenize(question, language))
    asked = Asked(language, words, vectors_of, states=states)
    if vectors is None or len(shelf.texts) <= EXACT_LIMIT:
        return asked
    return near_to(vectors, shelf, asked)


def near_to(vectors: VectorStore, shelf: Shelf, asked: Asked) -> Asked:
    """The question with the rows that deserve an exact look, on a shelf too large for all."""
    return replace(asked, near=_near(vectors, shelf, asked))


def question_vector(index: Index, question: str, encoder: str) -> Vectors | None:
    """A question as the encoder of that name reads it, at no cost just after a search for it.

    None where the index has no such encoder.
    """
    for known in index.encoders:
        if known.name == encoder:
            return thread_of(encoder).submit(_encoded, known, question).result()[0]
    return None


@lru_cache(maxsize=VECTORS_KEPT)
def _encoded(encoder: Encoder, question: str) -> tuple[Vectors, TokenStates | None]:
    vector = encoder.questions([question])[0]
    return vector, encoder.states([question])[0] if isinstance(encoder, SeesTokens) else None


def _near(vectors: VectorStore, shelf: Shelf, asked: Asked) -> tuple[Ints, ...]:
    """For each view, the rows of the articles that nearness, words or the head propose."""
    proposed = promising(shelf, asked, PROPOSALS // 10)
    return tuple(
        shelf.rows_near(view, vectors.nearest(view.encoder, vector, PROPOSALS), proposed)
        for view, vector in zip(shelf.views, asked.vectors, strict=False)
    )


def _brief_match(shelf: Shelf, article_id: int, share: float, _ranking: Ranking) -> Match:
    document = shelf.documents[shelf.bounds[shelf.place(article_id)]]
    return Match(article_id, document.slug, document.title, share, ())


def _match(shelf: Shelf, article_id: int, share: float, ranking: Ranking) -> Match:
    place = shelf.place(article_id)
    rows = range(shelf.bounds[place], shelf.bounds[place + 1])
    document = shelf.documents[rows.start]
    similar = ranking.evidence.cosines[:, rows.start : rows.stop].max(axis=0)
    words = ranking.evidence.words[rows.start : rows.stop]
    return Match(
        article_id,
        document.slug,
        document.title,
        share,
        _witnesses(shelf.texts[rows.start : rows.stop], similar, words),
        loudest_passage(shelf, rows, similar + words),
    )


def _witnesses(texts: list[Text], similar: Vectors, words: Vectors) -> tuple[Witness, ...]:
    best = np.argsort(-(similar + words), kind="stable")[:EVIDENCE]
    return tuple(
        Witness(texts[n], round(float(similar[n]), 4), round(float(words[n]), 4)) for n in best
    )
