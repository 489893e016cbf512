"""Words of five languages to tokens, and BM25 over them.

Latin words are stemmed (Snowball); Chinese and Korean, whose spaces do not part words, become
pairs of characters, as Lucene's CJK analyzer does; Persian and Arabic letters are folded to
one form each, half-spaces dropped, digits of any script read as 0-9. BM25 as in Robertson and
Zaragoza, "The Probabilistic Relevance Framework" (2009), with Lucene's weight of rare words.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import snowballstemmer
from rapidfuzz import fuzz, process

STEMMERS = {"en": "english", "it": "italian"}
WORD = re.compile(r"[^\W_]+")
FOLD = str.maketrans(
    {"ي": "ی", "ى": "ی", "ئ": "ی", "ك": "ک", "ة": "ه", "ۀ": "ه", "أ": "ا", "إ": "ا", "آ": "ا"}
    | {"ؤ": "و", "ـ": None, "\u200c": None, "\u200d": None, "\u200e": None, "\u200f": None}
)
PERSIAN_ENDINGS = re.compile(r"(?<=\w{3})(?:هایم|هایی|های|ها|ترین|تر|ام|اش|ات|مان|تان|شان|م|ی)$")
TYPO_MIN_LENGTH, TYPO_SCORE = 4, 82
# Words that no text holds and whose nearest is remembered; customers mistype the same ones.
REMEMBERED = 20_000
# How soon a word's repetitions stop counting, and how much a long text is held against it.
K1, B = 1.2, 0.6


def fold(text: str) -> str:
    """One form for letters that readers take for the same; digits as 0-9; lower case."""
    text = unicodedata.normalize("NFKC", text).translate(FOLD).casefold()
    text = "".join(_bare(c) for c in text)
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=20_000)
def _bare(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if "\u0300" <= character <= "\u036f" or "\u064b" <= character <= "\u065f":
        return ""
    parts = unicodedata.normalize("NFD", character)
    latin = len(parts) > 1 and parts[0].isascii()
    return parts[0] if latin else character


def tokenize(text: str, locale: str) -> list[str]:
    """The tokens of a text written in that locale."""
    tokens: list[str] = []
    for word in WORD.findall(fold(text)):
        tokens += _tokens_of(word, locale)
    return tokens


FREQUENT = """
a ai al alla an and are as at be but by can che chi ci come con cosa da dei del della delle di
did do does dove e for fra from gli ha had hai has have ho how i if il in is it its la le lo ma
me mi my nel nella non o of on or per più quando se si so sono su that the then there this ti to
tra un una uno vi was we what when where which who why will with you your è آن از است این با
برای به تا تو در را رو شما ما من می هم و چطور چه چگونه چی کجا که کی یا
"""
STOPWORDS = frozenset(fold(word) for word in FREQUENT.split())


@lru_cache(maxsize=100_000)
def _tokens_of(word: str, locale: str) -> tuple[str, ...]:
    if word in STOPWORDS:
        return ()
    script = _script(word)
    if script in ("han", "hangul"):
        return tuple(word[n : n + 2] for n in range(len(word) - 1)) or (word,)
    if script == "mixed":
        return tuple(t for run in _runs(word) for t in _tokens_of(run, locale))
    if script == "arabic":
        return (PERSIAN_ENDINGS.sub("", word),)
    if locale in STEMMERS and not word.isdigit():
        return (_stemmer(locale).stemWord(word),)
    return (word,)


def _script(word: str) -> str:
    kinds = {_kind(c) for c in word}
    return kinds.pop() if len(kinds) == 1 else "mixed"


@lru_cache(maxsize=20_000)
def _kind(c: str) -> str:
    if "\u4e00" <= c <= "\u9fff" or "\u3400" <= c <= "\u4dbf":
        return "han"
    if "\uac00" <= c <= "\ud7af" or "\u1100" <= c <= "\u11ff":
        return "hangul"
    return "arabic" if "\u0600" <= c <= "\u06ff" else "latin"


def _runs(word: str) -> list[str]:
    runs = [word[0]]
    for c in word[1:]:
        if _kind(c) == _kind(runs[-1][-1]):
            runs[-1] += c
        else:
            runs.append(c)
    return runs


@lru_cache(maxsize=8)
def _stemmer(locale: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(STEMMERS[locale])


class WordIndex:
    """BM25 over tokenised texts, with typing errors forgiven."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self.size = len(documents)
        self._ids: dict[str, int] = {}
        self._vocabulary: list[str] = []
        self._read_as: dict[str, str] = {}
        if any(documents):
            self._index(documents)

    def _index(self, documents: Sequence[Sequence[str]]) -> None:
        """For each token the texts that hold it, by row, and what it weighs in them."""
        lengths = np.array([len(d) for d in documents])
        ids = [self._ids.setdefault(t, len(self._ids)) for d in documents for t in d]
        places = np.array(ids) * self.size + np.repeat(np.arange(self.size), lengths)
        held, counts = np.unique(places, return_counts=True)
        tokens, rows = np.divmod(held, self.size)
        texts = np.bincount(tokens)
        self._idf = np.log(1 + (self.size - texts + 0.5) / (texts + 0.5))
        saturation = counts / (counts + K1 * (1 - B + B * lengths / lengths.mean())[rows])
        self._starts = np.concatenate([[0], np.cumsum(texts)])
        self._rows = rows.astype(np.int32)
        self._weights = (self._idf.astype(np.float32)[tokens] * saturation).astype(np.float32)
        self._vocabulary = sorted(t for t in self._ids if len(t) >= TYPO_MIN_LENGTH)

    def known(self, tokens: Sequence[str]) -> list[str]:
        """The tokens with mistyped ones read as the nearest word of the texts."""
        return [self._corrected(token) for token in dict.fromkeys(tokens)]

    def _corrected(self, token: str) -> str:
        if token in self._ids or len(token) < TYPO_MIN_LENGTH or not self._vocabulary:
            return token
        if token not in self._read_as:
            if len(self._read_as) >= REMEMBERED:
                self._read_as = {}
            self._read_as[token] = self._nearest(token)
        return self._read_as[token]

    def _nearest(self, token: str) -> str:
        found = process.extractOne(
            token, self._vocabulary, scorer=fuzz.ratio, score_cutoff=TYPO_SCORE
        )
        return found[0] if found else token

    def scores(self, tokens: Sequence[str]) -> npt.NDArray[np.float32]:
        """BM25 of every text, as a share of what the tokens could bring at best; (n,)."""
        found = np.zeros(self.size, np.float32)
        for token in tokens:
            if (id_ := self._ids.get(token)) is not None:
                part = slice(self._starts[id_], self._starts[id_ + 1])
                found[self._rows[part]] += self._weights[part]
        best = sum(self.weight(t) for t in tokens) * (K1 + 1) / (K1 + 0.5)
        return found / np.float32(max(best, 1e-6))

    def weight(self, token: str) -> float:
        """How telling a token is; one that no text holds counts as the rarest."""
        if (id_ := self._ids.get(token)) is not None:
            return float(self._idf[id_])
        return float(np.log(1 + (self.size + 0.5) / 0.5))
