"""Learn which messages ask for a person, beside the expressions; prints how well.

python -m tests.tuning.persons

The bar is chosen by cross-validation that keeps sentences that mean nearly the same, in whatever
language, together. The sentences of tests/assistant/persons.csv train nothing and choose nothing.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz import fuzz
from sklearn.cluster import AgglomerativeClustering
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from assistant.intents import Intent, intents_of
from kb.frontmatter import parse_file
from retriever.embeddings import Encoder, load_encoders
from retriever.general import general_questions
from tests.tuning.__main__ import LOCALES, ROOT

WRITTEN = ROOT / "tests" / "tuning" / "persons.csv"
LABELLED = ROOT / "tests" / "assistant" / "intents.csv"
HELD_OUT = ROOT / "tests" / "assistant" / "persons.csv"
# What these articles are asked may well be a wish for a person.
ABOUT_PEOPLE = {"make-a-complaint", "contact-us"}
STRENGTH = 30.0
PRECISION = 0.985
GROUPS, FOLDS = 250, 10
# Percent of the same letters in the same order from which a sentence is a held-out one again.
ALIKE = 75
DIGITS = 4


@dataclass(frozen=True)
class Sentence:
    """What somebody writes; a `near` one was written or chosen to be told from its likes."""

    text: str
    language: str
    is_wish: bool
    is_near: bool

    @property
    def is_expressed(self) -> bool:
        """Whether the expressions know it already."""
        return Intent.PERSON in intents_of(self.text, self.language)


def main() -> None:
    """Read the sentences, fit, write, tell."""
    encoder = load_encoders("bundled")[0]
    sentences = collect()
    vectors = _vectors(encoder, sentences)
    wishes = np.array([s.is_wish for s in sentences])
    scores = cross_validated(vectors, sentences)
    bar = lowest_bar(scores, sentences)
    report("cross-validated", sentences, scores > bar)
    model = fit(vectors, wishes)
    learned = {
        "encoder": encoder.name,
        "bar": round(bar, DIGITS),
        "bias": round(float(model.intercept_[0]), DIGITS),
        "weights": [round(float(weight), DIGITS) for weight in model.coef_[0]],
    }
    (ROOT / "assistant" / "persons.json").write_text(json.dumps(learned) + "\n")
    held_out = read(HELD_OUT)
    said = _vectors(encoder, held_out) @ np.array(learned["weights"]) + learned["bias"]
    report("held out", held_out, said > bar)


def collect() -> list[Sentence]:
    """All that is learned from: written wishes and near misses, and what customers ask anyway."""
    held_out = [sentence.text.lower() for sentence in read(HELD_OUT)]
    near = [s for s in [*read(WRITTEN), *read(LABELLED)] if not _is_among(s.text, held_out)]
    plain = [(text, code) for code, texts in general_questions().items() for text in texts]
    for file in sorted((ROOT / "content").rglob("*.md")):
        if file.stem not in ABOUT_PEOPLE:
            wording = parse_file(file.read_text("utf-8"), file.stem, "").wording
            plain += [(text, file.parts[-3]) for text in wording.phrasings]
    asked = [Sentence(text, code, is_wish=False, is_near=False) for text, code in plain]
    return [*near, *(sentence for sentence in asked if not sentence.is_expressed)]


def read(file: Path) -> list[Sentence]:
    """A file of utterances; complaints are left out, as they bring a person anyway."""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = [(row, set(row["intents"].split())) for row in csv.DictReader(opened)]
    return [
        Sentence(row["text"], row["language"], Intent.PERSON in does, is_near=True)
        for row, does in rows
        if Intent.PERSON in does or Intent.COMPLAINT not in does
    ]


def _is_among(text: str, held_out: list[str]) -> bool:
    return any(fuzz.ratio(text.lower(), other) >= ALIKE for other in held_out)


def _vectors(encoder: Encoder, sentences: list[Sentence]) -> Any:
    return encoder.questions([sentence.text for sentence in sentences]).astype(float)


def fit(vectors: Any, wishes: Any) -> LogisticRegression:
    """The judge: L2 logistic regression on the question's vector."""
    return LogisticRegression(C=STRENGTH, max_iter=2000).fit(vectors, wishes)


def cross_validated(vectors: Any, sentences: list[Sentence]) -> Any:
    """Each sentence's score from a judge that saw nothing like it (n,)."""
    wishes = np.array([s.is_wish for s in sentences])
    scores = np.zeros(len(sentences))
    folds = GroupKFold(FOLDS).split(vectors, wishes, _groups(vectors, sentences))
    for seen, unseen in folds:
        model = fit(vectors[seen], wishes[seen])
        scores[unseen] = model.decision_function(vectors[unseen])
    return scores


def _groups(vectors: Any, sentences: list[Sentence]) -> Any:
    """Sentences that mean nearly the same, found after taking off what their language adds."""
    codes = np.array([s.language for s in sentences])
    near = np.array([s.is_near for s in sentences])
    plain = {code: vectors[(codes == code) & ~near].mean(axis=0) for code in LOCALES}
    centred = np.array([v - plain[c] for v, c in zip(vectors[near], codes[near], strict=True)])
    alike = AgglomerativeClustering(n_clusters=GROUPS, metric="cosine", linkage="average")
    groups = GROUPS + np.arange(len(sentences))
    groups[near] = alike.fit_predict(centred)
    return groups


def lowest_bar(scores: Any, sentences: list[Sentence]) -> float:
    """From where on wishes are told from near misses precisely enough."""
    near = np.array([s.is_near for s in sentences])
    wishes = np.array([s.is_wish for s in sentences])
    for bar in np.sort(scores[near & ~wishes]):
        above = near & (scores > bar)
        if wishes[above].mean() >= PRECISION:
            return float(bar)
    raise ValueError("no bar is precise enough")


def report(name: str, sentences: list[Sentence], said: Any) -> None:
    """Recall of the expressions and of either, and what near misses and others were taken for."""
    print(f"{name:24}{'wishes':>8}{'before':>8}{'after':>8}{'precision':>11}{'imagined':>10}")
    expressed = np.array([s.is_expressed for s in sentences])
    either = said | expressed
    for code in ["", *LOCALES]:
        here = np.array([s.language == code or not code for s in sentences])
        wishes = here & np.array([s.is_wish for s in sentences])
        near = here & np.array([s.is_near for s in sentences])
        precision = (either & wishes).sum() / max((either & near).sum(), 1)
        others = (said & here & ~near).sum()
        shares = f"{expressed[wishes].mean():8.3f}{either[wishes].mean():8.3f}{precision:11.3f}"
        print(f"{code or 'all':24}{wishes.sum():8}{shares}{others:6} of {(here & ~near).sum()}")
        print(f"{'  by the judge alone':24}{(said & near & ~wishes).sum():8} near misses imagined")


if __name__ == "__main__":
    main()
