"""Many stores cut out of one: what a confidence is worth must not depend on how much was written.

Of CLINC150 as a knowledge base, all of its intents or some, with 1 to 100 phrasings each, the first
of `train` or drawn; validation questions of intents that were left out are near misses.
"""

import random
from collections import OrderedDict
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from threading import Lock
from typing import Any

from retriever.index import Level
from retriever.texts import Document

# Articles, phrasings of each, whether these are drawn, and how many articles are left out: 25 in
# all of which are asked about, unless few.
CUTS = [
    (150, 1, True, 0),
    (150, 3, True, 0),
    (150, 5, False, 0),
    (150, 10, False, 0),
    (150, 10, True, 0),
    (75, 1, True, 0),
    (60, 1, True, 15),
    (60, 1, False, 15),
    (60, 2, True, 15),
    (75, 3, True, 0),
    (60, 3, False, 15),
    (75, 5, True, 0),
    (60, 5, False, 15),
    (60, 10, False, 15),
    (60, 10, True, 15),
    (25, 10, True, 25),
    (25, 3, True, 25),
    (12, 10, True, 12),
    (12, 4, True, 12),
    (60, 30, True, 15),
    (60, 100, True, 15),
    (150, 100, True, 0),
]
# Questions that have an answer, and for each six of them one near miss and one of nobody's.
ASKED, OTHERS = 450, 6
# What all questions of a store count for together.
WORTH = 250.0


@dataclass(frozen=True)
class Part:
    """A store cut out of CLINC150, and the intents whose questions are near misses."""

    level: Level
    slugs: frozenset[str]
    left_out: frozenset[str]
    seed: int

    def rows(self, clinc: Any) -> Iterator[tuple[str, str, set[str], float]]:
        """Validation questions, each counting for its share of the store's worth."""
        mixed = [(text, intent.replace("_", "-")) for text, intent in clinc["val"]]
        strange = [text for text, _ in clinc["oos_val"]]
        chance = random.Random(self.seed)
        chance.shuffle(mixed)
        chance.shuffle(strange)
        known = [(text, {slug}) for text, slug in mixed if slug in self.slugs][:ASKED]
        near = [text for text, slug in mixed if slug in self.left_out]
        nobodys = [*near[: len(known) // OTHERS], *strange[: len(known) // OTHERS]]
        rows = [*known, *((text, set[str]()) for text in nobodys)]
        for text, expected in rows:
            yield text, "en", expected, WORTH / len(rows)


def parts_of(whole: Level) -> Iterator[Part]:
    """Every cut, the articles drawn with a fixed seed."""
    for seed, (count, phrasings, is_drawn, left_out) in enumerate(CUTS):
        slugs = sorted({d.slug for d in whole.documents})
        random.Random(seed).shuffle(slugs)
        chosen = frozenset(slugs[:count])
        level = cut(whole, phrasings, chosen, seed if is_drawn else None)
        yield Part(level, chosen, frozenset(slugs[count : count + left_out]), seed)


def cut(
    level: Level, count: int, slugs: Container[str] | None = None, seed: int | None = 0
) -> Level:
    """The same store with so many phrasings an article, drawn or, without a seed, the first."""
    documents = [_cut(d, count, seed) for d in level.documents if slugs is None or d.slug in slugs]
    return replace(
        level, documents=tuple(documents), shelves={}, cache=OrderedDict(), lock=Lock(), bars={}
    )


def _cut(document: Document, count: int, seed: int | None) -> Document:
    phrasings = [text for text in document.texts if text.source == "phrasing"]
    if seed is not None:
        phrasings.sort(key=lambda text: sha256(f"{seed}{text.text}".encode()).hexdigest())
    kept = [*(t for t in document.texts if t.source != "phrasing"), *phrasings[:count]]
    return replace(document, texts=tuple(kept))
