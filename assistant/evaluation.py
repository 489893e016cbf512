"""Asks every question of a file and measures the replies."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from assistant.answering import LABELS, Answered, consider
from assistant.figures import (
    auroc,
    calibration,
    count_pairs,
    exact_interval,
    refused_when_kept,
    risk_coverage,
    share,
)
from assistant.question_file import Row
from assistant.silence import silence_report
from kb.articles import Article
from kb.publishing import live_publications
from retriever.index import Index

NO_LOCALE = "–"


@dataclass(frozen=True)
class Verdict:
    """What came of one Row: its outcome, its best articles, and how sure the reply was."""

    row: Row
    outcome: str
    found: tuple[str, ...]
    said: str | None
    confidence: float
    in_scope: float

    @property
    def is_right(self) -> bool:
        """The best article is one of the expected."""
        return bool(self.found) and self.found[0] in self.row.expected

    @property
    def is_near(self) -> bool:
        """One of the expected is among the first three."""
        return bool(self.row.expected & set(self.found[:3]))

    @property
    def is_wrong(self) -> bool:
        """An article was said that is not expected."""
        return self.said is not None and self.said not in self.row.expected

    @property
    def is_as_it_should_be(self) -> bool:
        """An expected article was said, or none where none is expected."""
        return self.said in self.row.expected if self.row.expected else self.said is None


def evaluate(
    session: Session, index: Index, rows: Iterable[Row], locales: list[str]
) -> dict[str, Any]:
    """Figures over all rows, per locale and kind; every question, and every wrong answer."""
    verdicts = [_verdict(session, index, row, locales) for row in rows]
    by_locale, by_kind = defaultdict(list), defaultdict(list)
    for verdict in verdicts:
        by_locale[verdict.row.locale or NO_LOCALE].append(verdict)
        if verdict.row.kind:
            by_kind[verdict.row.kind].append(verdict)
    return {
        "epoch": index.epoch,
        "silence": silence_report(index.bars, index.acceptable, locales),
        "all": figures(verdicts),
        "locales": {locale: figures(found) for locale, found in sorted(by_locale.items())},
        "kinds": {kind: figures(found) for kind, found in sorted(by_kind.items())},
        "wrong": [_wrong(v) for v in verdicts if v.is_wrong],
        "questions": [_record(v) for v in verdicts],
        "articles": _articles(session, verdicts, locales),
    }


def _verdict(session: Session, index: Index, row: Row, locales: list[str]) -> Verdict:
    judged = consider(session, index, row.question, locales, row.locale)
    outcome = judged.outcome
    return Verdict(
        row=row,
        outcome=LABELS[type(outcome)],
        found=tuple(match.slug for match in judged.findings.matches),
        said=outcome.words.slug if isinstance(outcome, Answered) else None,
        confidence=judged.findings.confidence,
        in_scope=judged.findings.in_scope,
    )


# -- figures ---------------------------------------------------------------------------


def figures(verdicts: list[Verdict]) -> dict[str, Any]:
    """Shares between 0 and 1; None where there is nothing to share."""
    known = [v for v in verdicts if v.row.expected]
    unknown = [v for v in verdicts if not v.row.expected]
    answered = [v for v in known if v.said]
    scopes = [v.in_scope for v in known], [v.in_scope for v in unknown]
    return {
        "questions": len(verdicts),
        "answerable": len(known),
        "accuracy": _share(known, lambda v: v.is_right),
        "among_first_three": _share(known, lambda v: v.is_near),
        "answered": _share(known, lambda v: v.said is not None),
        "clarified": _share(known, lambda v: v.outcome == "clarify"),
        "right_among_answered": _share(answered, lambda v: v.said in v.row.expected),
        "unanswerable": len(unknown),
        "unanswerable_answered": _share(unknown, lambda v: v.said is not None),
        "auroc": auroc(*scopes),
        "refused_when_95_kept": refused_when_kept(*scopes),
        **_risk(verdicts),
        "paraphrases": _agreement(known),
        "languages": _agreement(known, between_locales=True),
    }


def _share(verdicts: list[Verdict], holds: Callable[[Verdict], bool]) -> float | None:
    return share(sum(holds(v) for v in verdicts), len(verdicts))


def _risk(verdicts: list[Verdict]) -> dict[str, Any]:
    """How often an answer is wrong: at the bars that are set, and at any other."""
    answers, wrong = sum(v.said is not None for v in verdicts), sum(v.is_wrong for v in verdicts)
    confidence, right = [v.confidence for v in verdicts], [v.is_right for v in verdicts]
    return {
        "answers": answers,
        "coverage": share(answers, len(verdicts)),
        "wrong_answers": wrong,
        "wrong_rate": share(wrong, answers),
        "wrong_of_all": share(wrong, len(verdicts)),
        "wrong_rate_interval": exact_interval(wrong, answers),
        "risk_coverage": risk_coverage(confidence, right),
        "calibration": calibration(confidence, right),
    }


def _agreement(verdicts: list[Verdict], between_locales: bool = False) -> dict[str, Any]:
    """How many pairs with the same expectation got the same article, or both of them none.

    Pairs are of one locale, or of two: those of two are all pairs but those of one.
    """
    known = [v for v in verdicts if v.row.locale] if between_locales else verdicts

    def pairs(*of: Callable[[Verdict], Hashable]) -> int:
        same = count_pairs(_labels(known, *of))
        within = count_pairs(_labels(known, *of, lambda v: v.row.locale))
        return same - within if between_locales else within

    count = pairs()
    return {
        "pairs": count,
        "same_reply": share(pairs(lambda v: v.said), count),
        "same_first": share(pairs(lambda v: v.found[:1]), count),
    }


def _labels(verdicts: list[Verdict], *of: Callable[[Verdict], Hashable]) -> list[Hashable]:
    return [(v.row.expected, *(part(v) for part in of)) for v in verdicts]


def shortfall(
    figures: dict[str, Any], max_wrong: float | None = None, min_coverage: float | None = None
) -> str:
    """What misses the bars a team has set, in one line; empty when all are met."""
    missed = []
    rate, coverage = figures["wrong_rate"] or 0.0, figures["coverage"] or 0.0
    if max_wrong is not None and rate > max_wrong:
        counts = f"{figures['wrong_answers']} of {figures['answers']} answers are wrong"
        missed.append(f"{counts} ({rate:.1%}, allowed {max_wrong:.1%})")
    if min_coverage is not None and coverage < min_coverage:
        counts = f"{figures['answers']} of {figures['questions']} questions are answered"
        missed.append(f"{counts} ({coverage:.1%}, wanted {min_coverage:.1%})")
    return "; ".join(missed)


# -- what the figures are made of --------------------------------------------------------


def _wrong(verdict: Verdict) -> dict[str, Any]:
    return {
        "question": verdict.row.question,
        "locale": verdict.row.locale,
        "expected": sorted(verdict.row.expected),
        "answered": verdict.said,
        "confidence": verdict.confidence,
    }


def _record(verdict: Verdict) -> dict[str, Any]:
    return {
        "question": verdict.row.question,
        "locale": verdict.row.locale,
        "kind": verdict.row.kind,
        "expected": sorted(verdict.row.expected),
        "outcome": verdict.outcome,
        "said": verdict.said,
        "first_three": list(verdict.found[:3]),
        "confidence": round(verdict.confidence, 4),
        "in_scope": round(verdict.in_scope, 4),
        "right": verdict.is_as_it_should_be,
    }


def _articles(session: Session, verdicts: list[Verdict], locales: list[str]) -> dict[str, Any]:
    """Title and number of phrasings by locale, of every article that is named."""
    slugs = {slug for v in verdicts for slug in [*v.row.expected, *v.found[:3]]}
    ids = session.exec(select(Article.id).where(col(Article.slug).in_(slugs)))
    live = live_publications(session, article_ids=[id_ for id_ in ids if id_])
    found: dict[str, Any] = {}
    for shown in sorted(live, key=lambda p: _place(p.locale, locales)):
        article = found.setdefault(
            shown.article.slug, {"title": shown.revision.title, "phrasings": {}}
        )
        article["phrasings"][shown.locale] = len(shown.revision.phrasing_rows)
    return dict(sorted(found.items()))


def _place(locale: str, locales: list[str]) -> int:
    return locales.index(locale) if locale in locales else len(locales)
