"""Whether two sentences speak of the same thing, and say something else of it.

Sentences are compared by their words without the facts in them: what they share, weighed by how
few articles use it, as a cosine (Salton and McGill 1983). The words over a sentence count half:
an article's title, headings, the head of a table. Where a sentence links to the other article,
that article's title counts as if it stood in the sentence.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import sqrt

from rapidfuzz import fuzz

from kb.facts import Fact
from kb.statements import Statement
from retriever.lexical import fold, tokenize

Weight = Callable[[str], float]
Unit = tuple[str, str]
Values = Mapping[Unit, frozenset[str]]

COMPARED = frozenset({"money", "percent", "duration", "date", "time", "phone", "number"})
MASKED = COMPARED | {"link", "yes_no"}
# Measured in tests/assistant/test_contradictions.py, on the sample company in five languages.
ALIKE = 0.4
# Where one article said until now what the other says, much less will do.
USED_TO_AGREE = 0.2
# Plain numbers count many things, and one end of a range is often shared by chance.
NEARLY_SAME = 0.8
# Sentences of nearly the same letters, but for the facts, however common their words; and but
# for a "not", which otherwise often speaks of another case.
SAME_LETTERS, LETTERS = 0.9, 28
OPPOSITE, OPPOSITE_LETTERS = 0.93, 20
ABOVE = 0.5
SHARED = 2
# Words that say how a number bounds something, not what.
BOUNDS = """
within more than since after before until up least most about only another later less over
entro più meno almeno dopo prima fino circa solo oltre altri altre
ظرف حداکثر حداقل بیش بیشتر کمتر پس پیش بعد قبل فقط دیگر حدود
"""
# What is told as an example is no claim.
EXAMPLE = re.compile(r"\bexamples?\b|\besempi[o]?\b|例如|例子|示例|^例|예시|예를|^예$|مثال", re.I)
NOT = {
    "en": r"\b(?:not|cannot|never|no longer|no)\b|n['’]t\b",
    "it": r"\b(?:non|mai|nessun[oa]?)\b",
    "zh": r"不(?!同|过|但)|没有?|无法|未",
    "ko": r"지 않|지 못|수 없|없습니다|없어|불가|아닙니다|안 (?=됩|되|돼)",
    "fa": r"\bن(?:می|خواه)|نیست|ندار|نکن|نشو|نمی|هرگز|امکان ندارد",
}


@dataclass(frozen=True)
class About:
    """Which article, as far as it matters for what its sentences are about."""

    id: int
    slug: str
    title: str
    category: str
    locale: str
    revision_id: int

    @cached_property
    def topic(self) -> frozenset[str]:
        """The words of its title."""
        return frozenset(tokenize(self.title, self.locale)) - _bounds(self.locale)


@dataclass(frozen=True, eq=False)
class Said:
    """A statement of an article, ready to be compared."""

    about: About
    statement: Statement

    @cached_property
    def letters(self) -> str:
        """The sentence without its facts."""
        text = self.statement.text
        for fact in sorted(self.statement.facts, key=lambda fact: -fact.start):
            if fact.kind in MASKED:
                start, end = fact.start - self.statement.start, fact.end - self.statement.start
                text = f"{text[:start]} {text[end:]}"
        return text

    @cached_property
    def own(self) -> frozenset[str]:
        """Its words, without its facts and without what a fact left of a word."""
        locale = self.about.locale
        whole = frozenset(tokenize(self.statement.text, locale))
        return whole.intersection(tokenize(self.letters, locale)) - _bounds(locale)

    @cached_property
    def above(self) -> frozenset[str]:
        """The words that say what it is about, from above it."""
        over = tokenize(" ".join(self.statement.above), self.about.locale)
        return self.about.topic | frozenset(over)

    @cached_property
    def values(self) -> Values:
        """What it says, by kind and unit."""
        return values_of([self.statement])

    @cached_property
    def targets(self) -> frozenset[str]:
        """What it links to."""
        return frozenset(fact.value for fact in self.statement.facts if fact.kind == "link")

    @cached_property
    def denies(self) -> bool:
        """Whether it says that something is not so."""
        found = re.findall(NOT[self.about.locale], self.letters, re.I)
        return len(found) % 2 == 1

    @cached_property
    def folded(self) -> str:
        """Its letters in one form."""
        return " ".join(fold(self.letters).split())

    @cached_property
    def affirmed(self) -> str:
        """The same without any "not"."""
        said = re.sub(NOT[self.about.locale], "", self.letters, flags=re.I)
        return " ".join(fold(said).split())

    @property
    def is_example(self) -> bool:
        """Whether it only shows how something might be."""
        heads = (*self.statement.above, self.statement.text[:24])
        return any(EXAMPLE.search(text) for text in heads)

    @cached_property
    def words(self) -> Mapping[str, float]:
        """Its words, and how much each counts."""
        return dict.fromkeys(self.above, ABOVE) | dict.fromkeys(self.own, 1.0)

    def words_beside(self, other: About) -> Mapping[str, float]:
        """The same beside a sentence of an article that it may link to."""
        if other.slug not in self.targets:
            return self.words
        return {**self.words, **dict.fromkeys(other.topic, 1.0)}


@cache
def _bounds(locale: str) -> frozenset[str]:
    return frozenset(tokenize(BOUNDS, locale))


def unit_of(fact: Fact) -> Unit:
    """What facts must have in common to be compared: days with days, euros with euros."""
    if fact.kind == "money":
        return "money", fact.value.split(" ")[0]
    return fact.kind, fact.value.partition(" ")[2] if fact.kind == "duration" else ""


def values_of(statements: Iterable[Statement]) -> Values:
    """All that is said in some statements, by kind and unit."""
    found: dict[Unit, set[str]] = {}
    for statement in statements:
        for fact in statement.facts:
            if fact.kind in COMPARED:
                found.setdefault(unit_of(fact), set()).add(fact.value)
    return {unit: frozenset(values) for unit, values in found.items()}


def likeness(a: Said, b: Said, weight: Weight) -> float:
    """How much two sentences speak of the same thing, from 0 to 1."""
    if min(len(a.folded), len(b.folded)) >= LETTERS:
        letters = fuzz.ratio(a.folded, b.folded, score_cutoff=100 * SAME_LETTERS) / 100
        if letters:
            return letters
    one, other = a.words_beside(b.about), b.words_beside(a.about)
    shared = one.keys() & other.keys()
    are_linked = b.about.slug in a.targets or a.about.slug in b.targets
    if len(shared) < SHARED or not (a.own & b.own or are_linked):
        return 0.0
    product = sum(one[word] * other[word] * weight(word) ** 2 for word in shared)
    return product / (length_of(one, weight) * length_of(other, weight))


def length_of(words: Mapping[str, float], weight: Weight) -> float:
    """Of the vector that these words make."""
    return sqrt(sum((share * weight(word)) ** 2 for word, share in words.items())) or 1.0


def are_opposite(a: Said, b: Said) -> bool:
    """Whether one says that just what the other says is not so."""
    if a.denies == b.denies or min(len(a.affirmed), len(b.affirmed)) < OPPOSITE_LETTERS:
        return False
    return fuzz.ratio(a.affirmed, b.affirmed) >= 100 * OPPOSITE


def are_opposed(a: Said, b: Said) -> bool:
    """Titles of one pattern about two things, such as what delivery costs, what returns cost.

    Not where the sentences themselves share what one of the titles is about.
    """
    if a.about.category == b.about.category:
        return False
    topics, common = a.about.topic | b.about.topic, a.about.topic & b.about.topic
    ours = a.about.topic - common - b.own - b.above
    theirs = b.about.topic - common - a.own - a.above
    return bool(common and ours and theirs and not topics & a.own & b.own)
