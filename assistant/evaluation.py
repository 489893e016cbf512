"""Asks every question of a file and measures the replies."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlmodel import Session

from assistant.answering import LABELS, Answered, consider
from kb.errors import Invalid
from kb.settings import LOCALE_NAMES
from retriever.index import Index


@dataclass(frozen=True)
class Row:
    """A question and the articles that answer it; none when it must be met with silence."""

    question: str
    expected: frozenset[str]
    locale: str | None = None


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


def read_rows(path: Path) -> list[Row]:
    """Rows of a JSONL or CSV file. Raises Invalid with the line for one that cannot be read."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"cannot read {path}: {error}") from error
    read = _csv_rows if path.suffix.lower() == ".csv" else _jsonl_rows
    try:
        rows = [_row(path, line, found) for line, found in read(path, text)]
    except csv.Error as error:
        raise Invalid(f"{path}: not CSV ({error})") from error
    if not rows:
        raise Invalid(f"{path} holds no questions")
    return rows


def _csv_rows(path: Path, text: str) -> Iterable[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text))
    for found in reader:
        slugs = [slug for slug in (found.get("expected") or "").split("|") if slug]
        yield reader.line_num, {**found, "expected": slugs}


def _jsonl_rows(path: Path, text: str) -> Iterable[tuple[int, dict[str, Any]]]:
    for line, raw in enumerate(text.split("\n"), 1):
        if not raw.strip():
            continue
        try:
            yield line, json.loads(raw)
        except ValueError as error:
            raise Invalid(f"{path}:{line}: not JSON ({error})") from error


def _row(path: Path, line: int, found: Any) -> Row:
    question = found.get("question") if isinstance(found, dict) else None
    if not isinstance(question, str) or not question.strip():
        raise Invalid(f'{path}:{line}: write {{"question": …, "expected": slug, list or null}}')
    locale = found.get("locale") or None
    if locale is not None and (not isinstance(locale, str) or locale not in LOCALE_NAMES):
        raise Invalid(f"{path}:{line}: unknown locale {locale!r}")
    expected = found.get("expected") or []
    slugs = [expected] if isinstance(expected, str) else expected
    if not isinstance(slugs, list) or not all(isinstance(slug, str) for slug in slugs):
        raise Invalid(f"{path}:{line}: expected is a slug, a list of slugs or null")
    return Row(question, frozenset(slugs), locale)


def evaluate(
    session: Session, index: Index, rows: Iterable[Row], locales: list[str]
) -> dict[str, Any]:
    """Figures over all rows and per locale, and every reply that was wrong."""
    verdicts = [_verdict(session, index, row, locales) for row in rows]
    by_locale: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_locale[verdict.row.locale or "–"].append(verdict)
    return {
        "epoch": index.epoch,
        "all": figures(verdicts),
        "locales": {locale: figures(found) for locale, found in sorted(by_locale.items())},
        "wrong": [_wrong(v) for v in verdicts if _is_wrong(v)],
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


def figures(verdicts: list[Verdict]) -> dict[str, Any]:
    """Shares between 0 and 1; None where there is nothing to share."""
    known = [v for v in verdicts if v.row.expected]
    unknown = [v for v in verdicts if not v.row.expected]
    answered = [v for v in known if v.said]
    return {
        "questions": len(verdicts),
        "answerable": len(known),
        "accuracy": _share(known, lambda v: v.is_right),
        "among_first_three": _share(known, lambda v: bool(v.row.expected & set(v.found[:3]))),
        "answered": _share(known, lambda v: v.said is not None),
        "clarified": _share(known, lambda v: v.outcome == "clarify"),
        "right_among_answered": _share(answered, lambda v: v.said in v.row.expected),
        "unanswerable": len(unknown),
        "unanswerable_answered": _share(unknown, lambda v: v.said is not None),
        "auroc": auroc([v.in_scope for v in known], [v.in_scope for v in unknown]),
    }


def _share(verdicts: list[Verdict], holds: Any) -> float | None:
    if not verdicts:
        return None
    return round(sum(bool(holds(v)) for v in verdicts) / len(verdicts), 4)


def auroc(higher: list[float], lower: list[float]) -> float | None:
    """Chance that one of `higher` beats one of `lower`, ties half (Mann and Whitney 1947)."""
    if not higher or not lower:
        return None
    above, below = np.array(higher), np.sort(np.array(lower))
    wins = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return round(float(wins.mean() / 2 / len(below)), 4)


def _is_wrong(verdict: Verdict) -> bool:
    return verdict.said is not None and verdict.said not in verdict.row.expected


def _wrong(verdict: Verdict) -> dict[str, Any]:
    return {
        "question": verdict.row.question,
        "locale": verdict.row.locale,
        "expected": sorted(verdict.row.expected),
        "answered": verdict.said,
        "confidence": verdict.confidence,
    }


COLUMNS = (
    ("questions", "asked"),
    ("accuracy", "right first"),
    ("among_first_three", "in first 3"),
    ("answered", "answered"),
    ("right_among_answered", "right among"),
    ("unanswerable_answered", "spoke in vain"),
    ("auroc", "AUROC"),
)


def format_report(report: dict[str, Any]) -> str:
    """The figures as a table, one row a locale, and the wrong answers below."""
    lines = ["locale  " + "".join(f"{title:>15}" for _, title in COLUMNS)]
    for name, found in [*report["locales"].items(), ("all", report["all"])]:
        cells = "".join(f"{_cell(found[key]):>15}" for key, _ in COLUMNS)
        lines.append(f"{name:8}{cells}")
    for wrong in report["wrong"][:20]:
        expected = ", ".join(wrong["expected"]) or "silence"
        lines.append(f"wrong: {wrong['question']} → {wrong['answered']}, not {expected}")
    return "\n".join(lines)


def _cell(value: float | int | None) -> str:
    return "–" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
