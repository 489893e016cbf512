"""Importing a help centre: how much of the time is embedding, and how fast each encoder reads."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kb.content import import_folder
from kb.db import migrate, open_engine
from kb.settings import Settings
from retriever.embeddings import Encoder, Vectors, load_encoders
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.bench.report import Report


class Timed:
    """An encoder that notes how long it took."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder, self.seconds, self.texts = encoder, 0.0, 0
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self.languages = encoder.languages

    def questions(self, texts: Sequence[str]) -> Vectors:
        """As the encoder does."""
        return self._timed(self.encoder.questions, texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """As the encoder does."""
        return self._timed(self.encoder.passages, texts)

    def _timed(self, encode: Any, texts: Sequence[str]) -> Vectors:
        started = time.perf_counter()
        made: Vectors = encode(texts)
        self.seconds += time.perf_counter() - started
        self.texts += len(texts)
        return made


def run(report: Report, scratch: Path, help_centre: Path | None) -> None:
    """Import twice; the second time there is nothing to do."""
    if help_centre is None:
        report.add("import of a help centre", "not measured", "give --help-centre FOLDER", "")
        return
    home = scratch / "import"
    home.mkdir()
    engine = open_engine(f"sqlite:///{home / 'verbatim.db'}")
    migrate(engine)
    encoders = [Timed(encoder) for encoder in load_encoders("bundled")]
    index = Index(engine, VectorStore.open(Settings(home=home)), encoders)
    index.bring_level()
    for encoder in encoders:
        encoder.seconds, encoder.texts = 0.0, 0
    cpu, started = time.process_time(), time.perf_counter()
    done = import_folder(engine, help_centre, Settings().locales, "en")
    index.bring_level()
    spent, used = time.perf_counter() - started, time.process_time() - cpu
    embedding = sum(encoder.seconds for encoder in encoders)
    report.add("import, files", f"{done.count('created')}", f"{spent:.0f} s", "")
    report.add("import, share embedding", f"{embedding / spent:.1%}", "", "90 %")
    report.add("import, cores busy", f"{used / spent:.2f}", "of 2", "")
    for encoder in encoders:
        rate = encoder.texts / max(encoder.seconds, 1e-9)
        report.add(f"import, {encoder.name}", f"{rate:.0f} texts/s", f"{encoder.texts} texts", "")
    started = time.perf_counter()
    import_folder(engine, help_centre, Settings().locales, "en")
    index.bring_level()
    report.add("second import", f"{time.perf_counter() - started:.2f} s", "", "2 s")
