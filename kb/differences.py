"""What changed between two texts, word by word."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

Kind = Literal["same", "removed", "added"]
# Chinese is written without blanks, so each of its characters counts as a word.
WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|\s+|[^\W_\u3400-\u9fff\uf900-\ufaff]+|.", re.S)
LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Characters of a changed passage up to which its words are compared, not only its lines.
MOST = 8_000


@dataclass(frozen=True)
class Piece:
    """Words in a row that stayed, went or came."""

    kind: Kind
    text: str


@lru_cache(maxsize=512)
def difference(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces in reading order.

    All but the added ones make up `before`, all but the removed ones `after`.
    """
    passages: list[Piece] = []
    for removed, added, is_same in _hunks(LINE.findall(before), LINE.findall(after)):
        if is_same or len(removed) + len(added) > MOST:
            passages += _pieces_of(removed, added, is_same)
        else:
            words = _hunks(WORD.findall(removed), WORD.findall(added))
            passages += [piece for hunk in words for piece in _pieces_of(*hunk)]
    return tuple(_joined(passages))


def is_changed(pieces: tuple[Piece, ...]) -> bool:
    """Whether anything went or came."""
    return any(piece.kind != "same" for piece in pieces)


def _hunks(a: list[str], b: list[str]) -> Iterator[tuple[str, str, bool]]:
    for tag, i, j, k, n in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        yield "".join(a[i:j]), "".join(b[k:n]), tag == "equal"


def _pieces_of(removed: str, added: str, is_same: bool) -> list[Piece]:
    return [Piece("same", removed)] if is_same else [*_changed(removed, added)]


def _changed(removed: str, added: str) -> Iterator[Piece]:
    if removed:
        yield Piece("removed", removed)
    if added:
        yield Piece("added", added)


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    """A blank between two changes belongs to both, so that phrases stay whole."""
    same = removed = added = ""
    for piece in pieces:
        if piece.kind == "same" and not ((removed or added) and not piece.text.strip(" ")):
            yield from _changed(removed, added)
            removed = added = ""
            same += piece.text
            continue
        if same:
            yield Piece("same", same)
            same = ""
        removed += piece.text if piece.kind != "added" else ""
        added += piece.text if piece.kind != "removed" else ""
    yield from _changed(removed, added)
    if same:
        yield Piece("same", same)
