"""A body cut into passages, and the passages of two bodies laid side by side."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz

Shape = Literal["heading", "list", "table", "code", "text"]
Pair = tuple[int | None, int | None]
FENCE = re.compile(r"[ \t]*(```+|~~~+)")
ITEM = re.compile(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]")
# What it costs to leave a passage without partner; two alike cost less, two unlike more.
GAP = 0.55


def passages(body: str) -> list[str]:
    """What stands between empty lines; a fenced block of code stays whole."""
    found: list[list[str]] = [[]]
    fence = ""
    for line in body.split("\n"):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and line.strip() == mark[1]:
            fence = ""
        if not line.strip() and not fence:
            found.append([])
        else:
            found[-1].append(line)
    return ["\n".join(lines) for lines in found if lines]


def joined(parts: Sequence[str]) -> str:
    """The body that these passages make."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def shape_of(passage: str) -> Shape:
    """What kind of passage it is."""
    first = passage.lstrip("\n")
    if FENCE.match(first):
        return "code"
    if re.match(r" {0,3}#{1,6}\s", first):
        return "heading"
    if ITEM.match(first):
        return "list"
    return "table" if first.lstrip().startswith("|") else "text"


def aligned(a: Sequence[str], b: Sequence[str]) -> list[Pair]:
    """Passages of a text and of its translation, by their places; None where one has no partner."""
    shapes = [shape_of(p) for p in a], [shape_of(p) for p in b]
    if shapes[0] == shapes[1]:
        return [(n, n) for n in range(len(a))]
    return _cheapest(len(a), len(b), lambda i, j: _unlikeness(a[i], b[j]))


def traced(before: Sequence[str], after: Sequence[str]) -> list[Pair]:
    """Passages of an older and a newer version of one text, by their places."""
    return _cheapest(len(before), len(after), lambda i, j: _change(before[i], after[j]))


def _unlikeness(a: str, b: str) -> float:
    if shape_of(a) != shape_of(b):
        return 2.0
    lines = a.count("\n") + 1, b.count("\n") + 1
    return 0.4 * (1 - min(lines) / max(lines))


def _change(before: str, after: str) -> float:
    if before == after:
        return 0.0
    if shape_of(before) != shape_of(after):
        return 2.0
    return 1.4 * (1 - _likeness(before, after))


@lru_cache(maxsize=4_096)
def _likeness(before: str, after: str) -> float:
    return float(fuzz.ratio(before, after)) / 100


def _cheapest(rows: int, columns: int, cost: Callable[[int, int], float]) -> list[Pair]:
    """The order-keeping pairing that costs least (Needleman and Wunsch, 1970)."""
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            ways = [best[i + 1][j] + GAP] if i < rows else []
            ways += [best[i][j + 1] + GAP] if j < columns else []
            ways += [best[i + 1][j + 1] + cost(i, j)] if i < rows and j < columns else []
            best[i][j] = min(ways, default=0.0)
    return _walk(best, cost)


def _walk(best: list[list[float]], cost: Callable[[int, int], float]) -> list[Pair]:
    rows, columns = len(best) - 1, len(best[0]) - 1
    pairs: list[Pair] = []
    i = j = 0
    while i < rows or j < columns:
        if i < rows and j < columns and best[i][j] == best[i + 1][j + 1] + cost(i, j):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif i < rows and best[i][j] == best[i + 1][j] + GAP:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs
