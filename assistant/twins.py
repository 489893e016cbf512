"""Articles that answer the same question twice: near-duplicates, by meaning and by words."""

from dataclasses import dataclass

import numpy as np

from retriever.embeddings import Vectors
from retriever.shelf import Shelf, View
from retriever.texts import Document

# Least cosine of two articles' mean question and answer: in the sample company no two pass 0.71.
NEAR = 0.8
# Rows that are looked at together.
BLOCK = 1_000
QUESTIONS, ANSWER = frozenset({"title", "phrasing"}), frozenset({"answer"})


@dataclass(frozen=True)
class Twins:
    """Two articles that seem to answer the same, and how near they are."""

    one: Document
    other: Document
    likeness: float


def twins(shelf: Shelf, audience: str, locale: str) -> list[Twins]:
    """Pairs of articles for one audience in one language, nearest first."""
    documents, portraits = _portraits(shelf, audience, locale)
    found = []
    for start in range(0, len(documents), BLOCK):
        cosines = portraits[start : start + BLOCK] @ portraits.T
        for row, other in np.argwhere(cosines >= NEAR):
            if start + row < other:
                likeness = float(cosines[row, other])
                found.append(Twins(documents[start + row], documents[other], likeness))
    return _in_order(found)


def twins_of(shelf: Shelf, document: Document, vectors: dict[str, Vectors]) -> list[Twins]:
    """The same for one article, shown or not; `vectors` are its texts' by key, as first encoded."""
    documents, portraits = _portraits(shelf, document.audience, document.locale)
    view = _view(shelf)
    if view is None or not documents:
        return []
    asked, told = (
        np.array([vectors[t.key] for t in document.texts if t.source in sources], np.float32)
        for sources in (QUESTIONS, ANSWER)
    )
    own = _portrait(
        view.centred_questions(asked, document.locale), view.centred_passages(told, document.locale)
    )
    cosines = portraits @ own
    found = [
        Twins(document, documents[row], float(cosines[row]))
        for row in np.flatnonzero(cosines >= NEAR)
        if documents[row].article_id != document.article_id
    ]
    return _in_order(found)


def _in_order(found: list[Twins]) -> list[Twins]:
    return sorted(
        found, key=lambda t: (-round(t.likeness, 4), t.one.article_id, t.other.article_id)
    )


def _view(shelf: Shelf) -> View | None:
    """The view of the encoder that reads every language."""
    return next((v for v in shelf.views if v.encoder.languages is None), None)


def _portraits(shelf: Shelf, audience: str, locale: str) -> tuple[list[Document], Vectors]:
    grouped: dict[int, tuple[Document, list[int], list[int]]] = {}
    view = _view(shelf)
    if view is None:
        return [], np.zeros((0, 1), np.float32)
    for place, row in enumerate(view.rows):
        document, source = shelf.documents[row], shelf.texts[row].source
        if (document.audience, document.locale) != (audience, locale):
            continue
        _, asked, told = grouped.setdefault(document.article_id, (document, [], []))
        if source in QUESTIONS:
            asked.append(place)
        elif source in ANSWER:
            told.append(place)
    rows = view.centred_rows()
    made = [_portrait(rows[asked], rows[told]) for _, asked, told in grouped.values()]
    documents = [document for document, _, _ in grouped.values()]
    return documents, np.array(made, np.float32).reshape(-1, rows.shape[1])


def _portrait(asked: Vectors, told: Vectors) -> Vectors:
    """A unit vector: half its questions' mean, half its answer."""
    return _unit(_unit(asked.mean(axis=0)) + _unit(told.mean(axis=0)))


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)
