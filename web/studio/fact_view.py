"""What pages about shared facts show: sentences with the fact marked, places, differences."""

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from kb.articles import Revision
from kb.differences import Piece, difference
from kb.fact_plans import APPROVED, DRAFT, LIVE, SCHEDULED, Step, saying
from kb.fact_uses import FactUse, spoken_in
from kb.shared_facts import SharedFact
from web.i18n import _

ROLES = {
    LIVE: _("Live"),
    SCHEDULED: _("Scheduled"),
    APPROVED: _("Ready to publish"),
    DRAFT: _("Draft"),
}
PART_NAMES = {"title": _("Title"), "answer": _("Answer"), "body": _("The long form")}
# Letters shown around a changed or marked word.
AROUND = 90
# Letters between two changes that still belong to one value.
WITHIN = 8
MOST_BY_HAND = 200
Marked = list[tuple[str, bool]]


@dataclass(frozen=True)
class ByHand:
    """A live wording that says a value in its own words, and its sentences, marked."""

    revision: Revision
    sentences: list[Marked]


@dataclass(frozen=True)
class Changed:
    """A part of a wording, before and after, only where it differs."""

    label: str
    pieces: list[Piece]


def count_uses(session: Session, facts: list[SharedFact]) -> dict[int, int]:
    """In how many wordings each was ever stated."""
    ids = [fact.id for fact in facts]
    query = (
        select(FactUse.fact_id, func.count(func.distinct(FactUse.revision_id)))
        .where(col(FactUse.fact_id).in_(ids))
        .group_by(col(FactUse.fact_id))
    )
    return dict(session.exec(query).all())


def said_by_hand(session: Session, fact: SharedFact) -> list[ByHand]:
    """Live wordings that say the fact's value without stating the fact, up to 200."""
    found: list[ByHand] = []
    for locale, value in fact.values.items():
        for revision in saying(session, fact, locale)[: MOST_BY_HAND - len(found)]:
            places = spoken_in(session, revision, value)
            sentences = [_marked(getattr(revision, p), start, end) for p, start, end in places]
            found.append(ByHand(revision, sentences[:3]))
    return found


def _marked(text: str, start: int, end: int) -> Marked:
    """The line around some words, cut at both ends, with the words marked."""
    first = max(text.rfind("\n", 0, start) + 1, start - AROUND)
    line_end = text.find("\n", end)
    last = min(line_end if line_end >= 0 else len(text), end + AROUND)
    return [(text[first:start], False), (text[start:end], True), (text[end:last], False)]


def changed_parts(step: Step) -> list[Changed]:
    """What is said otherwise, with some words around it."""
    return [
        Changed(PART_NAMES[part], _shortened(_whole(difference(before, after))))
        for part, before, after in step.changed
    ]


def _whole(pieces: tuple[Piece, ...]) -> list[Piece]:
    """Values are struck out and written anew as a whole, not figure by figure."""
    found: list[Piece] = []
    removed = added = ""
    for n, piece in enumerate(pieces):
        is_between = 0 < n < len(pieces) - 1 and len(piece.text) <= WITHIN
        if piece.kind == "same" and not (is_between and (removed or added)):
            found += [Piece("removed", removed)] if removed else []
            found += [Piece("added", added)] if added else []
            found.append(piece)
            removed = added = ""
        else:
            removed += piece.text * (piece.kind != "added")
            added += piece.text * (piece.kind != "removed")
    found += [Piece("removed", removed)] if removed else []
    return found + ([Piece("added", added)] if added else [])


def _shortened(pieces: list[Piece]) -> list[Piece]:
    last = len(pieces) - 1
    return [
        Piece("same", _cut(piece.text, n > 0, n < last)) if piece.kind == "same" else piece
        for n, piece in enumerate(pieces)
    ]


def _cut(text: str, follows: bool, precedes: bool) -> str:
    """Only what stands near a change: its end before one, its beginning after one."""
    if len(text) <= 2 * AROUND:
        return text
    begin = text[:AROUND] if follows else ""
    end = text[-AROUND:] if precedes else ""
    return f"{begin} … {end}"
