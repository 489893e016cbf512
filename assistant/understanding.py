"""What a question is before it is looked up: clean text in a language, or not a question."""

import unicodedata
from dataclasses import dataclass

from assistant.intents import remainder_of
from assistant.languages import detect_language
from kb.errors import Invalid

QUESTION_LIMIT = 2000


@dataclass(frozen=True)
class Question:
    """A cleaned question; `locale` is the reader's, `language` the one it is written in."""

    text: str
    locale: str
    language: str

    @property
    def search(self) -> str:
        """What is looked up: the question without the courtesies around it, on every channel."""
        return remainder_of(self.text) or self.text

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
