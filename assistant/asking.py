"""How somebody asks: several things at once, leaning on what was said before, or by choosing.

The words are data, in `asking.yaml`, in the notation of `expressions`.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from rapidfuzz import fuzz

from assistant.expressions import SPACED, any_of, compiled, folded
from assistant.intents import remainder_of
from kb.settings import LOCALE_NAMES
from retriever.lexical import tokenize

MOST_QUESTIONS = 3
# A part with less to say than this is not a question of its own.
PART_LETTERS, PART_LETTERS_DENSE = 8, 4
# A question mark ends a question wherever it stands; other signs need a space after them.
QUESTION_END = re.compile(r"[?？؟]+[!！]*(?:[\"”’»)]+)?(?=\s|[^\x00-\x7f]|$)\s*")
# A title is chosen when this alike, and this much more than the next.
ALIKE, CLEARLY = 80.0, 12.0
# How many words a follow-up has at most: with a sign that it is one, and without.
LEANING = (("leans", 9.0), ("fragment", 3.5))
LONGEST_CHOICE = 120


def questions_in(text: str) -> list[str]:
    """The separate questions of a message, in order, the first three.

    What is told before a question stays with it; a message that asks nothing is one.
    """
    parts = [part for piece in _asked(text) for part in _joined(piece)]
    whole: list[str] = []
    for part in parts:
        if whole and not _says_enough(part):
            whole[-1] = f"{whole[-1]} {part}"
        else:
            whole.append(part)
    if len(whole) > 1 and not _says_enough(whole[0]):
        whole[:2] = [f"{whole[0]} {whole[1]}"]
    return whole[:MOST_QUESTIONS]


def leans_on_context(text: str, language: str) -> bool:
    """Whether a message is a follow-up that cannot be understood alone.

    Every language is looked for, whatever the reader's own `language` is.
    """
    said = folded(remainder_of(text) or text).without(_patterns("stands")).text
    kinds = [kind for kind, longest in LEANING if _length(said) <= longest]
    return any(pattern.search(said) for kind in kinds for pattern in _patterns(kind))


def choice_in(text: str, titles: list[str]) -> int | None:
    """Which of these options a reply means, from 0; None when it is none of them or unclear."""
    said = folded(remainder_of(text) or text).text.strip(" .,?")
    if not said or not titles or len(said) > LONGEST_CHOICE or wants_none(text):
        return None
    place = _numbered(said)
    if place is not None:
        place = len(titles) + place if place < 0 else place
        return place if 0 <= place < len(titles) else None
    return _named(said, titles)


def wants_none(text: str) -> bool:
    """Whether a reply turns all options down."""
    said = folded(remainder_of(text) or text).text
    return len(said) <= LONGEST_CHOICE and any(p.search(said) for p in _patterns("none"))


# -- several questions ---------------------------------------------------------------


def _asked(text: str) -> list[str]:
    """The text cut after each question mark, and at lines when several of them ask."""
    pieces = [p.strip() for p in QUESTION_END.sub(lambda m: f"{m[0].strip()}\0", text).split("\0")]
    pieces = [piece for piece in pieces if piece]
    if len(pieces) > 1 and not _ends_asking(pieces[-1]) and not _asks(pieces[-1]):
        # What is told after the last question belongs to it.
        pieces[-2:] = [f"{pieces[-2]} {pieces[-1]}"]
    return [line for piece in pieces for line in _lines(piece)]


def _lines(piece: str) -> list[str]:
    lines = [re.sub(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+", "", line) for line in piece.split("\n")]
    lines = [line.strip() for line in lines if line.strip()]
    asking = [line for line in lines if _asks(line)]
    return lines if len(asking) == len(lines) else [" ".join(lines)]


def _joined(piece: str) -> list[str]:
    """A piece cut where a second question is joined on: `…, and also how do I …`."""
    # Places in a folded text count letters whole, however they came.
    piece = unicodedata.normalize("NFC", piece)
    for sentence in _further(piece):
        before, after = piece[:sentence].rstrip(" ,،，;；"), piece[sentence:]
        if _asks(before) and _says_enough(before) and _says_enough(after) and _asks(after):
            return [before, *_joined(after)]
    return [piece]


def _further(piece: str) -> list[int]:
    """Where in the original a joining word begins."""
    read = folded(piece).without(_patterns("stands"))
    starts = {m.start() for p in _patterns("further") for m in p.finditer(read.text)}
    return [read.at[start] for start in sorted(starts) if start]


def _asks(text: str) -> bool:
    said = folded(text).text
    return _ends_asking(text) or _has_question_words(said)


def _has_question_words(said: str) -> bool:
    return any(pattern.search(said) for pattern in _patterns("asks"))


def _ends_asking(text: str) -> bool:
    return bool(re.search(r"[?？؟][!！]*\W*$", text))


def _says_enough(text: str) -> bool:
    letters = [c for c in text if c.isalnum()]
    dense = sum(c >= "\u2e80" for c in letters)
    return len(letters) >= (PART_LETTERS_DENSE if dense * 2 > len(letters) else PART_LETTERS)


def _length(said: str) -> float:
    """In words; a Chinese or Korean sign is about half of one."""
    return sum(0.5 * sum(c >= "\u2e80" for c in word) or 1.0 for word in said.split())


# -- choosing ------------------------------------------------------------------------


def _numbered(said: str) -> int | None:
    """The place a reply names, from 0; -1 is the last. None unless it says nothing else."""
    for place, pattern in _ordinals():
        if pattern.fullmatch(said):
            return place
    return None


@cache
def _ordinals() -> list[tuple[int, re.Pattern[str]]]:
    found = []
    for code in LOCALE_NAMES:
        words = _file()[code]
        before, after = (_perhaps(words[kind], code) for kind in ("pointing", "pointed"))
        for name, texts in words["places"].items():
            place = -1 if name == "last" else int(name) - 1
            number = any_of(texts, code in SPACED)
            found.append((place, re.compile(f"{before}(?:{number}){after}")))
    return found


def _perhaps(texts: Iterable[str], code: str) -> str:
    return f"(?:{any_of(texts, code in SPACED)})*"


def _named(said: str, titles: list[str]) -> int | None:
    """The option whose title a reply repeats, wholly or in the words that only it has."""
    scores = [_likeness(said, folded(title).text.strip(" .,?")) for title in titles]
    best = max(range(len(titles)), key=scores.__getitem__)
    others = [score for place, score in enumerate(scores) if place != best]
    is_clear = scores[best] >= ALIKE and scores[best] - max(others, default=0.0) >= CLEARLY
    return best if is_clear else None


def _likeness(said: str, title: str) -> float:
    """Of 100: how alike the letters are, or how many of the reply's words the title has.

    A new question often has a word of a title, so one is only like a title letter by letter.
    """
    if _has_question_words(said):
        return fuzz.ratio(said, title)
    words, known = _words(said), _words(title)
    held = sum(max((fuzz.ratio(w, k) for k in known), default=0.0) >= ALIKE for w in words)
    return max(fuzz.ratio(said, title), 100.0 * held / len(words) if words else 0.0)


def _words(text: str) -> frozenset[str]:
    """What tells a title from another; of Chinese and Korean, pairs of characters."""
    for pattern in _aside():
        text = pattern.sub(" ", text)
    return frozenset(tokenize(text, "zh" if any(c >= "\u2e80" for c in text) else "en"))


@cache
def _aside() -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(any_of(_file()[code]["aside"], code in SPACED)) for code in LOCALE_NAMES
    )


# -- the file ------------------------------------------------------------------------


@cache
def _file() -> dict[str, Any]:
    text = (files("assistant") / "intents" / "asking.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    return found


@cache
def _patterns(kind: str) -> tuple[re.Pattern[str], ...]:
    """All languages' expressions of a kind."""
    return tuple(
        compiled(expression, {}, code in SPACED)
        for code in LOCALE_NAMES
        for expression in _file()[code][kind]
    )
