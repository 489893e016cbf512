"""Giving customers' wording to an article that answers it: new drafts, reviewed like any change."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from sqlmodel import Session

from kb.articles import PHRASING_LIMIT, Article, Revision, latest_revision
from kb.errors import Invalid
from kb.people import Person
from kb.publishing import draft, submit


class Worded(Protocol):
    """A question in a customer's words."""

    @property
    def text(self) -> str:
        """As it was asked."""

    @property
    def language(self) -> str:
        """What it was asked in."""


def give_wording(
    session: Session, article: Article, phrases: Sequence[Worded], by: Person
) -> list[Revision]:
    """A new version in each language that the phrases speak, submitted for review.

    Where somebody's unfinished draft is the newest version, theirs is built upon and stays one.
    Raises Invalid when the article speaks none of the languages or has all of the words.
    """
    assert article.id is not None
    made = []
    for locale in dict.fromkeys(phrase.language for phrase in phrases):
        newest = latest_revision(session, article.id, locale)
        texts = wording_of(phrase.text for phrase in phrases if phrase.language == locale)
        if newest is None or set(texts) <= set(newest.phrasings):
            continue
        wording = replace(newest.wording, phrasings=(*newest.phrasings, *texts))
        was_unfinished = newest.state == "draft"
        revision = draft(session, article.slug, locale, wording, by, newest.version)
        if not was_unfinished:
            submit(session, revision, by)
        made.append(revision)
    if not made:
        raise Invalid(
            "this article has these words already, or no version in their language; "
            "translate it first, or choose another",
            "article",
        )
    return made


def wording_of(texts: Iterable[str]) -> list[str]:
    """Questions as an article can hold them: in one line, none too long, none twice."""
    lines = dict.fromkeys(" ".join(text.split()) for text in texts)
    return [line for line in lines if 0 < len(line) <= PHRASING_LIMIT]
