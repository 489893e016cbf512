"""What many articles state, laid out so that sentences about the same thing are found quickly."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from math import log

import numpy as np
import numpy.typing as npt

from assistant.disagreement import (
    ALIKE,
    NEARLY_SAME,
    USED_TO_AGREE,
    About,
    Said,
    Unit,
    Values,
    Weight,
    are_opposed,
    are_opposite,
    length_of,
    likeness,
    values_of,
)
from kb.articles import Revision
from kb.statements import Statement, statements_of
from retriever.lexical import tokenize

PARTS = ("answer", "body")
# What sentences have in common without their links before they are looked at closely.
GLANCE = 0.15
YES_NO: Unit = ("yes_no", "")
NOTHING: Values = {}


@dataclass(frozen=True)
class Claim:
    """An article's claims: its sentences, all that they say, and what it said before."""

    about: About
    said: tuple[Said, ...]
    values: Values
    before: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Clash:
    """Two sentences of two articles that say something else of the same thing."""

    unit: Unit
    one: Said
    other: Said
    likeness: float

    @property
    def values(self) -> tuple[frozenset[str], frozenset[str]]:
        """What each of them says."""
        one, other = (said.values.get(self.unit, frozenset()) for said in (self.one, self.other))
        return one, other


def claims_of(revision: Revision, before: Revision | None = None) -> Claim:
    """What a wording claims; `before` is the one that it took the place of."""
    assert revision.id is not None
    about = About(
        revision.article_id,
        revision.article.slug,
        revision.title,
        revision.category,
        revision.locale,
        revision.id,
    )
    told = _told(about, revision.answer, revision.body)
    former = (
        values_of(_statements(before.answer, before.body, before.locale)) if before else NOTHING
    )
    return Claim(about, told, values_of(one.statement for one in told), former)


@lru_cache(maxsize=3_000)
def _told(about: About, answer: str, body: str) -> tuple[Said, ...]:
    said = (Said(about, statement) for statement in _statements(answer, body, about.locale))
    return tuple(one for one in said if not one.is_example)


def _statements(answer: str, body: str, locale: str) -> list[Statement]:
    parts = zip(PARTS, (answer, body), strict=True)
    return [statement for part, text in parts for statement in statements_of(part, text, locale)]


def weight_of(texts: Iterable[frozenset[str]]) -> Weight:
    """How telling words are, by how few of some articles use them (Robertson 1976)."""
    counts: Counter[str] = Counter()
    total = 0
    for words in texts:
        counts.update(words)
        total += 1

    @cache
    def weight(word: str) -> float:
        return log(1 + (total - counts[word] + 0.5) / (counts[word] + 0.5))

    return weight


def words_of(revision: Revision) -> frozenset[str]:
    """Every word of a wording that readers read."""
    text = f"{revision.title}\n{revision.answer}\n{revision.body}"
    return frozenset(tokenize(text, revision.locale))


class ClaimIndex:
    """The claims of articles that the same people read, in one language."""

    def __init__(self, claims: Sequence[Claim], weight: Weight) -> None:
        self.weight = weight
        self.of = {claim.about.id: claim for claim in claims}
        self.said = [said for claim in claims for said in claim.said]
        self._rows: dict[str, tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]] = {}
        self._lay_out()

    def _lay_out(self) -> None:
        found: dict[str, list[tuple[int, float]]] = {}
        for row, said in enumerate(self.said):
            for word, share in _shares(said, self.weight):
                found.setdefault(word, []).append((row, share))
        for word, entries in found.items():
            rows, shares = zip(*entries, strict=True)
            self._rows[word] = np.array(rows, np.int32), np.array(shares, np.float32)

    def clashes(self, claim: Claim) -> list[Clash]:
        """Where others disagree with it: the likest sentences for each thing disagreed about."""
        best: dict[tuple[int, Unit, frozenset[str], frozenset[str]], Clash] = {}
        for said in claim.said:
            for other in self._near(said):
                others = self.of[other.about.id]
                for clash in _disagreements(claim, others, said, other, self.weight):
                    key = (other.about.id, clash.unit, *clash.values)
                    if key not in best or clash.likeness > best[key].likeness:
                        best[key] = clash
        return sorted(best.values(), key=lambda clash: -clash.likeness)

    def _near(self, said: Said) -> list[Said]:
        scores = np.zeros(len(self.said), np.float32)
        for word, share in _shares(said, self.weight):
            if word in self._rows:
                rows, shares = self._rows[word]
                scores[rows] += np.float32(share) * shares
        found = (self.said[row] for row in np.flatnonzero(scores >= GLANCE))
        return [other for other in found if other.about.id != said.about.id]


def _shares(said: Said, weight: Weight) -> Iterator[tuple[str, float]]:
    words = said.words
    length = length_of(words, weight)
    for word, share in words.items():
        yield word, share * weight(word) / length


def _disagreements(
    claim: Claim, others: Claim, one: Said, other: Said, weight: Weight
) -> Iterator[Clash]:
    if are_opposite(one, other):
        yield Clash(YES_NO, one, other, 1.0)
    units = [u for u, v in one.values.items() if other.values.get(u, v) != v]
    alike = likeness(one, other, weight) if units else 0.0
    for unit in units:
        if alike >= USED_TO_AGREE and _is_clash(claim, others, one, other, unit, alike):
            yield Clash(unit, one, other, alike)


def _is_clash(
    claim: Claim, others: Claim, one: Said, other: Said, unit: Unit, alike: float
) -> bool:
    ours, theirs = one.values[unit], other.values[unit]
    is_nearly_same = alike >= NEARLY_SAME
    if ours & theirs:
        return is_nearly_same and len(ours) == len(theirs)
    if unit[0] == "number" and not is_nearly_same:
        return False
    # The other says it too, elsewhere: these two sentences are about two things.
    if ours & others.values[unit] or theirs & claim.values[unit]:
        return False
    if claim.before.get(unit, frozenset()) & theirs:
        return True
    return alike >= ALIKE and not are_opposed(one, other)
