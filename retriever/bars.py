"""The bars that a store's own texts teach, learned once for each state of them.

Learning takes seconds, so what was learned is kept in one file of the home folder under the digest
of what it was learned from: a restart, or another worker, reads it. Disposable like the vectors.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from retriever.calibration import Bar
from retriever.embeddings import Encoder
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

    def bars(self, taught_by: str, learn: Callable[[], Bars]) -> Bars:
        """What that state of the store teaches; one process learns, the others wait for it."""
        with self._lock:
            known = self._read()
            if taught_by not in known:
                learned = {locale: asdict(bar) for locale, bar in learn().items()}
                known = {**dict(list(known.items())[1 - KEPT :]), taught_by: learned}
                self._write(known)
            return {locale: Bar(**bar) for locale, bar in known[taught_by].items()}

    def latest(self) -> Bars:
        """What was learned last; nothing before the first time."""
        known = list(self._read().values())
        return {locale: Bar(**bar) for locale, bar in known[-1].items()} if known else {}

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            log.warning("%s is damaged; the bars are learned anew", self._path)
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, known: dict[str, Any]) -> None:
        made = self._path.with_suffix(".new")
        made.write_text(json.dumps(known, indent=1))
        os.replace(made, self._path)


def teaching(documents: Sequence[Document], encoders: Sequence[Encoder], acceptable: float) -> str:
    """The digest of everything that bars are learned from."""
    digest = hashlib.sha256()
    digest.update(json.dumps([acceptable, weights_digest(), *(e.name for e in encoders)]).encode())
    for place in sorted(
        (d.slug, d.locale, d.audience, *(t.key for t in d.texts)) for d in documents
    ):
        digest.update("\0".join(place).encode())
    return digest.hexdigest()[:32]
