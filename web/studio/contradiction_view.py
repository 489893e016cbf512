"""A contradiction as a page shows it: two sentences side by side, the facts marked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from assistant.contradictions import Contradiction
from kb.articles import Revision, load_revisions
from kb.people import Person
from web.i18n import _

KIND_NAMES = {
    "money": _("Price"),
    "percent": _("Percentage"),
    "duration": _("Duration"),
    "number": _("Number"),
    "date": _("Date"),
    "time": _("Time"),
    "phone": _("Phone"),
    "yes_no": _("Yes or no"),
    "duplicate": _("Twice the same answer"),
}
SCOPE_NAMES = {
    "articles": _("Two articles"),
    "translations": _("Translations"),
    "duplicates": _("Near-duplicates"),
}
LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)?)?|\]\([^)]*\)?")
MARKS = re.compile(r"\*\*|__|`|<[^>]*>")
CELLS = re.compile(r"\s*\|\s*")


@dataclass(frozen=True)
class ShownSide:
    """A sentence in pieces, each with whether it is a fact; none where nothing is said."""

    revision: Revision
    pieces: tuple[tuple[str, bool], ...]

    @property
    def path(self) -> str:
        """The page of that version."""
        r = self.revision
        return f"/studio/articles/{r.article.slug}/{r.locale}/{r.version}"

    @property
    def edit_path(self) -> str:
        """Where its words are changed."""
        return f"/studio/articles/{self.revision.article.slug}/edit?locale={self.revision.locale}"


@dataclass(frozen=True)
class Shown:
    """A contradiction with both sides, and who dismissed it."""

    row: Contradiction
    sides: tuple[ShownSide, ShownSide]
    dismissed_by: str = ""

    @property
    def kind(self) -> str:
        """What they disagree in."""
        return KIND_NAMES.get(self.row.kind, self.row.kind)

    @property
    def scope(self) -> str:
        """What stands side by side."""
        return SCOPE_NAMES[self.row.scope]


def shown(session: Session, rows: Sequence[Contradiction]) -> list[Shown]:
    """Contradictions for a page, in that order."""
    revisions = load_revisions(session, {id_ for row in rows for id_ in (row.one_id, row.other_id)})
    ids = {row.dismissed_by_id for row in rows if row.dismissed_by_id}
    query = select(Person.id, Person.name).where(col(Person.id).in_(ids))
    names: dict[int | None, str] = dict(session.exec(query).all())
    return [
        Shown(
            row,
            (
                ShownSide(revisions[row.one_id], pieces_of(row.one_sentence, row.one_marks)),
                ShownSide(revisions[row.other_id], pieces_of(row.other_sentence, row.other_marks)),
            ),
            names.get(row.dismissed_by_id, ""),
        )
        for row in rows
    ]


def pieces_of(sentence: str, marks: Sequence[Sequence[int]]) -> tuple[tuple[str, bool], ...]:
    """The words without Markdown's signs; the marked ones apart."""
    found, at = [], 0
    for start, end in sorted((mark[0], mark[1]) for mark in marks):
        if start >= at:
            found += [(_plain(sentence[at:start]), False), (_plain(sentence[start:end]), True)]
            at = end
    found.append((_plain(sentence[at:]), False))
    return tuple((text, is_fact) for text, is_fact in found if text)


def _plain(text: str) -> str:
    text = MARKS.sub("", LINK.sub(lambda link: link[1] or "", text))
    return CELLS.sub(" · ", text)
