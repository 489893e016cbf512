"""`{{name}}` in a text stands for a shared fact: put in, taken out again, kept through an edit.

A Revision holds the words as everybody reads them; beside it stands where in them a fact is.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kb.differences import difference
from kb.facts import ADDRESS
from kb.markdown import FENCE, LINK

PLACEHOLDER = re.compile(r"\{\{([a-z0-9]+(?:-[a-z0-9]+)*)\}\}")


@dataclass(frozen=True)
class Span:
    """Where in a text a fact stands: characters from `start` to before `end`."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Filled:
    """A text with its facts put in, and where they are."""

    text: str
    spans: tuple[Span, ...] = ()


def names_in(text: str) -> list[str]:
    """The names that placeholders stand for, in reading order; what is code is no placeholder."""
    return [match[1] for match in _placeholders(text)]


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """The text with every known fact put in; unknown names stay as they are written."""
    written, spans, end = "", [], 0
    for match in _placeholders(text):
        value = values.get(match[1])
        if value is not None:
            written += text[end : match.start()]
            spans.append(Span(match[1], len(written), len(written) + len(value)))
            written, end = written + value, match.end()
    return Filled(written + text[end:], tuple(spans))


def fold(text: str, spans: Iterable[Span]) -> str:
    """The text with placeholders where the facts stand: what `fill` fills again."""
    for span in sorted(spans, key=lambda span: span.start, reverse=True):
        text = f"{text[: span.start]}{{{{{span.name}}}}}{text[span.end :]}"
    return text


def carry(before: str, spans: Iterable[Span], after: str) -> tuple[Span, ...]:
    """Where the facts of a text stand in a later one: those whose words nobody touched."""
    spans = tuple(spans)
    if before == after or not spans:
        return spans
    found: list[Span] = []
    old = new = 0
    for piece in difference(before, after):
        length = len(piece.text)
        if piece.kind == "same":
            inside = [s for s in spans if old <= s.start and s.end <= old + length]
            found += [Span(s.name, s.start - old + new, s.end - old + new) for s in inside]
        old += length * (piece.kind != "added")
        new += length * (piece.kind != "removed")
    return tuple(found)


def spoken(text: str, value: str) -> list[tuple[int, int]]:
    """Where a value is said by hand: whole, and neither in code nor in an address."""
    hidden = [m.span() for pattern in (FENCE, ADDRESS, LINK) for m in pattern.finditer(text)]
    found = (match.span() for match in _whole(value).finditer(text))
    return [span for span in found if not any(_overlap(span, place) for place in hidden)]


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _whole(value: str) -> re.Pattern[str]:
    """The value where it is no part of a longer number or word."""
    before = after = ""
    if value[0].isdigit():
        before = r"(?<!\d)(?<!\d[.,])"
    elif _joins(value[0]):
        before = r"(?<![^\W\d_])"
    if value[-1].isdigit():
        after = r"(?!\d)(?![.,]\d)"
    elif _joins(value[-1]):
        after = r"(?![^\W\d_])"
    return re.compile(before + re.escape(value) + after)


def _joins(letter: str) -> bool:
    """Whether a letter is of a script whose words end at a blank and take no particles."""
    return letter.isalpha() and ord(letter) < 0x1100


def _placeholders(text: str) -> list[re.Match[str]]:
    if "{{" not in text:
        return []
    code = [match.span() for match in FENCE.finditer(text)]
    found = PLACEHOLDER.finditer(text)
    return [match for match in found if not any(_overlap(match.span(), span) for span in code)]
