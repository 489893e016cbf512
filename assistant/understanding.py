"""What a question is before it is looked up: clean text in a language, or not a question."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kb.errors import Invalid
from kb.settings import LOCALE_NAMES

QUESTION_LIMIT = 2000
SCRIPTS = (("HANGUL", "ko"), ("ARABIC", "fa"), ("CJK", "zh"))
LATIN = ("en", "it")
# Log-probability by which a detected Latin language must lead to overrule the page's own.
LEAD = 8.0


@dataclass(frozen=True)
class Question:
    """A cleaned question; `locale` is the reader's, `language` the one it is written in."""

    text: str
    locale: str
    language: str

    @property
    def has_words(self) -> bool:
        """Whether there is anything to look up: letters or digits, not only signs."""
        return sum(c.isalnum() for c in self.text) >= 2 or any(
            unicodedata.category(c) == "Lo" for c in self.text
        )


def understand(text: str, locale: str | None, locales: list[str]) -> Question:
    """The question in a text. Raises Invalid when empty, too long, or for a strange locale."""
    check_locale(locale, locales)
    cleaned = clean(text)
    if not cleaned:
        raise Invalid("the question is empty; write what you would like to know", "question")
    if len(cleaned) > QUESTION_LIMIT:
        raise Invalid(
            f"the question has {len(cleaned):,} characters; shorten it to {QUESTION_LIMIT:,}",
            "question",
        )
    language = detect_language(cleaned, locale, locales)
    return Question(cleaned, locale or language, language)


def check_locale(locale: str | None, locales: list[str]) -> None:
    """Raises Invalid unless the site speaks that language."""
    if locale is not None and locale not in locales:
        raise Invalid(f"unknown locale {locale[:20]!r}; choose from {', '.join(locales)}", "locale")


def clean(text: str) -> str:
    """The text with control and invisible characters as spaces, and spaces made one."""
    kept = "".join(" " if _is_invisible(c) else c for c in text)
    return " ".join(kept.split())


def _is_invisible(c: str) -> bool:
    # Joiners shape Persian words and emoji, so they stay.
    return unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") and c not in "\u200c\u200d"


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
    ranked = _identifier().rank(text.lower())
    lead = ranked[0][1] - ranked[1][1]
    if hint is None or lead > LEAD:
        return str(ranked[0][0]) if lead > 0 else hint or choices[0]
    return hint


@lru_cache(maxsize=1)
def _identifier() -> Any:
    import py3langid

    py3langid.set_languages([code for code in LATIN if code in LOCALE_NAMES])
    return py3langid
