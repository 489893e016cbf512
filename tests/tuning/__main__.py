"""Fit the weights of the judges on questions that no test asks.

The order of articles: conditional logit (McFadden 1974) over candidates, weights not negative.
The two confidences: L2 logistic regressions on the signs of `retriever.ranking.signs_of`.
Stores with phrasings learn from many that are cut out of the sample company and of CLINC150, asked
with its validation questions (`stores.py`); stores without from a help centre of long articles and
from the sample company without its phrasings. Those of another model beside E5 are learned with
VERBATIM_EMBEDDING_MODEL set to it.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sqlalchemy import Engine

from assistant.question_file import read_rows
from assistant.understanding import understand
from kb.articles import Wording
from kb.content import import_folder
from kb.db import migrate, open_engine, reading, transaction
from kb.people import importer
from kb.publishing import adopt, draft, publish
from kb.settings import Settings
from retriever.bars import BarBook
from retriever.embeddings import judged_as, load_encoders
from retriever.index import Index, Level
from retriever.ranking import VIEWS, Asked, Evidence, examine, signs_of
from retriever.search import asked_of
from retriever.shelf import Shelf
from retriever.vectors import VectorStore
from retriever.weights import Logistic, Weights, weights_name
from tests.tuning.stores import cut, parts_of

ROOT = Path(__file__).resolve().parents[2]
LOCALES = Settings().locales
PENALTY = 0.02
SIGNS = 19
# From where to speak where no bar is learned, chosen on the same questions: 95 % of the answers
# right, 2 % of all questions answered wrongly.
BARS = {
    "phrasings-2": {"answer": 0.85, "speak": 0.86, "clarify": 0.45},
    "phrasings-1": {"answer": 0.85, "speak": 0.8, "clarify": 0.45},
    "few-2": {"answer": 0.88, "speak": 0.7, "clarify": 0.45},
    "few-1": {"answer": 0.85, "speak": 0.7, "clarify": 0.45},
    "phrasings-mpnet": {"answer": 0.85, "speak": 0.86, "clarify": 0.45},
    "few-mpnet": {"answer": 0.88, "speak": 0.7, "clarify": 0.45},
    "passages-mpnet": {"answer": 0.8, "speak": 0.7, "clarify": 0.45},
    "passages-2": {"answer": 0.84, "speak": 0.7, "clarify": 0.45},
    "passages-1": {"answer": 0.75, "speak": 0.7, "clarify": 0.45},
}


@dataclass(frozen=True)
class Example:
    """What the judges saw of a question, and which candidates were right."""

    evidence: Evidence
    right: Any
    is_answerable: bool
    weight: float


def main() -> None:
    """Read the data, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clinc", type=Path, required=True, help="CLINC150's data_full.json")
    parser.add_argument("--help-centre", type=Path, required=True, help="docs/ + questions.jsonl")
    parser.add_argument("--home", type=Path, help="where to keep vectors between runs")
    arguments = parser.parse_args()
    with TemporaryDirectory() as scratch:
        home = arguments.home or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        groups = collect(VectorStore.open(Settings(home=home)), Path(scratch), arguments)
    learned = {name: fit(examples) | BARS[name] for name, examples in sorted(groups.items())}
    file = ROOT / "retriever" / "weights.json"
    everything = json.loads(file.read_text()) | learned
    file.write_text(json.dumps(dict(sorted(everything.items())), indent=1) + "\n")


def collect(vectors: VectorStore, scratch: Path, arguments: Any) -> dict[str, list[Example]]:
    """Examples by the weights they teach."""
    groups: dict[str, list[Example]] = defaultdict(list)

    def add(level: Level, rows: Iterable[tuple[str, str, set[str], float]]) -> None:
        for name, example in _examples(level, rows):
            groups[name].append(example)

    written = Path(__file__).parent / "questions.csv"
    sample = read_questions(written, 2.0)
    company = _level(vectors, scratch / "a.db", ROOT / "content")
    add(company, sample)
    docs = arguments.help_centre / "docs"
    questions = arguments.help_centre / "questions.jsonl"
    add(_level(vectors, scratch / "b.db", docs), read_questions(questions, 1.0))
    # Its articles are short, and in the other languages too, unlike most help centres'.
    asked = (row for row in read_questions(written, 0.25) if row[1] == "en")
    add(cut(company, 0), asked)
    for count in (1, 2, 3, 5, 8):
        add(cut(company, count), read_questions(written, 0.5))
    clinc = json.loads(arguments.clinc.read_text())
    whole = _clinc_level(vectors, scratch / "c.db", clinc, 100)
    for part in parts_of(whole):
        rows = list(part.rows(clinc))
        add(part.level, rows)
        # As one in another language would be seen.
        for name, example in _examples(part.level, rows[::4], views=1):
            groups[name].append(example)
    return groups


def _level(vectors: VectorStore, database: Path, content: Path, rehearse: bool = False) -> Level:
    engine = open_engine(f"sqlite:///{database}")
    migrate(engine)
    import_folder(engine, content, LOCALES)
    return _indexed(engine, vectors, database, rehearse)


