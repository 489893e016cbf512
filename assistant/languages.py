"""Which language a question is written in: by script, and among Latin ones by letters.

Naive Bayes over the letter n-grams of words (Dunning 1994), learned from the general questions
that come with this package. On customers' short questions it errs less than the general
identifiers we tried, and it takes no memory to speak of.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from retriever.general import general_questions

SCRIPTS = (("HANGUL", "ko"), ("ARABIC", "fa"), ("CJK", "zh"))
LATIN = ("en", "it")
LONGEST = 3
# What an n-gram never seen in a language counts for.
UNSEEN = 0.3
# Log-probability by which a detected Latin language must lead to overrule the page's own.
LEAD = 25.0


def detect_language(text: str, hint: str | None, locales: list[str]) -> str:
    """The language of a text, by script and then by letters; the hint wins when in doubt."""
    counts = dict.fromkeys(("ko", "fa", "zh", "latin"), 0)
    for c in text:
        if c.isalpha():
            counts[_script(c)] += 1
    # A Latin name in a Korean sentence has more letters than its share of the meaning.
    counts["latin"] //= 3
    best = max(counts, key=lambda code: counts[code])
    if counts[best] and best in locales:
        return best
    return _latin_language(text, hint, locales)


@lru_cache(maxsize=10_000)
def _script(c: str) -> str:
    name = unicodedata.name(c, "")
    return next((code for prefix, code in SCRIPTS if name.startswith(prefix)), "latin")


def _latin_language(text: str, hint: str | None, locales: list[str]) -> str:
    choices = [code for code in LATIN if code in locales]
    if len(choices) < 2:
        return choices[0] if choices else hint or locales[0]
    if hint not in choices:
        hint = None
    model, grams = _model(), list(_grams(text))
    likelihood = {code: sum(model[code].get(g, 0.0) for g in grams) for code in choices}
    first, second = sorted(choices, key=lambda code: -likelihood[code])[:2]
    lead = likelihood[first] - likelihood[second]
    if hint is None or lead > LEAD:
        return first if lead > 0 else hint or choices[0]
    return hint


def _grams(text: str) -> Iterator[str]:
    for word in text.lower().split():
        letters = "".join(c for c in word if c.isalpha() or c == "'")
        yield f"{letters}#"
        framed = f" {letters} "
        for size in range(1, LONGEST + 1):
            yield from (framed[n : n + size] for n in range(len(framed) - size + 1))


@lru_cache(maxsize=1)
def _model() -> dict[str, dict[str, float]]:
    """Log-probability of each n-gram that any of the Latin languages has, by language."""
    lines = general_questions()
    counts = {code: Counter(g for line in lines[code] for g in _grams(line)) for code in LATIN}
    every = set().union(*counts.values())
    return {code: _log_probabilities(of, every) for code, of in counts.items()}


def _log_probabilities(counts: Counter[str], every: set[str]) -> dict[str, float]:
    total = math.log(counts.total() + UNSEEN * len(every))
    return {gram: math.log(counts[gram] + UNSEEN) - total for gram in every}
