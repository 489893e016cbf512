"""Files of questions with the articles that answer them: JSONL or CSV."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.errors import Invalid
from kb.settings import LOCALE_NAMES


@dataclass(frozen=True)
class Row:
    """A question and the articles that answer it; none when it must be met with silence."""

    question: str
    expected: frozenset[str]
    locale: str | None = None
    kind: str | None = None


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
    kind = found.get("kind") or None
    if kind is not None and not isinstance(kind, str):
        raise Invalid(f"{path}:{line}: kind is a word, such as near_miss")
    return Row(question, frozenset(slugs), locale, kind)
