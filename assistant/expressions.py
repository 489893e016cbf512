"""Expressions that people use, written down as data and found however they are spelt.

An expression is words in a row: `a/b` either, `[a]` perhaps, `...` a few words more, `{name}` any
of a named list, `^` and `$` where a sentence begins and ends, `a_b` two words as one choice, `a*`
any ending. Where spaces part words (`SPACED`), words are whole words; a Persian `_` also stands for
no space. In Chinese and Korean spaces never matter.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from retriever.lexical import fold

SPACED = frozenset({"en", "it", "fa"})
SENTENCE_ENDS, PAUSES = ".!?。！？؟…\n;؛", ',，、،:：()（）"“”«»—–'
APOSTROPHES = "'’‘`´"
# it's, don't, you're: one word, with or without the apostrophe.
CONTRACTION = re.compile(r"(?:t|s|re|ve|ll|d|m)(?![^\W_])", re.I)
START, END = r"(?:^|(?<=[.?] ))", r"(?=[ ,]*(?:[.?]|$))"
GAP_SPACED, GAP_DENSE = r"(?:[^\s.,?#]+ ?,? ?){0,4}?", r"[^.?#]{0,8}?"
AFTER_WORD = r"(?:, )?"
BLANK = "#"


@dataclass(frozen=True)
class Folded:
    """A text in its plainest form; `at` says where each character stands in the original,
    its letters put together (NFC)."""

    text: str
    at: tuple[int, ...]

    def without(self, patterns: Iterable[re.Pattern[str]]) -> "Folded":
        """The same length, with what these patterns find blanked out."""
        text = self.text
        for pattern in patterns:
            text = pattern.sub(lambda found: BLANK * len(found[0]), text)
        return Folded(text, self.at)


@lru_cache(maxsize=1_000)
def folded(text: str) -> Folded:
    """Lower case, one form of each letter, `. ` after sentences, `, ` at pauses, runs cut short."""
    text = unicodedata.normalize("NFC", text)
    pairs: list[tuple[str, int]] = []
    for c, place in _plain_characters(text):
        last = pairs[-1][0] if pairs else " "
        if c in " .,?" and last == " ":
            if c == " " or len(pairs) < 2 or pairs[-2][0] in ".,?":
                continue
            pairs.pop()
        pairs.append((c, place))
    pairs = _without_runs(pairs)
    return Folded("".join(c for c, _ in pairs), tuple(place for _, place in pairs))


def _plain_characters(text: str) -> Iterator[tuple[str, int]]:
    for place, character in enumerate(text):
        for c in _plain(text, place, character):
            yield c, place


def _plain(text: str, place: int, c: str) -> str:
    if c in SENTENCE_ENDS:
        if c == "." and text[:place][-1:].isalnum() and text[place + 1 :][:1].isalnum():
            return ""
        return "? " if c in "?？؟" else ". "
    if c in PAUSES:
        return ", "
    if c in APOSTROPHES:
        return "" if CONTRACTION.match(text, place + 1) else " "
    if c.isalnum() or c == "*" or unicodedata.category(c) in ("Mn", "Mc", "Cf"):
        return fold(c)
    return " "


def _without_runs(pairs: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """`hellooo` as `hello`: three of one letter in a row are one."""
    kept: list[tuple[str, int]] = []
    for run in _runs(pairs):
        kept += run[:1] if len(run) > 2 and run[0][0].isalpha() else run
    return kept


def _runs(pairs: list[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    run: list[tuple[str, int]] = []
    for pair in pairs:
        if run and run[-1][0] != pair[0]:
            yield run
            run = []
        run.append(pair)
    if run:
        yield run


def compiled(
    expression: str, words: Mapping[str, Iterable[str]], is_spaced: bool
) -> re.Pattern[str]:
    """What finds an expression in a folded text. Raises KeyError for an unknown list."""
    parts = re.findall(r"\[[^\]]*\]|\S+", expression)
    return re.compile("".join(_part(part, words, is_spaced) for part in parts))


def any_of(texts: Iterable[str], is_spaced: bool) -> str:
    """A regular expression for any of these texts, the longest first."""
    plain = {_spelt(text) for text in texts}
    found = "|".join(_literal(t, is_spaced) for t in sorted(plain, key=lambda t: (-len(t), t)))
    return rf"(?<!\w)(?:{found})(?!\w),? ?" if is_spaced else rf"(?:{found}),? ?"


def _part(part: str, words: Mapping[str, Iterable[str]], is_spaced: bool) -> str:
    if part in ("^", "$"):
        return START if part == "^" else END
    if part == "...":
        return GAP_SPACED if is_spaced else GAP_DENSE
    if part.startswith("["):
        return f"(?:{_part(part[1:-1], words, is_spaced)})?"
    choices = part.split("/")
    ends = "$" in choices
    texts = [t for c in choices if c != "$" for t in (words[c[1:-1]] if c[:1] == "{" else [c])]
    found = any_of(texts, is_spaced)
    return f"(?:{found}|{END})" if ends else found


def _spelt(text: str) -> str:
    return folded(text.replace("_", " ")).text.strip()


def _literal(text: str, is_spaced: bool) -> str:
    if is_spaced:
        joint = " ?" if "\u0600" <= text[:1] <= "\u06ff" else ",? "
        return joint.join(_word(word) for word in text.split(" "))
    if text.isascii():
        return rf"(?<![a-z0-9]){re.escape(text)}(?![a-z0-9])"
    return " ?".join(re.escape(c) for c in text.replace(" ", ""))


def _word(word: str) -> str:
    """A word; a star after it is any ending, and `f**k` is spelt with its stars."""
    if word.endswith("*") and "*" not in word[:-1]:
        return re.escape(word[:-1]) + r"\w*"
    return re.escape(word)