def _indexed(engine: Engine, vectors: VectorStore, database: Path, rehearse: bool) -> Level:
    """The level of a store, with the bars of silence that its own texts teach if wanted."""
    book = BarBook(database.with_suffix(".json"), Settings().max_wrong) if rehearse else None
    index = Index(engine, vectors, load_encoders(Settings().embedding_model), book)
    index.bring_level()
    index.rehearse()
    with reading(engine) as session:
        return index.level(session)[0]


def _clinc_level(
    vectors: VectorStore,
    database: Path,
    clinc: Any,
    count: int,
    left_out: Container[str] = (),
    rehearse: bool = False,
) -> Level:
    engine = open_engine(f"sqlite:///{database}")
    migrate(engine)
    phrasings: dict[str, list[str]] = defaultdict(list)
    for text, intent in clinc["train"]:
        if len(phrasings[intent]) < count and intent not in left_out:
            phrasings[intent].append(text)
    with transaction(engine) as session:
        by = importer(session)
        for intent, texts in phrasings.items():
            title = intent.replace("_", " ").capitalize()
            slug = intent.replace("_", "-")
            wording = Wording(title, f"The approved answer: {title}.", phrasings=tuple(texts))
            revision = draft(session, slug, "en", wording, by)
            adopt(session, revision, by)
            publish(session, revision, by)
    return _indexed(engine, vectors, database, rehearse)


def read_questions(path: Path, weight: float) -> Iterator[tuple[str, str, set[str], float]]:
    """The questions of a file, each counting so much."""
    for row in read_rows(path):
        assert row.locale
        yield row.question, row.locale, set(row.expected), weight


def _examples(
    level: Level, rows: Iterable[tuple[str, str, set[str], float]], views: int = VIEWS
) -> Iterator[tuple[str, Example]]:
    shelf = level.shelf("public")
    slugs = {d.article_id: d.slug for d in level.documents}
    for number, (text, locale, expected, weight) in enumerate(rows, 1):
        question = understand(text, locale, LOCALES)
        asked = _asked(shelf, question.text, question.language, views)
        evidence = examine(shelf, asked)
        found = [slugs[shelf.article_ids[place]] for place in evidence.candidates]
        right = np.array([slug in expected for slug in found])
        if number % 500 == 0:
            print(f"{number} questions", file=sys.stderr)
        yield (
            weights_name(shelf.phrased, len(asked.vectors), judged_as(shelf.views[-1].encoder)),
            Example(evidence, right, bool(expected), weight),
        )


# What the encoders made of a question, which many stores are asked.
_seen: dict[tuple[str, str], Asked] = {}


def _asked(shelf: Shelf, question: str, language: str, views: int) -> Asked:
    key = question, language
    asked = _seen[key] if key in _seen else asked_of(None, shelf, question, language)
    _seen[key] = asked
    if len(asked.vectors) <= views:
        return asked
    return replace(asked, vectors=asked.vectors[:views], states=None)


def fit(examples: list[Example]) -> dict[str, Any]:
    """The order first, then how much to trust what it puts first."""
    ranking = _fit_order(examples).round(3).astype(np.float32)
    nobody = Logistic(np.zeros(SIGNS), np.ones(SIGNS), np.zeros(SIGNS), 0.0)
    weights = Weights(ranking, nobody, nobody, 1, 1, 1)
    signs = np.array([signs_of(e.evidence, weights) for e in examples], float)
    best = [int(np.argmax(e.evidence.features @ ranking)) for e in examples]
    right = np.array([e.right[place] for e, place in zip(examples, best, strict=True)])
    answerable = np.array([e.is_answerable for e in examples])
    trust = np.array([e.weight for e in examples])
    return {
        "ranking": ranking.astype(float).round(3).tolist(),
        "confidence": _fit_logistic(signs, right, trust),
        "in_scope": _fit_logistic(signs, answerable, trust),
    }


def _fit_order(examples: list[Example]) -> Any:
    useful = [e for e in examples if e.right.any()]
    count = useful[0].evidence.features.shape[1]

    def loss(weights: Any) -> tuple[float, Any]:
        value, slope = PENALTY * (weights**2).sum() / 2, PENALTY * weights
        for example in useful:
            features = example.evidence.features.astype(float)
            scores = features @ weights
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            ours = shares * example.right
            value -= example.weight * np.log(ours.sum())
            slope = slope - example.weight * (features.T @ (ours / ours.sum() - shares))
        return value, slope

    bounds = [(0, None)] * count
    return minimize(loss, np.full(count, 0.5), jac=True, method="L-BFGS-B", bounds=bounds).x


def _fit_logistic(signs: Any, truth: Any, trust: Any) -> dict[str, list[float]]:
    scaler = StandardScaler().fit(signs, sample_weight=trust)
    scale = np.maximum(scaler.scale_, 1e-3)
    model = LogisticRegression(C=0.1, max_iter=2000)
    model.fit((signs - scaler.mean_) / scale, truth, sample_weight=trust)
    return {
        "mean": scaler.mean_.round(5).tolist(),
        "scale": scale.round(5).tolist(),
        "coefficients": model.coef_[0].round(4).tolist(),
        "intercept": [round(float(model.intercept_[0]), 4)],
    }


if __name__ == "__main__":
    main()
