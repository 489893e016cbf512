"""How sure an answer must be in each language, and what that costs in questions left open."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from retriever.bars import Bars
from retriever.calibration import Bar, least_questions
from retriever.index import Index
from retriever.lessons import Lesson, Taken


class Standing(StrEnum):
    """What can be promised of a language's answers, and why not more."""

    promised = "promised"
    # Nothing was sure enough: only the very words of a title or phrasing are answered.
    silent = "silent"
    few = "few"
    trained = "trained"
    unknown = "unknown"


@dataclass(frozen=True)
class LocaleSilence:
    """The bar that decides in a language, and what its phrasings taught beside it.

    `missing` are the phrasings that a promise still needs; `lesson` is None when it was lost.
    """

    locale: str
    standing: Standing
    bar: Bar | None
    missing: int
    lesson: Lesson | None

    def is_said(self, taken: Taken) -> bool:
        """Whether the other article would be answered to that phrasing's words."""
        return self.bar is not None and self.bar.is_passed_by(taken.confidence)


@dataclass(frozen=True)
class Silence:
    """The promise, `max_wrong`, and how it stands in each language.

    Older bars stand, and are shown, while the present texts are not `is_learned`.
    """

    max_wrong: float | None
    is_learned: bool
    learned_at: datetime | None
    locales: tuple[LocaleSilence, ...]


def silence_of(index: Index, locales: Sequence[str]) -> Silence:
    """How the promise stands at this moment."""
    bars, lessons = index.bars or {}, index.lessons()
    known = {locale: Lesson(0) for locale in locales} | dict(lessons.locales) if lessons else {}
    found = (
        silence_in(locale, bars.get(locale), known.get(locale), index.acceptable)
        for locale in locales
    )
    return Silence(
        index.acceptable,
        index.is_rehearsed,
        lessons.learned_at if lessons else None,
        tuple(found),
    )


def silence_in(
    locale: str, bar: Bar | None, lesson: Lesson | None, acceptable: float | None
) -> LocaleSilence:
    """How the promise stands in one language. Pure."""
    needed = least_questions(acceptable) if acceptable else 0
    missing = max(needed - lesson.phrasings, 0) if lesson else 0
    return LocaleSilence(locale, _standing(bar, lesson), bar, missing, lesson)


def _standing(bar: Bar | None, lesson: Lesson | None) -> Standing:
    if bar:
        return Standing.promised if bar.answered else Standing.silent
    if lesson is None:
        return Standing.unknown
    return Standing.trained if lesson.is_trained else Standing.few


def silence_report(
    bars: Bars | None, max_wrong: float | None, locales: Sequence[str]
) -> dict[str, Any]:
    """`max_wrong`, and by locale the learned bar with its coverage; None where none is learned,
    for want of phrasings, and the shipped bars hold without a guarantee.

    Before the store was ever asked there are no `bars`: nothing is `learned`, and no locale named.
    """
    learned = {} if bars is None else {locale: bars.get(locale) for locale in locales}
    return {
        "max_wrong": max_wrong,
        "learned": bars is not None,
        "locales": {
            locale: asdict(bar) | {"coverage": round(bar.coverage, 4)} if bar else None
            for locale, bar in learned.items()
        },
    }
