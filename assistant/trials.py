"""The same exam sat by two sets of encoders: figures before and after, and whether it is a gain.

Nothing is written; the ranking, the bars and the silence are the product's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from assistant import evaluation
from assistant.answering import LABELS, Abstained, Answered
from assistant.evaluation import Verdict
from assistant.exams import GENERAL, LEFT_OUT, Exam
from assistant.figures import auroc
from assistant.question_file import Row
from kb.audiences import AGENTS
from retriever.calibration import Bar, bar_of
from retriever.embeddings import Encoder, Examined, TokenStates, Vectors, reads
from retriever.general import shipped_vectors
from retriever.index import BATCH, Level, encode
from retriever.keys import text_key
from retriever.progress import Progress, silent
from retriever.rehearsal import GENERAL as GENERAL_ASKED
from retriever.rehearsal import NEAR_MISSES
from retriever.search import find_at
from retriever.shelf import Background
from retriever.states import SeesTokens
from retriever.texts import Text
from retriever.vectors import VectorStore

Known = dict[str, dict[str, Vectors]]

SHARES = {
    "right first": "accuracy",
    "right among the first three": "among_first_three",
    "answered": "answered",
    "right of the answered": "right_among_answered",
    "answered in vain": "unanswerable_answered",
}
# A gain that chance brings as rarely as this is taken for one (exact sign test).
CHANCE = 0.05
# What a gain may cost in telling what is out of scope.
AUROC_LOSS = 0.01


def recall(exam: Exam, encoders: Sequence[Encoder], store: VectorStore) -> Known:
    """What the index has embedded of an exam's texts."""
    return {
        e.name: store.fetch(e, sorted({t.key for t in _texts(exam) if reads(e, t.locale)}))
        for e in encoders
    }


def sit(
    exam: Exam, encoders: Sequence[Encoder], known: Known, progress: Progress = silent
) -> list[Verdict]:
    """Ask all of it with those encoders; vectors that had to be made are `known` afterwards.

    A verdict's confidence is 0 where two articles were too close.
    """
    level = _level(exam, encoders, known, progress)
    steps = progress(range(len(exam.rows)), "asking", len(exam.rows))
    return [_verdict(level, exam.rows[n]) for n in steps]


def _verdict(level: Level, row: Row) -> Verdict:
    assert row.locale
    found = find_at(None, level, row.question, row.locale, AGENTS, 3)
    slugs = tuple(match.slug for match in found.matches)
    said = slugs[0] if found.may_answer else None
    outcome = LABELS[Answered if said else Abstained]
    confidence = 0.0 if found.is_close else found.confidence
    return Verdict(row, outcome, slugs, said, confidence, found.in_scope)


def _level(exam: Exam, encoders: Sequence[Encoder], known: Known, progress: Progress) -> Level:
    for encoder in encoders:
        _embed(encoder, _texts(exam), known.setdefault(encoder.name, {}), progress)
    backgrounds = {e.name: _background(exam, e, known[e.name]) for e in encoders}
    states = {key: found for e in encoders for key, found in _states(exam, e)}
    return Level(0, exam.documents, known, backgrounds, tuple(encoders), None, states)


def _texts(exam: Exam) -> list[Text]:
    live = [text for document in exam.documents for text in document.texts]
    return live + [Text("title", t, code) for code, lines in exam.general.items() for t in lines]


def _embed(
    encoder: Encoder, texts: Sequence[Text], known: dict[str, Vectors], progress: Progress
) -> None:
    wanted = {text.key: text for text in texts if reads(encoder, text.locale)}
    known |= {key: v for key, v in shipped_vectors(encoder).items() if key in wanted}
    missing = [key for key in wanted if key not in known]
    steps = range(0, len(missing), BATCH)
    for start in progress(steps, f"embedding ({encoder.name})", len(missing)):
        keys = missing[start : start + BATCH]
        made = encode(encoder, [(wanted[key].is_question, wanted[key].embedded) for key in keys])
        known |= dict(zip(keys, made, strict=True))


def _background(exam: Exam, encoder: Encoder, known: dict[str, Vectors]) -> Background:
    return Background(
        {
            locale: np.vstack([known[text_key("question", line)] for line in lines])
            for locale, lines in exam.general.items()
            if reads(encoder, locale)
        }
    )


def _states(exam: Exam, encoder: Encoder) -> Iterator[tuple[str, TokenStates]]:
    if isinstance(encoder, SeesTokens):
        for document in exam.documents:
            if reads(encoder, document.locale):
                found = encoder.states([text.embedded for text in document.texts])
                yield from zip((text.key for text in document.texts), found, strict=True)


