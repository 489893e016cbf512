"""All articles and their translations at once: which are missing, outdated, waiting or current.

    missing ─draft→ draft ─submit→ in_review ─approve→ current ─the source moves on→ outdated

What 10,000 articles look like is asked of the database once; after that, only of those that
something has happened to since.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any, Literal, get_args

from sqlalchemy import Engine, and_, func, or_, select
from sqlmodel import Session, col

from kb.articles import Article, Review, Revision
from kb.db import now, reading
from kb.history import Event
from kb.publishing import Publication, select_live
from kb.settings import LOCALE_NAMES

State = Literal["missing", "outdated", "draft", "in_review", "current"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Cell:
    """The newest translation of an article in a locale; `version` is None where there is none."""

    state: State
    version: int | None
    is_outdated: bool


@dataclass(frozen=True)
class Row:
    """One article and its translations by locale."""

    slug: str
    title: str
    category: str
    source_locale: str
    source_version: int
    cells: dict[str, Cell] = field(compare=False)


@dataclass(frozen=True)
class Wanted:
    """Which articles to list; an empty value asks for no narrowing."""

    locale: str = ""
    state: str = ""
    category: str = ""
    search: str = ""

    def holds(self, row: Row) -> bool:
        """Whether an article is one of them."""
        text = self.search.casefold()
        return (
            self.category in ("", row.category)
            and (not text or text in row.title.casefold() or text in row.slug)
            and ((not self.locale and not self.state) or any(self._cells(row)))
        )

    def _cells(self, row: Row) -> Iterator[Cell]:
        for locale, cell in row.cells.items():
            if self.locale in ("", locale) and self.state in ("", cell.state):
                yield cell


class Board:
    """Every article's row, at an epoch."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.epoch, self.at = -1, datetime.min
        self.lock = Lock()

    def bring_level(self, session: Session) -> None:
        """Read again what something has happened to since."""
        with self.lock:
            at = now()
            epoch = _epoch(session)
            # A store that was put back to an earlier state is read anew.
            is_new = self.epoch < 0 or epoch < self.epoch
            ids = None if is_new else self._touched(session, at)
            if is_new:
                self.rows.clear()
            if ids is None or ids:
                self.rows.update(_rows(session, ids))
            self.epoch, self.at = epoch, at

    def _touched(self, session: Session, at: datetime) -> list[int]:
        events = select(col(Event.article_id)).where(
            col(Event.id) > self.epoch, col(Event.article_id).is_not(None)
        )
        by_the_clock = select(col(Publication.article_id)).where(
            or_(
                and_(col(Publication.starts_at) > self.at, col(Publication.starts_at) <= at),
                and_(col(Publication.expires_at) > self.at, col(Publication.expires_at) <= at),
            )
        )
        found = {*session.scalars(events.distinct()), *session.scalars(by_the_clock.distinct())}
        return sorted(id_ for id_ in found if id_ is not None)

    def counts(self, locales: Iterable[str]) -> dict[str, dict[State, int]]:
        """How many translations stand how, by locale."""
        found = {code: dict.fromkeys(STATES, 0) for code in locales}
        for row in list(self.rows.values()):
            for locale, cell in row.cells.items():
                if locale in found:
                    found[locale][cell.state] += 1
        return found

    def find(self, wanted: Wanted) -> list[Row]:
        """The articles that are wanted, by slug."""
        found = [row for row in list(self.rows.values()) if wanted.holds(row)]
        return sorted(found, key=lambda row: row.slug)

    def categories(self) -> list[str]:
        """The categories that articles are in."""
        return sorted({row.category for row in list(self.rows.values())})


def _epoch(session: Session) -> int:
    return session.scalar(select(func.max(col(Event.id)))) or 0


@lru_cache(maxsize=8)
def _board_of(_engine: object) -> Board:
    return Board()


def keep_board(engine: Engine, _at: datetime | None = None) -> None:
    """Level before anybody looks: to read 10,000 articles for the first time takes seconds."""
    with reading(engine) as session:
        if _board_of(session.get_bind()).epoch != _epoch(session):
            translation_board(session)


