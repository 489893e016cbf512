"""The bars that a store's own texts teach, learned once for each state of them.

Learning takes seconds, so what was learned is kept in one file of the home folder under the digest
of what it was learned from: a restart, or another worker, reads it. Disposable like the vectors.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from retriever.calibration import Bar
from retriever.embeddings import Encoder
from retriever.general import general_keys
from retriever.lessons import Lesson, LessonBook, Lessons
from retriever.texts import Document
from retriever.weights import weights_digest

# States of the store whose bars are kept; more than a server's workers can be apart.
KEPT = 20

log = logging.getLogger("verbatim")
Bars = Mapping[str, Bar]


class BarBook:
    """Bars by what they were learned from; `acceptable` is the share of wrong answers."""

    def __init__(self, path: Path, acceptable: float) -> None:
        self.acceptable = acceptable
        self._path, self._lock = path, FileLock(f"{path}.lock")
        self._lessons = LessonBook(path.with_name("lessons.json"))

    def bars(self, taught_by: str, learn: Callable[[], Bars]) -> Bars:
        """What that state of the store teaches; one process learns, the others wait for it."""
        name = f"{self._prefix}{taught_by}"
        with ExitStack() as alone:
            # In a folder that takes no lock every process learns for itself.
            with suppress(OSError):
                alone.enter_context(self._lock)
            known = self._read()
            bars = known.pop(name, None)
            bars = learn() if bars is None else bars
            self._write({**dict(list(known.items())[1 - KEPT :]), name: bars})
            return bars

    def latest(self) -> Bars | None:
        """What was learned or found last for this share; None before the first time."""
        of_this_share = [b for name, b in self._read().items() if name.startswith(self._prefix)]
        return of_this_share[-1] if of_this_share else None

    def keep_lessons(self, taught_by: str, lessons: Mapping[str, Lesson]) -> None:
        """Write down what was learned beside the bars, while they are learned."""
        self._lessons.keep(f"{self._prefix}{taught_by}", lessons)

    def lessons(self) -> Lessons | None:
        """What was learned beside the bars that were learned or found last."""
        names = [name for name in self._read() if name.startswith(self._prefix)]
        return self._lessons.of(names[-1]) if names else None

    @property
    def _prefix(self) -> str:
        return f"{self.acceptable:g} "

    def _read(self) -> dict[str, Bars]:
        try:
            found = json.loads(self._path.read_text())
            return {
                name: {locale: Bar(**bar) for locale, bar in bars.items()}
                for name, bars in found.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError):
            log.warning("%s cannot be read; the bars are learned anew", self._path)
            return {}

    def _write(self, known: Mapping[str, Bars]) -> None:
        plain = {name: {c: asdict(bar) for c, bar in bars.items()} for name, bars in known.items()}
        made = self._path.with_suffix(".new")
        try:
            made.write_text(json.dumps(plain, indent=1))
            os.replace(made, self._path)
        except OSError as error:
            log.warning("%s cannot be written (%s); the bars are not kept", self._path, error)


def teaching(documents: Sequence[Document], encoders: Sequence[Encoder]) -> str:
    """The digest of everything that bars are learned from."""
    digest = hashlib.sha256()
    general = sorted({key for e in encoders for of in general_keys(e).values() for key in of})
    digest.update(json.dumps([weights_digest(), *(e.name for e in encoders), *general]).encode())
    digest.update(json.dumps([getattr(e, "exam", None) for e in encoders]).encode())
    for document in sorted(documents, key=lambda d: (d.slug, d.locale)):
        texts = [(text.source, text.key) for text in document.texts]
        place = [document.slug, document.locale, document.audience, texts]
        digest.update(json.dumps(place).encode())
    return digest.hexdigest()[:32]
