"""Answers that contradict each other: what is found, kept, dismissed and settled.

    open ─dismiss→ dismissed ─reopen→ open        open, dismissed ─a sentence changes→ resolved

Each is known by a digest of its two sentences: as long as both stand, what was dismissed stays so.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, col, select

from kb import history
from kb.articles import CONTROL, Revision, load_revisions
from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid, NotFound
from kb.people import Person, require
from kb.publishing import Publication, live_publications

Scope = Literal["articles", "translations", "duplicates"]
Marks = list[list[int]]
# What a publication that contradicts other answers meets.
WARN, BLOCK, OFF = "warn", "block", "off"
NOTE_LIMIT = 500
TITLE = "title"


@dataclass(frozen=True)
class Side:
    """A sentence of a wording, and where in it the facts stand; empty where it says nothing."""

    revision: Revision
    part: str
    sentence: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Finding:
    """Two sentences that should agree and do not."""

    scope: Scope
    kind: str
    one: Side
    other: Side

    @property
    def digest(self) -> str:
        """The same whichever comes first, in whatever version they stand."""
        sides = [
            [side.revision.article_id, side.revision.locale, side.part, side.sentence]
            for side in (self.one, self.other)
        ]
        canonical = json.dumps([self.scope, *sorted(sides)], ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


class Contradiction(SQLModel, table=True):
    """A Finding that was kept, and what became of it."""

    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(index=True, unique=True)
    scope: str
    kind: str
    found_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    one_id: int = Field(foreign_key="revision.id", index=True)
    one_part: str
    one_sentence: str
    one_marks: Marks = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    other_id: int = Field(foreign_key="revision.id", index=True)
    other_part: str
    other_sentence: str
    other_marks: Marks = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    dismissed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    dismissed_by_id: int | None = Field(default=None, foreign_key="person.id")
    reason: str = ""
    resolved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def state(self) -> str:
        """`open`, `dismissed` or `resolved`."""
        if self.resolved_at:
            return "resolved"
        return "dismissed" if self.dismissed_at else "open"

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look at it."""
        return self.state == "open"


def keep(session: Session, findings: Iterable[Finding]) -> list[Contradiction]:
    """Keep what was found; what is known already is brought to the versions that it stands in."""
    found = {finding.digest: finding for finding in findings}
    query = select(Contradiction).where(col(Contradiction.digest).in_(list(found)))
    known = {row.digest: row for row in session.exec(query)}
    rows = [_kept(known.get(digest), finding) for digest, finding in found.items()]
    session.add_all(rows)
    session.flush()
    return rows


def _kept(row: Contradiction | None, finding: Finding) -> Contradiction:
    row = row or Contradiction(digest=finding.digest, **_written(finding))
    sides = [finding.one, finding.other]
    # It may have been found from the other side first.
    if (row.one_part, row.one_sentence) != (finding.one.part, finding.one.sentence):
        sides.reverse()
    row.one_id, row.other_id = (_id(side) for side in sides)
    if row.resolved_at:
        row.found_at, row.resolved_at = now(), None
    return row


def _written(finding: Finding) -> dict[str, Any]:
    fields: dict[str, Any] = {"scope": finding.scope, "kind": finding.kind}
    for name, side in (("one", finding.one), ("other", finding.other)):
        fields |= {
            f"{name}_part": side.part,
            f"{name}_sentence": side.sentence,
            f"{name}_marks": [list(mark) for mark in side.marks],
        }
    return fields


def _id(side: Side) -> int:
    assert side.revision.id is not None
    return side.revision.id


def settle(session: Session) -> int:
    """Resolve those of which a sentence stands no more; how many that were."""
    query = select(Contradiction).where(col(Contradiction.resolved_at).is_(None))
    rows = list(session.exec(query))
    revisions = load_revisions(session, {id_ for row in rows for id_ in (row.one_id, row.other_id)})
    standing = _standing(session, {revision.article_id for revision in revisions.values()})
    gone = [row for row in rows if not _stands(row, revisions, standing)]
    for row in gone:
        row.resolved_at = now()
    session.add_all(gone)
    session.flush()
    return len(gone)


Places = dict[tuple[int, str], list[Revision]]


