"""Shows readers which of their words a text holds."""

import re
from collections.abc import Iterator
from functools import lru_cache

from markupsafe import Markup, escape

from retriever.lexical import tokenize

# Half-spaces part no word, so a word may hold them.
WORD = re.compile(r"[\w\u200c\u200d]+")
# Chinese, Korean and Japanese: what is searched there is pairs of characters.
PAIRED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u1100-\u11ff\uac00-\ud7af]")
SENTENCE_END = re.compile(r"(?<=[.!?؟。！？])\s*|\n")
EXCERPT_LENGTH = 220

Span = tuple[int, int]


def mark(text: str, question: str, locale: str) -> Markup:
    """The text with the question's words in <mark>."""
    marked, end = Markup(""), 0
    for start, stop in _spans(text, frozenset(tokenize(question, locale)), locale):
        marked += escape(text[end:start]) + Markup("<mark>%s</mark>") % text[start:stop]
        end = stop
    return marked + escape(text[end:])


def excerpt(text: str, question: str, locale: str) -> str:
    """The part of a text where the question's words stand closest together."""
    spans = list(_spans(text, frozenset(tokenize(question, locale)), locale))
    if len(text) <= EXCERPT_LENGTH or not spans:
        return _cut(text)
    starts = [0, *(match.end() for match in SENTENCE_END.finditer(text)), *(s for s, _ in spans)]
    best = max(starts, key=lambda start: (_held(spans, start), -start))
    return ("… " if best else "") + _cut(text[best:])


def _held(spans: list[Span], start: int) -> int:
    return sum(start <= a and b <= start + EXCERPT_LENGTH for a, b in spans)


def _cut(text: str) -> str:
    if len(text) <= EXCERPT_LENGTH:
        return text
    head = text[:EXCERPT_LENGTH]
    return (head.rsplit(None, 1)[0] if " " in head[EXCERPT_LENGTH // 2 :] else head) + " …"


def _spans(text: str, wanted: frozenset[str], locale: str) -> Iterator[Span]:
    """Where the wanted tokens stand, in order, those that touch joined."""
    held: Span | None = None
    for start, stop in _hits(text, wanted, locale):
        if held and start <= held[1]:
            held = (held[0], max(stop, held[1]))
            continue
        if held:
            yield held
        held = (start, stop)
    if held:
        yield held


def _hits(text: str, wanted: frozenset[str], locale: str) -> Iterator[Span]:
    for match in WORD.finditer(text):
        word, start = match.group(), match.start()
        if PAIRED.search(word) and len(word) > 1:
            for n in range(len(word) - 1):
                if wanted.intersection(_tokens(word[n : n + 2], locale)):
                    yield start + n, start + n + 2
        elif wanted.intersection(_tokens(word, locale)):
            yield match.span()


@lru_cache(maxsize=50_000)
def _tokens(word: str, locale: str) -> tuple[str, ...]:
    return tuple(tokenize(word, locale))
