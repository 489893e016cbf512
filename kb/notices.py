"""Notices: approved words on every channel at once, for a time.

    scheduled ─its time comes→ showing ─its end comes, or end→ over

Whoever may publish writes one; words that change are a new notice, so that a reader who has put
the old one away sees the new one. A notice is no Event: answers stay as they are, so neither the
epoch nor the index moves, and whether it shows is a question about an instant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, or_
from sqlmodel import Field, Session, SQLModel, col, select

from kb.articles import AUDIENCE, CONTROL, check_locale, find_article
from kb.audiences import PUBLIC, Audiences
from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid, NotFound
from kb.people import Person, require

# Gravest first: where there is room for one, it is the first of these.
OUTAGE, WARNING, INFO = "outage", "warning", "info"
SEVERITIES = (OUTAGE, WARNING, INFO)
TEXT_LIMIT = 400
SCHEDULED, SHOWING, OVER = "scheduled", "showing", "over"
# Of those that are over, the newest.
LISTED = 200


def _json(default: type) -> Any:
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


class Notice(SQLModel, table=True):
    """Words by locale, for an audience and a time; perhaps only beside some answers."""

    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    by_id: int = Field(foreign_key="person.id")
    severity: str
    audience: str
    texts: dict[str, str] = _json(dict)
    categories: list[str] = _json(list)
    articles: list[str] = _json(list)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    ended_by_id: int | None = Field(default=None, foreign_key="person.id")

    @property
    def is_general(self) -> bool:
        """Whether it stands everywhere, not only beside certain answers."""
        return not self.categories and not self.articles

    def state(self, at: datetime) -> str:
        """`scheduled`, `showing` or `over` at an instant."""
        if self.ends_at is not None and self.ends_at <= at:
            return OVER
        return SHOWING if self.starts_at <= at else SCHEDULED

    def concerns(self, subject: "Subject") -> bool:
        """Whether it belongs beside that answer."""
        return subject.category in self.categories or subject.slug in self.articles

    def text_in(self, locale: str, fallback: str) -> tuple[str, str] | None:
        """The words and their locale: the reader's own, else the fallback's, else none."""
        found = next((code for code in (locale, fallback) if self.texts.get(code)), None)
        return (self.texts[found], found) if found else None


@dataclass(frozen=True)
class Subject:
    """What somebody is reading: an article, or a category alone."""

    category: str
    slug: str = ""


@dataclass(frozen=True)
class Announcement:
    """What a notice asks for; the times need a zone, no end is until somebody ends it."""

    texts: dict[str, str]
    severity: str = INFO
    audience: str = PUBLIC
    categories: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Shown:
    """A notice in the words that a reader sees."""

    notice: Notice
    text: str
    locale: str


def announce(session: Session, wanted: Announcement, by: Person) -> Notice:
    """Show a notice, now or at its time. Raises Invalid naming the field that is wrong."""
    require(by, "publish")
    assert by.id is not None
    texts = _checked_texts(wanted.texts)
    _check_zones(wanted.starts_at, wanted.ends_at)
    at = now()
    starts = max(wanted.starts_at or at, at)
    _check(session, wanted, starts)
    made = Notice(
        by_id=by.id,
        severity=wanted.severity,
        audience=wanted.audience,
        texts=texts,
        categories=sorted(set(wanted.categories)),
        articles=sorted(set(wanted.articles)),
        starts_at=starts,
        ends_at=wanted.ends_at,
    )
    session.add(made)
    session.flush()
    return made


def _checked_texts(texts: dict[str, str]) -> dict[str, str]:
    found = {check_locale(code): text.strip() for code, text in texts.items() if text.strip()}
    if not found:
        raise Invalid("write the notice in at least one language", "text")
    for code, text in found.items():
        if len(text) > TEXT_LIMIT:
            raise Invalid(
                f"the notice ({code}) has {len(text)} characters; shorten it to {TEXT_LIMIT}",
                f"text_{code}",
            )
        if CONTROL.search(text):
            raise Invalid(f"the notice ({code}) contains control characters", f"text_{code}")
    return found


def _check_zones(*times: datetime | None) -> None:
    if any(time is not None and time.tzinfo is None for time in times):
        raise Invalid("a time needs its zone, such as 2030-01-31T09:00+01:00", "starts_at")


def _check(session: Session, wanted: Announcement, starts: datetime) -> None:
    if wanted.severity not in SEVERITIES:
        raise Invalid(f"severity is one of {', '.join(SEVERITIES)}", "severity")
    if not AUDIENCE.fullmatch(wanted.audience):
        raise Invalid("audience is a name such as public, customers or agents", "audience")
    if wanted.ends_at and wanted.ends_at <= starts:
        raise Invalid("the end must come after the start, and after now", "ends_at")
    for slug in wanted.articles:
        if find_article(session, slug) is None:
            raise Invalid(f"there is no article {slug[:120]!r}", "articles")


def end(session: Session, notice: Notice, by: Person) -> None:
    """Take it off every channel now, or never let it begin. Raises Conflict when it is over."""
    require(by, "publish")
    at = now()
    if notice.state(at) == OVER:
        raise Conflict("this notice is over already")
    notice.ends_at, notice.ended_by_id = at, by.id
    notice.starts_at = min(notice.starts_at, at)
    session.add(notice)
    session.flush()


def reword(session: Session, notice: Notice, wanted: Announcement, by: Person) -> Notice:
    """The notice in other words, times or places: a new one instead of it."""
    made = announce(session, wanted, by)
    end(session, notice, by)
    return made


def get_notice(session: Session, notice_id: int) -> Notice:
    """The notice of that id. Raises NotFound."""
    found = session.get(Notice, notice_id) if notice_id < 2**31 else None
    if found is None:
        raise NotFound("there is no such notice")
    return found


def list_notices(session: Session) -> list[Notice]:
    """What shows or will, and the newest of what is over; newest first."""
    query = select(Notice).order_by(col(Notice.id).desc()).limit(LISTED)
    return list(session.exec(query))


def notices_for(
    session: Session,
    locale: str,
    fallback: str,
    audiences: Audiences,
    subjects: Iterable[Subject] = (),
) -> list[Shown]:
    """What a reader of that locale is shown now, the gravest first, then the newest."""
    return in_words(current(session, audiences), locale, fallback, subjects)


def current(session: Session, audiences: Audiences) -> list[Notice]:
    """What shows now, everywhere or somewhere, the gravest first, then the newest."""
    at = now()
    query = select(Notice).where(
        Notice.starts_at <= at,
        or_(col(Notice.ends_at).is_(None), col(Notice.ends_at) > at),
    )
    if audiences is not None:
        query = query.where(col(Notice.audience).in_(sorted(audiences)))
    return sorted(session.exec(query), key=lambda n: (SEVERITIES.index(n.severity), -(n.id or 0)))


def in_words(
    notices: Iterable[Notice], locale: str, fallback: str, subjects: Iterable[Subject] = ()
) -> list[Shown]:
    """Those that stand everywhere or beside these subjects, in a reader's words."""
    about = list(subjects)
    found = [n for n in notices if n.is_general or any(map(n.concerns, about))]
    pairs = [(notice, notice.text_in(locale, fallback)) for notice in found]
    return [Shown(notice, *words) for notice, words in pairs if words]
