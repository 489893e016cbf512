"""What a store learned about itself beside its bars, for the people who keep it.

What other shares of wrong answers would cost, how many phrasings there were to learn from, and
which of them another article takes. Nothing decides by it, so it may be lost: the next state of the
store teaches it anew.
"""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kb.db import now
from retriever.calibration import Bar

# Acceptable shares of wrong answers whose cost is shown, beside the one that was chosen.
SHARES = (0.005, 0.01, 0.02, 0.05, 0.1)
# States of the store whose lessons are kept; an older one is seldom gone back to.
KEPT = 5

log = logging.getLogger("verbatim")


@dataclass(frozen=True)
class Taken:
    """A phrasing of one article, `slug`, for which another is found, named by slug and title.

    `confidence` is how surely; 0 where more than one article is near.
    """

    text: str
    slug: str
    title: str
    by: str
    by_title: str
    confidence: float


@dataclass(frozen=True)
class Lesson:
    """What the `phrasings` of one language taught.

    `bars` by acceptable share, None where they are too few to promise that; `is_trained` where
    the model was trained on them, so that only those tell that were kept from it while it was
    tried.
    """

    phrasings: int
    is_trained: bool = False
    bars: Mapping[float, Bar | None] = field(default_factory=dict)
    taken: tuple[Taken, ...] = ()

    def bar(self, acceptable: float) -> Bar | None:
        """The bar that keeps this promise; None where none is known."""
        return self.bars.get(acceptable)


@dataclass(frozen=True)
class Lessons:
    """The lessons of one state of the store, by locale."""

    learned_at: datetime
    locales: Mapping[str, Lesson]


class LessonBook:
    """Lessons by the name of the state that taught them, in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, name: str, locales: Mapping[str, Lesson]) -> None:
        """Write down what a state has just taught. One process at a time."""
        known = self._read()
        known.pop(name, None)
        plain = {locale: _plain(lesson) for locale, lesson in locales.items()}
        fresh = {"learned_at": now().isoformat(), "locales": plain}
        made = self._path.with_suffix(".new")
        try:
            made.write_text(json.dumps({**dict(list(known.items())[1 - KEPT :]), name: fresh}))
            os.replace(made, self._path)
        except OSError as error:
            log.warning("%s cannot be written (%s); the lessons are not kept", self._path, error)

    def of(self, name: str) -> Lessons | None:
        """What that state taught; None where nobody knows any more."""
        found = self._read().get(name)
        try:
            return None if found is None else _lessons(found)
        except (ValueError, TypeError, AttributeError, KeyError):
            log.warning("%s cannot be read; what was learned beside the bars is lost", self._path)
            return None

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _plain(lesson: Lesson) -> dict[str, Any]:
    # Shares as pairs: a JSON object would make texts of them.
    bars = [[share, bar and asdict(bar)] for share, bar in lesson.bars.items()]
    taken = [asdict(taken) for taken in lesson.taken]
    return {
        "phrasings": lesson.phrasings,
        "is_trained": lesson.is_trained,
        "bars": bars,
        "taken": taken,
    }


def _lessons(found: dict[str, Any]) -> Lessons:
    locales = {locale: _lesson(plain) for locale, plain in found["locales"].items()}
    return Lessons(datetime.fromisoformat(found["learned_at"]), locales)


def _lesson(plain: dict[str, Any]) -> Lesson:
    bars = {share: bar and Bar(**bar) for share, bar in plain["bars"]}
    taken = tuple(Taken(**one) for one in plain["taken"])
    return Lesson(plain["phrasings"], plain["is_trained"], bars, taken)
