"""How a question's time grows with the phrasings; the vectors at the top are synthetic."""

import time
from pathlib import Path

import numpy as np

from kb.settings import Settings
from retriever.embeddings import Encoder, load_encoders
from retriever.general import general_questions
from retriever.index import Level
from retriever.search import find_at
from retriever.shelf import Background
from retriever.texts import Document, Text
from retriever.vectors import VectorStore
from tests.bench.report import Report, percentile

SIZES = (100, 10_000, 100_000)
PER_ARTICLE = 20
QUESTIONS = 60


def run(report: Report, scratch: Path, _help_centre: Path | None) -> None:
    """The same questions to stores of each size, the embedding of the question included."""
    encoder = load_encoders("bundled")[0]
    lines = general_questions()
    background = Background({code: encoder.questions(texts) for code, texts in lines.items()})
    asked = [f"{text} ?" for text in lines["ko"][:QUESTIONS]]
    medians = []
    for size in SIZES:
        store = VectorStore.open(Settings(home=scratch / f"scale-{size}"))
        level = _level(encoder, store, background, size)
        find_at(store, level, asked[0], "ko", "public", 5)
        times = []
        for question in asked:
            started = time.perf_counter()
            find_at(store, level, question, "ko", "public", 5)
            times.append(1000 * (time.perf_counter() - started))
        medians.append(percentile(times, 0.5))
        growth = f"{medians[-1] / medians[0]:.2f} × of {SIZES[0]}"
        report.add(
            f"question among {size:,} phrasings, p50", f"{medians[-1]:.1f} ms", growth, "1.5 ×"
        )


def _level(encoder: Encoder, store: VectorStore, background: Background, size: int) -> Level:
    random = np.random.default_rng(7)
    articles = size // PER_ARTICLE
    seeds = background.vectors["ko"]
    centres = seeds[random.integers(0, len(seeds), articles)]
    noise = random.normal(0, 0.03, (size, encoder.dimensions))
    vectors = (np.repeat(centres, PER_ARTICLE, axis=0) + noise).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    documents = tuple(_document(number) for number in range(articles))
    keys = [text.key for document in documents for text in document.texts]
    store.add(encoder, keys, vectors)
    known = dict(zip(keys, vectors, strict=True))
    return Level(1, documents, {encoder.name: known}, {encoder.name: background}, (encoder,), None)


def _document(number: int) -> Document:
    texts = tuple(
        Text("title" if n == 0 else "phrasing", f"질문 {number} 번 {n}", "ko")
        for n in range(PER_ARTICLE)
    )
    return Document(number, f"a-{number}", number, "ko", 1, "public", "x", f"A {number}", texts)
