"""Two people changed the same text: what both changed is joined, what contradicts is shown.

A three-way merge (merge3, as in Breezy), sentence by sentence for texts, entry by entry for
lists; a short field is taken whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from merge3 import Merge3

TEXTS, LISTS = ("answer", "body"), ("phrasings", "tags")
SENTENCE = re.compile(r".+?(?:[.!?؟](?=\s)[^\S\n]*|[。！？]+|\n+|$)|\n+", re.S)
Choice = Literal["mine", "theirs", "both"]


@dataclass(frozen=True)
class Chunk:
    """A part of a field; where `is_conflict`, mine and theirs exclude each other."""

    base: str
    mine: str
    theirs: str
    is_conflict: bool

    def chosen(self, choice: str = "mine") -> str:
        """The words that stand in the result; without a conflict both are the same."""
        if not self.is_conflict or choice == "mine":
            return self.mine
        return self.theirs if choice == "theirs" else _joined(self.theirs, self.mine)


def _joined(first: str, second: str) -> str:
    gap = "" if not first or first[-1].isspace() or not second else "\n"
    return first + gap + second


@dataclass(frozen=True)
class Merged:
    """What became of each field that either side changed."""

    fields: dict[str, tuple[Chunk, ...]]

    @property
    def conflicts(self) -> int:
        """How many places somebody has to decide."""
        return sum(chunk.is_conflict for chunks in self.fields.values() for chunk in chunks)

    def resolved(self, choices: Mapping[str, str]) -> dict[str, str]:
        """The fields; `choices` says mine, theirs or both by `field.place`, else mine."""
        return {
            name: "".join(
                chunk.chosen(choices.get(f"{name}.{place}", "mine"))
                for place, chunk in enumerate(chunks)
            )
            for name, chunks in self.fields.items()
        }


def merge(base: Mapping[str, str], mine: Mapping[str, str], theirs: Mapping[str, str]) -> Merged:
    """Field by field; all three have the same names."""
    return Merged(
        {name: tuple(_merged(name, base[name], mine[name], theirs[name])) for name in base}
    )


def _merged(name: str, base: str, mine: str, theirs: str) -> list[Chunk]:
    if name in LISTS:
        joined = _merged_list(base, mine, theirs)
        return [Chunk(base, joined, joined, False)]
    if mine == theirs or theirs == base:
        return [Chunk(base, mine, mine, False)]
    if mine == base:
        return [Chunk(base, theirs, theirs, False)]
    if name in TEXTS:
        return _merged_text(base, mine, theirs)
    return [Chunk(base, mine, theirs, True)]


def _merged_text(base: str, mine: str, theirs: str) -> list[Chunk]:
    old, own, other = (SENTENCE.findall(text) for text in (base, mine, theirs))
    chunks = []
    for kind, *places in Merge3(old, own, other).merge_regions():
        if kind == "conflict":
            i, j, k, m, p, q = places
            chunks.append(Chunk("".join(old[i:j]), "".join(own[k:m]), "".join(other[p:q]), True))
            continue
        source = {"unchanged": old, "same": own, "a": own, "b": other}[kind]
        words = "".join(source[places[0] : places[1]])
        chunks.append(Chunk(words, words, words, False))
    return chunks


def _merged_list(base: str, mine: str, theirs: str) -> str:
    """Theirs, without what I took out, with what I put in."""
    old, own, other = (text.splitlines() for text in (base, mine, theirs))
    gone = set(old) - set(own)
    kept = [line for line in other if line not in gone]
    return "\n".join(dict.fromkeys([*kept, *(line for line in own if line not in old)]))