def translation_board(session: Session) -> Board:
    """The board of this store, level with its history."""
    board = _board_of(session.get_bind())
    board.bring_level(session)
    return board


def _rows(session: Session, ids: Sequence[int] | None) -> dict[int, Row]:
    """Plain reads of a table each, put together here: no planner can get them wrong."""
    revisions = _read(session, ids, Revision, "id", "locale", "version", "source_version")
    verdicts = _verdicts(session, None if ids is None else [r.id for r in revisions])
    newest = {(r.article_id, r.locale): r for r in sorted(revisions, key=lambda r: r.version)}
    live = _live_sources(session, ids)
    rows: dict[int, Row] = {}
    for id_, slug, locale in session.execute(_of_articles(ids)):
        source = newest.get((id_, locale))
        if source is None:
            continue
        shown = live.get(id_) or (source.id, source.version)
        cells = {
            code: _cell_of(newest.get((id_, code)), shown[1], verdicts)
            for code in LOCALE_NAMES
            if code != locale
        }
        rows[id_] = Row(slug, "", "", locale, shown[1], cells)
        live[id_] = shown
    names = _names_of(session, None if ids is None else [live[id_][0] for id_ in rows])
    return {id_: _named(row, names[live[id_][0]]) for id_, row in rows.items()}


def _cell_of(newest: Any, source_version: int, verdicts: dict[int, str]) -> Cell:
    if newest is None:
        return _cell("missing", None, False)
    is_old = newest.source_version is not None and newest.source_version < source_version
    verdict = verdicts.get(newest.id, "")
    if verdict == "submitted":
        return _cell("in_review", newest.version, is_old)
    if verdict not in ("approved", "adopted"):
        return _cell("draft", newest.version, is_old)
    return _cell("outdated" if is_old else "current", newest.version, is_old)


# Most articles stand alike, so they share their cells.
@lru_cache(maxsize=10_000)
def _cell(state: State, version: int | None, is_outdated: bool) -> Cell:
    return Cell(state, version, is_outdated)


def _named(row: Row, names: tuple[str, str]) -> Row:
    return replace(row, title=names[0], category=names[1])


def _read(session: Session, ids: Sequence[int] | None, table: Any, *names: str) -> list[Any]:
    query = select(table.article_id, *(getattr(table, name) for name in names))
    if ids is not None:
        query = query.where(table.article_id.in_(ids))
    return list(session.execute(query))


def _of_articles(ids: Sequence[int] | None) -> Any:
    query = select(col(Article.id), col(Article.slug), col(Article.source_locale))
    return query if ids is None else query.where(col(Article.id).in_(ids))


def _verdicts(session: Session, ids: Sequence[int] | None) -> dict[int, str]:
    """The last verdict on each Revision."""
    query = select(col(Review.revision_id), col(Review.verdict)).order_by(col(Review.id))
    if ids is not None:
        query = query.where(col(Review.revision_id).in_(ids))
    verdicts: dict[int, str] = {}
    verdicts.update((id_, verdict) for id_, verdict in session.execute(query))
    return verdicts


def _live_sources(session: Session, ids: Sequence[int] | None) -> dict[int, tuple[int, int]]:
    """Revision and version of what is live in each article's own language."""
    query = (
        select_live(now())
        .join(Revision, Publication.revision_id == Revision.id)
        .join(Article, Publication.article_id == Article.id)
        .where(Publication.locale == Article.source_locale)
        .with_only_columns(Publication.article_id, Revision.id, Revision.version)
    )
    if ids is not None:
        query = query.where(col(Publication.article_id).in_(ids))
    return {article_id: (id_, version) for article_id, id_, version in session.execute(query)}


def _names_of(session: Session, ids: Sequence[int] | None) -> dict[int, tuple[str, str]]:
    query = select(col(Revision.id), col(Revision.title), col(Revision.category))
    if ids is not None:
        query = query.where(col(Revision.id).in_(ids))
    return {id_: (title, category) for id_, title, category in session.execute(query)}
