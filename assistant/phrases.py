"""What the assistant says that answers nothing: greetings, asking back, waiting for a person.

A company changes a phrase by publishing an article `phrase-<name>` for the audience `assistant`;
until it does, the built-in words are said.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sqlmodel import Session

from kb.articles import answer_digest, find_article
from kb.audiences import ASSISTANT, visible_to
from kb.errors import NotFound
from kb.frontmatter import parse_file
from kb.publishing import Publication, best_live
from kb.settings import LOCALE_NAMES

FALLBACK = "en"
PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Phrase:
    """Words to say; `article` and `version` are None for built-in ones.

    `sha256` is of the words as approved, before a name was put in.
    """

    name: str
    text: str
    locale: str
    article: str | None
    version: int | None
    sha256: str


def phrase(session: Session, name: str, locale: str, /, **values: object) -> Phrase:
    """The words a company has published for this, else the built-in ones.

    `values` fill places such as `{name}`. Raises NotFound for an unknown name.
    """
    if name not in phrase_names():
        raise NotFound(f"there is no phrase {name[:80]!r}; docs/phrases.md lists them")
    live = _published(session, name, locale)
    if live:
        revision = live.revision
        text, slug = _filled(revision.answer, values), live.article.slug
        return Phrase(name, text, locale, slug, revision.version, revision.answer_sha256)
    locale = locale if locale in LOCALE_NAMES else FALLBACK
    words = _built_in(locale)[name]
    return Phrase(name, _filled(words, values), locale, None, None, answer_digest(words))


def phrase_names() -> frozenset[str]:
    """The name of every phrase there is."""
    return frozenset(_built_in(FALLBACK))


def slug_of(name: str) -> str:
    """The article that a company writes to change a phrase."""
    return f"phrase-{name.replace('_', '-')}"


def _published(session: Session, name: str, locale: str) -> Publication | None:
    article = find_article(session, slug_of(name))
    if article is None or article.id is None:
        return None
    return best_live(session, [article.id], [locale], visible_to(ASSISTANT)).get(article.id)


def _filled(words: str, values: Mapping[str, object]) -> str:
    return PLACE.sub(lambda place: str(values.get(place[1], place[0])), words)


@cache
def _built_in(locale: str) -> dict[str, str]:
    """The words that come with this package, by name."""
    folder = files("assistant") / "phrases" / locale
    found = {}
    for file in folder.iterdir():
        stem = file.name.removesuffix(".md")
        found[stem] = parse_file(file.read_text("utf-8"), stem, "phrases").wording.answer
    return found
