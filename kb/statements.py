"""What an article states, sentence by sentence, with the facts in each."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from kb.facts import Fact, facts_of

HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*$")
RULE = re.compile(r"^[ \t]*\|?[\s:|-]*-{3}[\s:|-]*$")
LEADING = re.compile(r"^[\s>|]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?")
# A point within a number or before a small letter ends nothing.
END = re.compile(r"[.!?؟](?=[\s\"”»)*_]|$)[\"”»)*_]*|[。！？]")


@dataclass(frozen=True)
class Statement:
    """A sentence, a point of a list or a row of a table; `above` are the headings over it."""

    part: str
    start: int
    end: int
    text: str
    above: tuple[str, ...]
    facts: tuple[Fact, ...]

    def words_of(self, fact: Fact) -> str:
        """How the sentence writes that fact."""
        return self.text[fact.start - self.start : fact.end - self.start]


def statements_of(part: str, text: str, locale: str) -> list[Statement]:
    """The sentences of a Markdown text, in reading order; facts keep their places in the text."""
    facts = facts_of(text, locale)
    starts = [fact.start for fact in facts]
    found = []
    for start, end, above in _spans(text):
        inside = facts[bisect_right(starts, start - 1) : bisect_right(starts, end - 1)]
        whole = tuple(fact for fact in inside if fact.end <= end)
        found.append(Statement(part, start, end, text[start:end], above, whole))
    return found


def _spans(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    trail: list[tuple[int, str]] = []
    head: list[str] = []
    at, lines = 0, text.split("\n")
    for number, line in enumerate(lines):
        if heading := HEADING.match(line):
            level = len(heading[1])
            trail = [(n, title) for n, title in trail if n < level] + [(level, heading[2])]
        elif line.lstrip().startswith("|"):
            following = lines[number + 1] if number + 1 < len(lines) else ""
            if RULE.match(following):
                head = [cell.strip() for cell in line.strip(" |").split("|")]
            elif not RULE.match(line):
                row = _trimmed(line, at, at + len(line))
                yield *row, (*(title for _, title in trail), " ".join(head))
        elif not RULE.match(line):
            for start, end in _sentences(line, at):
                yield start, end, tuple(title for _, title in trail)
        at += len(line) + 1


def _sentences(line: str, at: int) -> Iterator[tuple[int, int]]:
    start = LEADING.match(line).end()  # type: ignore[union-attr]
    for found in [*END.finditer(line, start), None]:
        end = found.end() if found else len(line)
        if line[start:end].strip():
            yield _trimmed(line, at + start, at + end, at)
        start = end


def _trimmed(line: str, start: int, end: int, at: int | None = None) -> tuple[int, int]:
    at = start if at is None else at
    words = line[start - at : end - at]
    left = len(words) - len(words.lstrip(" \t|"))
    right = len(words) - len(words.rstrip(" \t|"))
    return start + left, end - right
