"""What the editor says of a text while it is written: length, ease, links, likeness."""

from dataclasses import dataclass

from sqlmodel import Session

from kb.articles import ANSWER_LIMIT, Wording
from kb.fact_uses import unknown_names
from kb.link_check import BrokenLink, broken_links
from kb.readability import Readability, readability
from retriever.index import Index
from retriever.likeness import Like, Taken, find_alike, find_taken
from web.i18n import _
from web.studio.typed import Typed

LINK_REASONS = {
    "relative": _("A relative link leads elsewhere on every channel; write /en/articles/its-slug."),
    "no_article": _("There is no article of that name."),
    "not_live": _("That article is not live in this language."),
    "no_anchor": _("There is no such heading there."),
    "no_picture": _("That picture is not in the store."),
    "no_page": _("This site has no such page."),
    "malformed": _("This is no address."),
}
MEASURES = {
    "flesch": _("Flesch reading ease: %(value)s of 100"),
    "gulpease": _("Gulpease: %(value)s of 100"),
    "sentence_length": _("Mean length of a sentence: %(value)s words"),
    "sentence_characters": _("Mean length of a sentence: %(value)s characters"),
}
LEVELS = {"easy": _("Easy to read"), "medium": _("Readable"), "hard": _("Hard to read")}


@dataclass(frozen=True)
class Checks:
    """All findings on one text."""

    length: int
    limit: int
    readability: Readability | None
    links: list[BrokenLink]
    alike: list[Like]
    taken: list[Taken]
    # Names in braces that readers would see as they are written.
    unknown: list[str]


def check(session: Session, index: Index, typed: Typed, locale: str, article: int | None) -> Checks:
    """Nothing is refused here: these are things to look at."""
    written = Wording(typed.title, typed.answer, typed.body)
    typed = typed.shown(session, locale)
    wording = Wording(typed.title, typed.answer, typed.body)
    phrasings = typed.phrasing_list
    words = [typed.title, *phrasings]
    return Checks(
        len(typed.answer.strip()),
        ANSWER_LIMIT,
        readability(typed.answer, locale),
        broken_links(session, wording, locale),
        find_alike(session, index, typed.title, typed.answer, phrasings, locale, article),
        find_taken(session, index, words, locale, article),
        unknown_names(session, written, locale),
    )