def told(verdicts: Sequence[Verdict]) -> dict[str, list[Examined]]:
    """By locale, how surely each question was answered and whether rightly: what a bar of silence
    is learned from, in the mix of a rehearsal."""
    by_locale: dict[str, list[Verdict]] = {}
    for verdict in sorted(verdicts, key=lambda v: text_key("question", v.row.question)):
        assert verdict.row.locale
        by_locale.setdefault(verdict.row.locale, []).append(verdict)
    return {
        locale: [(v.confidence, v.is_right) for v in _mixed(of)] for locale, of in by_locale.items()
    }


def _mixed(verdicts: Sequence[Verdict]) -> list[Verdict]:
    known = sum(bool(verdict.row.expected) for verdict in verdicts)
    room = {LEFT_OUT: round(known * NEAR_MISSES), GENERAL: round(known * GENERAL_ASKED)}
    mixed = []
    for verdict in verdicts:
        kind = verdict.row.kind or ""
        if kind in room:
            room[kind] -= 1
        if room.get(kind, 0) >= 0:
            mixed.append(verdict)
    return mixed


# -- figures ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Moved:
    """Questions gained and lost between two sittings."""

    gained: int
    lost: int

    @property
    def chance(self) -> float:
        """Of so many more gained than lost if both were equally likely (exact sign test)."""
        moved = self.gained + self.lost
        ways = sum(comb(moved, n) for n in range(self.gained, moved + 1))
        return float(ways / 2**moved)

    @property
    def is_clear(self) -> bool:
        """Whether it is more than chance brings."""
        return self.chance < CHANCE

    @property
    def is_loss(self) -> bool:
        """Whether it would be, the other way round."""
        return Moved(self.lost, self.gained).is_clear


@dataclass(frozen=True)
class Outcome:
    """Figures by name, before and after; what is right first, and what is answered rightly where
    each side keeps the same promise (None where the exam is too small to promise that)."""

    figures: dict[str, tuple[float | None, float | None]]
    questions: int
    first: Moved
    promised: Moved | None = None

    @property
    def is_gain(self) -> bool:
        """Clearly more is right first or is answered rightly, the other is not clearly less, and
        what is out of scope is still told apart."""
        scopes = [pair for name, pair in self.figures.items() if name.startswith("AUROC")]
        kept = all(b is None or a is None or a >= b - AUROC_LOSS for b, a in scopes)
        moved = [self.first, *([self.promised] if self.promised else [])]
        return kept and any(m.is_clear for m in moved) and not any(m.is_loss for m in moved)


def compare(
    before: Sequence[Verdict], after: Sequence[Verdict], acceptable: float | None = None
) -> Outcome:
    """The same exam, sat twice; `acceptable` is the share of wrong answers that is promised."""
    old, new = figures(before), figures(after)
    pairs = {name: (old[name], new[name]) for name in old}
    promised = None
    bars = [_bars(verdicts, acceptable) if acceptable else {} for verdicts in (before, after)]
    if all(bars):
        said = [_said_rightly(v, of) for v, of in zip((before, after), bars, strict=True)]
        promised = _moved(*said)
        known = sum(bool(verdict.row.expected) for verdict in before)
        shares = [round(sum(of) / max(known, 1), 4) for of in said]
        pairs["answered rightly as promised"] = shares[0], shares[1]
    first = _moved([v.is_right for v in before], [v.is_right for v in after])
    return Outcome(pairs, sum(bool(v.row.expected) for v in before), first, promised)


def _bars(verdicts: Sequence[Verdict], acceptable: float) -> dict[str, Bar]:
    """By locale from where to answer; none unless each can promise it."""
    found = {locale: bar_of(of, acceptable) for locale, of in told(verdicts).items()}
    return {c: bar for c, bar in found.items() if bar} if all(found.values()) else {}


def _said_rightly(verdicts: Sequence[Verdict], bars: Mapping[str, Bar]) -> list[bool]:
    return [v.is_right and bars[v.row.locale or ""].is_passed_by(v.confidence) for v in verdicts]


def _moved(before: Sequence[bool], after: Sequence[bool]) -> Moved:
    pairs = list(zip(before, after, strict=True))
    return Moved(sum(a and not b for b, a in pairs), sum(b and not a for b, a in pairs))


def figures(verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """Shares between 0 and 1, by name."""
    measured = evaluation.figures(list(verdicts))
    found: dict[str, float | None] = {name: measured[key] for name, key in SHARES.items()}
    known = [v for v in verdicts if v.row.expected]
    unknown = [v for v in verdicts if not v.row.expected]
    scopes = [v.in_scope for v in known]
    for kind, label in ((LEFT_OUT, "articles left out"), (GENERAL, "general questions")):
        others = [v.in_scope for v in unknown if v.row.kind == kind]
        found[f"AUROC, {label}"] = auroc(scopes, others)
    rest = [v.in_scope for v in unknown if v.row.kind not in (LEFT_OUT, GENERAL)]
    found["AUROC, unanswerable"] = auroc(scopes, rest)
    return {name: value for name, value in found.items() if value is not None}
