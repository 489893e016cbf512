"""`make evaluate`: one table on public data, beside the nearest neighbour measured in the same run.

    python -m tests.tuning.evaluate [--clinc FILE] [--help-centre FOLDER] [--every N]
                                    [--home FOLDER]

CLINC150 is asked with its test questions over articles of 1 to 100 phrasings an intent (the
first of `train`, and 10 drawn with a fixed seed), and once more with every fifth intent left out,
whose questions are near misses; the help centre with the questions beside it; the sample company
with `tests/questions.csv`. Figures: right first, right among the first three, AUROC of answerable
against unanswerable and the share of these refused when 95 % of those are kept, the calibration
error of the confidence; then what is decided under the default promise: share of the answerable
answered, right among all answers, wrong of all questions. The neighbour is the best raw cosine of
the multilingual encoder.
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from assistant.figures import auroc, calibration, refused_when_kept
from assistant.languages import detect_language
from assistant.understanding import clean
from kb.settings import Settings
from retriever.index import Level
from retriever.search import find_at
from retriever.vectors import VectorStore
from tests.tuning.__main__ import ROOT, _clinc_level, _level, read_questions

LOCALES = Settings().locales
DATASETS = ROOT.parent / "shared" / "datasets"
Rows = list[tuple[str, str, set[str]]]
COLUMNS = (
    ("right first", 12),
    ("first 3", 9),
    ("AUROC", 7),
    ("refused", 9),
    ("ECE", 7),
    ("answered", 10),
    ("right", 7),
    ("wrong of all", 14),
    ("neighbour", 13),
    ("AUROC", 7),
)


@dataclass(frozen=True)
class Asked:
    """One question's articles best first, how surely, and what the neighbour says."""

    expected: set[str]
    found: list[str]
    in_scope: float
    confidence: float
    says: str | None
    neighbour: str
    nearness: float


def main() -> None:
    """Ask everything, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clinc", type=Path, default=DATASETS / "clinc150" / "data_full.json")
    parser.add_argument("--help-centre", type=Path, default=DATASETS / "plausible")
    parser.add_argument("--every", type=int, default=4, help="ask every n-th of CLINC150's")
    parser.add_argument("--home", type=Path, help="where to keep vectors between runs")
    arguments = parser.parse_args()
    print(f"{'':34}{''.join(f'{title:>{width}}' for title, width in COLUMNS)}")
    with TemporaryDirectory() as scratch:
        home = arguments.home or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        vectors = VectorStore.open(Settings(home=home))
        for name, level, rows in _stores(vectors, Path(scratch), arguments):
            print(_line(name, list(_asked(vectors, level, rows))), flush=True)


def _stores(
    vectors: VectorStore, scratch: Path, arguments: Any
) -> Iterator[tuple[str, Level, Rows]]:
    level = _level(vectors, scratch / "sample.db", ROOT / "content", rehearse=True)
    sample = _questions(ROOT / "tests" / "questions.csv")
    for locale in LOCALES:
        yield f"sample company, {locale}", level, [row for row in sample if row[1] == locale]
    if arguments.help_centre.exists():
        level = _level(vectors, scratch / "help.db", arguments.help_centre / "docs", rehearse=True)
        asked = _questions(arguments.help_centre / "questions.jsonl")
        yield "help centre, en", level, [row for row in asked if row[1] == "en"]
        yield "help centre, zh ko fa it", level, [row for row in asked if row[1] != "en"]
    if arguments.clinc.exists():
        clinc = json.loads(arguments.clinc.read_text())
        rows = [(text, "en", {intent.replace("_", "-")}) for text, intent in clinc["test"]]
        rows += [(text, "en", set()) for text, _ in clinc["oos_test"]]
        rows = rows[:: arguments.every]
        for count in (1, 3, 5, 10, 100):
            level = _clinc_level(
                vectors, scratch / f"clinc-{count}.db", clinc, count, rehearse=True
            )
            yield f"CLINC150, first {count} phrasings", level, rows
        left_out = sorted({intent for _, intent in clinc["train"]})[::5]
        level = _clinc_level(vectors, scratch / "clinc-near.db", clinc, 10, left_out, True)
        yield "CLINC150, near misses, first 10", level, _near_misses(clinc, left_out, arguments)
        random.Random(0).shuffle(clinc["train"])
        level = _clinc_level(vectors, scratch / "clinc-drawn.db", clinc, 10, rehearse=True)
        yield "CLINC150, 10 drawn phrasings", level, rows


def _near_misses(clinc: Any, left_out: Sequence[str], arguments: Any) -> Rows:
    """Test questions; those of intents that were left out have no answer."""
    rows = [(t, "en", {i.replace("_", "-")} - _slugs(left_out)) for t, i in clinc["test"]]
    return rows[:: arguments.every]


def _slugs(intents: Sequence[str]) -> set[str]:
    return {intent.replace("_", "-") for intent in intents}


def _questions(path: Path) -> Rows:
    return [row[:3] for row in read_questions(path, 1.0)]


def _asked(vectors: VectorStore, level: Level, rows: Iterable[Any]) -> Iterator[Asked]:
    shelf = level.shelf("public")
    slugs = {d.article_id: d.slug for d in level.documents}
    view = shelf.views[0]
    for text, locale, expected in rows:
        question = clean(text)
        language = detect_language(question, locale, LOCALES)
        found = find_at(vectors, level, question, language, "public", 3)
        raw = view.vectors @ view.encoder.questions([question])[0]
        best = int(np.argmax(raw))
        nearest = slugs[shelf.article_ids[shelf.labels[view.rows[best]]]]
        says = found.matches[0].slug if found.may_answer else None
        slugs_found = [match.slug for match in found.matches]
        sure = found.in_scope, found.confidence
        yield Asked(expected, slugs_found, *sure, says, nearest, float(raw[best]))


def _line(name: str, asked: list[Asked]) -> str:
    known = [a for a in asked if a.expected]
    unknown = [a for a in asked if not a.expected]
    answers = [a for a in asked if a.says]
    is_right = [bool(a.expected) and a.found[0] in a.expected for a in asked]
    scopes = [a.in_scope for a in known], [a.in_scope for a in unknown]
    figures = [
        np.mean([a.found[0] in a.expected for a in known]),
        np.mean([bool(a.expected & set(a.found)) for a in known]),
        auroc(*scopes),
        refused_when_kept(*scopes),
        calibration([a.confidence for a in asked], is_right)["error"],
        np.mean([a.says is not None for a in known]),
        np.mean([a.says in a.expected for a in answers]) if answers else None,
        np.mean([a.says is not None and a.says not in a.expected for a in asked]),
        np.mean([a.neighbour in a.expected for a in known]),
        auroc([a.nearness for a in known], [a.nearness for a in unknown]),
    ]
    pairs = zip(figures, COLUMNS, strict=True)
    return f"{name:34}" + "".join(
        f"{'–' if f is None else format(float(f), '.3f'):>{width}}" for f, (_, width) in pairs
    )


if __name__ == "__main__":
    main()
