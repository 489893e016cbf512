"""What a store can be asked to measure it: its own phrasings, held out, or a file of questions.

Some phrasings of the live articles are taken out and asked. A tenth of the articles is left out
whole, so that what customers ask about them has no answer. Half of the general questions is asked
too; the other half is learned from.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.question_file import Row
from kb.errors import Invalid
from retriever.general import general_questions
from retriever.texts import Document, Text

# One phrasing in so many is held out, of articles that can spare one; one article in ten is.
EVERY, SPARE, EVERY_ARTICLE = 5, 4, 10
LEFT_OUT, GENERAL = "left out", "general"


@dataclass(frozen=True)
class Exam:
    """What the store holds, what it is asked, and the general questions it may learn from."""

    documents: tuple[Document, ...]
    rows: tuple[Row, ...]
    general: dict[str, tuple[str, ...]]


def hold_out(documents: Sequence[Document], locales: Sequence[str]) -> Exam:
    """The exam that a store can set itself, always the same one for the same words."""
    slugs = sorted({d.slug for d in documents}, key=_digest)
    left_out = frozenset(slugs[: len(slugs) // EVERY_ARTICLE])
    rows: list[Row] = []
    kept: list[Document] = []
    for document in documents:
        if document.slug in left_out:
            phrasings = _phrasings(document) if document.locale in locales else []
            rows += [Row(t.text, frozenset(), t.locale, LEFT_OUT) for t in phrasings]
            continue
        out = _spared(document) if document.locale in locales else []
        rows += [Row(t.text, frozenset({document.slug}), t.locale) for t in out]
        kept.append(replace(document, texts=tuple(t for t in document.texts if t not in out)))
    general, asked = _halves(locales)
    return Exam(tuple(kept), tuple(rows + asked), general)


def exam_of(documents: Sequence[Document], rows: Sequence[Row], fallback: str) -> Exam:
    """The exam that a file of questions sets, but for those that are word for word phrasings.

    Raises Invalid when none is left.
    """
    known = {text.text.casefold() for d in documents for text in d.texts}
    asked = [replace(r, locale=r.locale or fallback) for r in rows]
    asked = [r for r in asked if r.question.strip().casefold() not in known]
    if not any(row.expected for row in asked):
        raise Invalid("no question is left to ask: each stands among the phrasings word for word")
    return Exam(tuple(documents), tuple(asked), dict(general_questions()))


def _phrasings(document: Document) -> list[Text]:
    return [text for text in document.texts if text.source == "phrasing"]


def _spared(document: Document) -> list[Text]:
    phrasings = sorted(_phrasings(document), key=lambda text: _digest(text.text))
    return phrasings[: max(1, len(phrasings) // EVERY)] if len(phrasings) >= SPARE else []


def _halves(locales: Sequence[str]) -> tuple[dict[str, tuple[str, ...]], list[Row]]:
    """Half of the general questions are learned from, the others asked."""
    learned, asked = dict(general_questions()), []
    for locale in locales:
        mixed = tuple(sorted(learned[locale], key=_digest))
        learned[locale] = mixed[::2]
        asked += [Row(text, frozenset(), locale, GENERAL) for text in mixed[1::2]]
    return learned, asked


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
