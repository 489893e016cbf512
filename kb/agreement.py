"""Where two texts that should say the same differ in a fact."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from babel import Locale
from rapidfuzz import fuzz

from kb.facts import Fact, facts_of, latin_words, sentence_of, yes_or_no
from kb.passages import aligned, passages, shape_of

COUNTRIES = frozenset(
    word.casefold()
    for locale in ("en", "it")
    for name in Locale.parse(locale).territories.values()
    for word in name.split()
)
# Names at least as alike as this are one name, misspelt.
ALIKE = 0.8
Verdict = Literal["missing", "extra", "different"]
LATIN_SCRIPT = frozenset({"en", "it"})


@dataclass(frozen=True)
class Side:
    """A fact as one of the two texts writes it, and the sentence that holds it."""

    text: str
    sentence: str
    value: str


@dataclass(frozen=True)
class Difference:
    """Something that stands in one text only (`missing`, `extra`), or otherwise in each."""

    verdict: Verdict
    kind: str
    field: str
    source: Side | None
    target: Side | None


@dataclass(frozen=True)
class Text:
    """Words in a language."""

    words: str
    locale: str


@dataclass(frozen=True)
class _Piece:
    """A fact and the part of the text that it was found in."""

    fact: Fact
    part: str

    @property
    def side(self) -> Side:
        words = self.part[self.fact.start : self.fact.end].strip()
        return Side(words, sentence_of(self.part, self.fact), self.fact.value)


def differing_facts(source: Text, target: Text, field: str) -> list[Difference]:
    """What a reader of one text is told and a reader of the other is not."""
    found: list[Difference] = []
    missing: list[_Piece] = []
    extra: list[_Piece] = []
    for a, b in _parts(source.words, target.words):
        pairs, left, right = _unmatched(
            [_Piece(f, a) for f in facts_of(a, source.locale)],
            [_Piece(f, b) for f in facts_of(b, target.locale)],
        )
        found += [_told("different", field, one, other) for one, other in pairs]
        missing += left
        extra += right
    missing, extra = _without_moved(missing, extra)
    found += [_told("missing", field, piece, None) for piece in missing]
    found += [_told("extra", field, None, piece) for piece in extra]
    return [*_opposed(source, target, field), *found, *_names(source, target, field)]


def _parts(source: str, target: str) -> Iterator[tuple[str, str]]:
    """Passages side by side, and lines of lists and tables; else all as one."""
    a, b = passages(source), passages(target)
    pairs = aligned(a, b)
    if any(i is None or j is None for i, j in pairs):
        yield source, target
        return
    for one, other in zip(a, b, strict=True):
        lines = one.split("\n"), other.split("\n")
        if shape_of(one) in ("list", "table") and len(lines[0]) == len(lines[1]):
            yield from zip(*lines, strict=True)
        else:
            yield one, other


Rest = tuple[list[tuple[_Piece, _Piece]], list[_Piece], list[_Piece]]


def _unmatched(source: list[_Piece], target: list[_Piece]) -> Rest:
    """Facts that differ, those that are missing, those that are extra."""
    left, right = _strike(source, target, lambda a, b: a.value == b.value and a.kind == b.kind)
    left, right = _strike(left, right, _may_be_same)
    pairs: list[tuple[_Piece, _Piece]] = []
    for may_pair in (_same_unit, _same_kind):
        for piece in list(left):
            other = next((o for o in right if may_pair(piece.fact, o.fact)), None)
            if other:
                pairs.append((piece, other))
                left.remove(piece)
                right.remove(other)
    return pairs, _unrepeated(left, target), _unrepeated(right, source)


def _strike(
    a: Sequence[_Piece], b: Sequence[_Piece], same: Callable[[Fact, Fact], bool]
) -> tuple[list[_Piece], list[_Piece]]:
    """What is left of both when each has struck out its equal."""
    left: list[_Piece]
    left, right = [], list(b)
    for piece in a:
        other = next((o for o in right if same(piece.fact, o.fact)), None)
        if other:
            right.remove(other)
        else:
            left.append(piece)
    return left, right


def _may_be_same(a: Fact, b: Fact) -> bool:
    """The same amount, where one language leaves the unit to the reader."""
    return a.amount is not None and a.amount == b.amount and "number" in (a.kind, b.kind)


def _unrepeated(pieces: Iterable[_Piece], others: Sequence[_Piece]) -> list[_Piece]:
    """Without loose ones, and without what the other text says too, only less often."""
    said = {(piece.fact.kind, piece.fact.value) for piece in others}
    firm = [piece for piece in pieces if not piece.fact.loose]
    return [piece for piece in firm if (piece.fact.kind, piece.fact.value) not in said]


def _same_unit(a: Fact, b: Fact) -> bool:
    is_idiom = a.kind == "number" and a.loose and b.loose and 1 in (a.amount, b.amount)
    return a.kind == b.kind and _unit(a) == _unit(b) and not is_idiom


def _same_kind(a: Fact, b: Fact) -> bool:
    return a.kind == b.kind and not (a.loose or b.loose)


def _unit(fact: Fact) -> str:
    if fact.kind == "money":
        return fact.value.split(" ")[0]
    return fact.value.partition(" ")[2] if fact.kind == "duration" else fact.kind


def _without_moved(missing: list[_Piece], extra: list[_Piece]) -> tuple[list[_Piece], list[_Piece]]:
    """A translator may say it one passage sooner or later."""
    return _strike(missing, extra, lambda a, b: a.value == b.value or _may_be_same(a, b))


def _told(
    verdict: Verdict,
    field: str,
    source: _Piece | None,
    target: _Piece | None,
) -> Difference:
    piece = source or target
    assert piece is not None
    return Difference(
        verdict,
        piece.fact.kind,
        field,
        source.side if source else None,
        target.side if target else None,
    )


def _opposed(source: Text, target: Text, field: str) -> Iterator[Difference]:
    """One text begins with yes, the other with no."""
    a, b = (yes_or_no(text.words, text.locale) for text in (source, target))
    if {a, b} == {"yes", "no"}:
        sides = [Side(v, t.words.split("\n")[0], v) for v, t in ((a, source), (b, target))]
        yield Difference("different", "yes_no", field, *sides)


def _names(source: Text, target: Text, field: str) -> Iterator[Difference]:
    """Names in Latin letters: scripts without such letters use them for little else."""
    ours, theirs = ({f.value: f for f in latin_words(t.words)} for t in (source, target))
    left = [fact for word, fact in ours.items() if not _is_among(word, theirs)]
    right = [fact for word, fact in theirs.items() if not _is_among(word, ours)]
    are_latin = source.locale in LATIN_SCRIPT, target.locale in LATIN_SCRIPT
    if all(are_latin):
        left = [fact for fact in left if _is_name(source.words, fact)]
        right = [fact for fact in right if _is_name(target.words, fact)]
    for fact in right:
        near = max(left, key=lambda other: _likeness(fact, other), default=None)
        alike = near if near and _likeness(fact, near) >= ALIKE else None
        # Abbreviations have translations, and not all of them other letters: EU, UE.
        is_short = target.words[fact.start : fact.end].isupper() and len(fact.value) < 5
        if alike or (are_latin == (True, False) and not is_short):
            spelt = _Piece(alike, source.words) if alike else None
            verdict: Verdict = "different" if alike else "extra"
            yield _told(verdict, field, spelt, _Piece(fact, target.words))


def _is_among(word: str, words: Container[str]) -> bool:
    """As it is, or with the ending of another language: Cookie and Cookies, Berlin and Berlino."""
    return word in words or word[:-1] in words or any(word + end in words for end in "soaei")


def _likeness(a: Fact, b: Fact) -> float:
    return float(fuzz.ratio(a.value, b.value)) / 100


def _is_name(text: str, fact: Fact) -> bool:
    """Written with a capital within a sentence, outside of a label; no country."""
    before = text[: fact.start].rstrip(" ")
    within = before[-1:].isalnum() or before[-1:] in (",", "(")
    return within and text[fact.start].isupper() and fact.value not in COUNTRIES