def _standing(session: Session, article_ids: set[int]) -> Places:
    """What is live of some articles, and the newest that was never published."""
    found: Places = {}
    for publication in live_publications(session, article_ids=article_ids):
        place = (publication.article_id, publication.locale)
        found[place] = [publication.revision]
    never = select(Revision).where(
        col(Revision.article_id).in_(article_ids),
        col(Revision.id).not_in(select(Publication.revision_id)),
    )
    newest = {
        (r.article_id, r.locale): r for r in session.exec(never.order_by(col(Revision.version)))
    }
    for place, revision in newest.items():
        live = found.setdefault(place, [])
        if all(revision.version > other.version for other in live):
            live.append(revision)
    return found


def _stands(row: Contradiction, revisions: dict[int, Revision], standing: Places) -> bool:
    sides = (
        (row.one_id, row.one_part, row.one_sentence),
        (row.other_id, row.other_part, row.other_sentence),
    )
    return all(_has(revisions[id_], part, text, standing) for id_, part, text in sides)


def _has(revision: Revision, part: str, sentence: str, standing: Places) -> bool:
    place = standing.get((revision.article_id, revision.locale), [])
    if not sentence:
        return any(other.id == revision.id for other in place)
    return any(sentence in getattr(other, part) for other in place)


def ability_to_dismiss(setting: str) -> str:
    """What it takes: where contradictions block, whoever dismisses one lets a version through."""
    return "approve" if setting == BLOCK else "write"


def dismiss(
    session: Session, contradiction_id: int, by: Person, reason: str, setting: str = WARN
) -> Contradiction:
    """It is a false alarm, and why.

    Raises NotAllowed, NotFound, Conflict, and Invalid without a reason.
    """
    require(by, ability_to_dismiss(setting))
    reason = " ".join(CONTROL.sub("", reason).split())
    if not reason:
        raise Invalid("say why it is no contradiction", "reason")
    if len(reason) > NOTE_LIMIT:
        raise Invalid(f"a reason has at most {NOTE_LIMIT} characters", "reason")
    row = get_contradiction(session, contradiction_id)
    if not row.is_open:
        raise Conflict(f"this contradiction is {row.state} already")
    row.dismissed_at, row.dismissed_by_id, row.reason = now(), by.id, reason
    return _recorded(session, row, by, "contradiction_dismissed", reason=reason)


def reopen(session: Session, contradiction_id: int, by: Person) -> Contradiction:
    """The alarm was right after all. Raises NotFound, Conflict."""
    require(by, "write")
    row = get_contradiction(session, contradiction_id)
    if row.state != "dismissed":
        raise Conflict(f"this contradiction is {row.state}")
    row.dismissed_at, row.dismissed_by_id, row.reason = None, None, ""
    return _recorded(session, row, by, "contradiction_reopened")


def _recorded(
    session: Session, row: Contradiction, by: Person, kind: str, **data: str
) -> Contradiction:
    session.add(row)
    session.flush()
    one = session.get(Revision, row.one_id)
    assert one is not None
    history.record(
        session, kind, by, one.article_id, one.locale, one.version, contradiction=row.id, **data
    )
    return row


def get_contradiction(session: Session, contradiction_id: int) -> Contradiction:
    """One that was kept. Raises NotFound."""
    found = session.get(Contradiction, contradiction_id) if 0 < contradiction_id < 2**31 else None
    if found is None:
        raise NotFound("there is no such contradiction")
    return found


def open_contradictions(session: Session, revision: Revision | None = None) -> list[Contradiction]:
    """Those that somebody has to look at, newest first; of one wording, or all."""
    query = select(Contradiction).where(
        col(Contradiction.resolved_at).is_(None), col(Contradiction.dismissed_at).is_(None)
    )
    if revision is not None:
        query = query.where(
            (col(Contradiction.one_id) == revision.id)
            | (col(Contradiction.other_id) == revision.id)
        )
    return list(session.exec(query.order_by(col(Contradiction.id).desc())))


def past_contradictions(session: Session, limit: int) -> list[Contradiction]:
    """Those that were dismissed or have resolved themselves, latest first."""
    query = select(Contradiction).where(
        col(Contradiction.resolved_at).is_not(None) | col(Contradiction.dismissed_at).is_not(None)
    )
    rows = list(session.exec(query))
    rows.sort(
        key=lambda row: max(t for t in (row.resolved_at, row.dismissed_at) if t), reverse=True
    )
    return rows[:limit]
