"""What was corrected, for everybody to read: the wrong words, the right ones, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from assistant.recall import Correction, WrongRevision, why_in
from kb.articles import Article, Revision, load_revisions
from kb.audiences import PUBLIC
from kb.errors import NotFound


@dataclass(frozen=True)
class Erratum:
    """A correction in one language; `wrong` begins with the latest wording."""

    correction: Correction
    article: Article
    wrong: tuple[Revision, ...]
    right: Revision
    why: str


@dataclass(frozen=True)
class ErrataPage:
    """Some of the list; `next` is where the page after it begins, None on the last."""

    items: list[Erratum]
    total: int
    next: int | None


def list_errata(
    session: Session, locale: str, limit: int = 50, before: int | None = None
) -> ErrataPage:
    """What the public was told wrongly, newest first; in that language where it has it."""
    query = _public().order_by(col(Correction.id).desc())
    if before is not None:
        query = query.where(col(Correction.id) < before)
    found = list(session.exec(query.limit(limit + 1)))
    more = len(found) > limit
    total = session.exec(select(func.count()).select_from(_public().subquery())).one()
    items = errata_of(session, found[:limit], locale)
    return ErrataPage(items, total, found[limit - 1].id if more else None)


def get_erratum(
    session: Session, correction_id: int, locale: str, for_anybody: bool = True
) -> Erratum:
    """One of them; not `for_anybody`, of any audience. Raises NotFound."""
    query = _public() if for_anybody else select(Correction)
    found = session.exec(query.where(Correction.id == correction_id)).first()
    if found is None:
        raise NotFound("there is no such correction")
    return errata_of(session, [found], locale, (PUBLIC,) if for_anybody else None)[0]


def _public() -> SelectOfScalar[Correction]:
    shown = (
        select(WrongRevision.correction_id)
        .join(Revision, col(Revision.id) == WrongRevision.right_id)
        .where(Revision.audience == PUBLIC)
    )
    return select(Correction).where(col(Correction.id).in_(shown))


def errata_of(
    session: Session,
    corrections: Sequence[Correction],
    locale: str,
    audiences: Iterable[str] | None = (PUBLIC,),
) -> list[Erratum]:
    """Corrections with their words, in that language, else the article's own, else any."""
    ids = [correction.id for correction in corrections]
    query = select(WrongRevision).where(col(WrongRevision.correction_id).in_(ids))
    rows: dict[int, list[WrongRevision]] = {}
    for row in session.exec(query):
        rows.setdefault(row.correction_id, []).append(row)
    every = [row for of_one in rows.values() for row in of_one]
    words = load_revisions(session, {r.revision_id for r in every} | {r.right_id for r in every})
    return [
        _erratum(session, correction, rows[correction.id or 0], words, locale, audiences)
        for correction in corrections
    ]


def _erratum(
    session: Session,
    correction: Correction,
    rows: list[WrongRevision],
    words: dict[int, Revision],
    locale: str,
    audiences: Iterable[str] | None,
) -> Erratum:
    article = session.get(Article, correction.article_id)
    assert article is not None
    rights = {words[row.right_id].locale: words[row.right_id] for row in rows}
    if audiences is not None:
        rights = {code: right for code, right in rights.items() if right.audience in audiences}
    order: list[Any] = [locale, article.source_locale, *sorted(rights)]
    right = next(rights[code] for code in order if code in rights)
    wrong = [words[row.revision_id] for row in rows if row.right_id == right.id]
    wrong.sort(key=lambda revision: -revision.version)
    why = why_in(correction, locale, right.locale, article.source_locale)
    return Erratum(correction, article, tuple(wrong), right, why)
