"""Articles and translations read against each other: all of them at night, one before it shows."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from assistant.claims import Claim, ClaimIndex, Clash, claims_of, weight_of
from assistant.contradictions import (
    BLOCK,
    OFF,
    TITLE,
    Contradiction,
    Finding,
    Side,
    keep,
    open_contradictions,
    settle,
)
from assistant.disagreement import COMPARED, Said, Unit, Weight, unit_of
from assistant.twins import twins, twins_of
from kb.agreement import Difference
from kb.agreement import Side as Written
from kb.articles import Revision, load_revisions
from kb.audiences import ASSISTANT
from kb.db import now, reading, transaction
from kb.errors import Conflict
from kb.publishing import Publication
from kb.translations import differences_between
from retriever.index import Index, Level
from retriever.texts import Document, document_if_live

TRANSLATED = COMPARED | {"yes_no"}
READ = frozenset({"title", "answer", "passage"})
# So many articles with the most telling words in common are read against one wording.
CANDIDATES = 60
# Articles whose translations are loaded together.
TOGETHER = 200


def look_at(engine: Engine, index: Index, revision: Revision) -> list[Contradiction]:
    """What this wording contradicts, or would if it showed; kept, without what was dismissed."""
    whole = _whole(index, revision)
    with reading(engine) as session:
        level, _ = index.level(session)
        found = level.remembered(
            ("contradictions", whole.id), lambda: find_for(session, index, level, whole)
        )
        known = set(session.exec(_digests(found))) if found else set()
    if any(finding.digest not in known for finding in found):
        with transaction(engine) as session:
            keep(session, found)
    with reading(engine) as session:
        return open_contradictions(session, revision)


def _whole(index: Index, revision: Revision) -> Revision:
    assert revision.id is not None
    return index.revisions([revision.id])[revision.id]


def _digests(found: Sequence[Finding]) -> Any:
    return select(Contradiction.digest).where(
        col(Contradiction.digest).in_([finding.digest for finding in found]),
        col(Contradiction.resolved_at).is_(None),
    )


def check_publication(engine: Engine, index: Index, revision: Revision, setting: str) -> None:
    """Raises Conflict where the house blocks what contradicts other answers, and this does."""
    if setting == OFF:
        return
    found = look_at(engine, index, revision)
    if setting == BLOCK and found:
        raise Conflict(_refusal(engine, _whole(index, revision), found))


def _refusal(engine: Engine, revision: Revision, found: Sequence[Contradiction]) -> str:
    ids = {row.one_id if row.other_id == revision.id else row.other_id for row in found}
    with reading(engine) as session:
        others = load_revisions(session, ids)
    names = sorted({f"{other.article.slug} ({other.locale})" for other in others.values()})
    return (
        f"{revision.article.slug} ({revision.locale}) contradicts {', '.join(names)}; "
        "change one of them, or dismiss the contradiction in the studio"
    )


def collate(engine: Engine, index: Index, only: Iterable[int] | None = None) -> int:
    """Read what is live against itself, or some articles against the rest; how many are open."""
    with reading(engine) as session:
        level, _ = index.level(session)
        found = list(_everything(session, index, level) if only is None else ())
        for document in level.documents if only is not None else ():
            if document.article_id in set(only or ()):
                shown = index.revisions([document.revision_id])
                found += find_for(session, index, level, shown[document.revision_id])
    with transaction(engine) as session:
        keep(session, found)
        settle(session)
        return len(open_contradictions(session))


def find_for(session: Session, index: Index, level: Level, revision: Revision) -> list[Finding]:
    """Where a wording, shown or not, disagrees with what shows."""
    if revision.audience == ASSISTANT:
        return []
    others = [d for d in level.documents if d.article_id != revision.article_id]
    same = [d for d in others if _is_beside(d, revision)]
    weight = weight_of(_words(document) for document in same)
    claim = claims_of(revision, _before(session, [revision]).get(_place(revision)))
    near = _nearest(claim, same, weight)
    loaded = index.revisions([document.revision_id for document in near])
    claims = ClaimIndex([claims_of(loaded[d.revision_id]) for d in near], weight)
    found = _clashes(claims, claim, {revision.id or 0: revision} | loaded)
    found += _translations(index, level, revision)
    return [*found, *_duplicates(index, level, revision)]


def _is_beside(document: Document, revision: Revision) -> bool:
    return document.audience == revision.audience and document.locale == revision.locale


def _words(document: Document) -> frozenset[str]:
    return frozenset(t for text in document.texts if text.source in READ for t in text.tokens)


def _place(revision: Revision) -> tuple[int, str]:
    return revision.article_id, revision.locale


def _nearest(claim: Claim, documents: list[Document], weight: Weight) -> list[Document]:
    words = {word for said in claim.said for word in said.own} | claim.about.topic
    if len(documents) <= CANDIDATES:
        return documents

    def telling(document: Document) -> tuple[float, int]:
        return -sum(weight(word) ** 2 for word in words & _words(document)), document.article_id

    return sorted(documents, key=telling)[:CANDIDATES]


def _before(session: Session, revisions: Sequence[Revision]) -> dict[tuple[int, str], Revision]:
    """What was shown in their places until they were."""
    wanted = {_place(revision): revision.id for revision in revisions}
    ids = {article_id for article_id, _ in wanted}
    query = select(Publication.article_id, Publication.locale, Publication.revision_id).where(
        col(Publication.article_id).in_(ids), col(Publication.starts_at) <= now()
    )
    last: dict[tuple[int, str], int] = {}
    for article_id, locale, revision_id in session.exec(query.order_by(col(Publication.starts_at))):
        if wanted.get((article_id, locale), revision_id) != revision_id:
            last[article_id, locale] = revision_id
    loaded = load_revisions(session, last.values())
    return {place: loaded[id_] for place, id_ in last.items()}


# -- what was found, with its sentences ----------------------------------------------


def _clashes(claims: ClaimIndex, claim: Claim, revisions: dict[int, Revision]) -> list[Finding]:
    """One Finding for two sentences, whatever they disagree about."""
    grouped: dict[tuple[Said, Said], list[Clash]] = {}
    for clash in claims.clashes(claim):
        grouped.setdefault((clash.one, clash.other), []).append(clash)
    found = []
    for (one, other), clashes in grouped.items():
        units = {clash.unit for clash in clashes}
        sides = _side(one, other, units, revisions), _side(other, one, units, revisions)
        found.append(Finding("articles", clashes[0].unit[0], *sides))
    return found


def _side(said: Said, other: Said, units: set[Unit], revisions: dict[int, Revision]) -> Side:
    start, same = said.statement.start, frozenset[str]().union(*other.values.values())
    marks = [
        (fact.start - start, fact.end - start)
        for fact in said.statement.facts
        if unit_of(fact) in units and fact.value not in same
    ]
    revision = revisions[said.about.revision_id]
    return Side(revision, said.statement.part, said.statement.text, tuple(marks))


def _translations(index: Index, level: Level, revision: Revision) -> list[Finding]:
    """The source against what shows of its translations; a translation against its source."""
    source = revision.article.source_locale
    shown = {
        d.locale: d.revision_id
        for d in level.documents
        if d.article_id == revision.article_id and d.locale != revision.locale
    }
    if revision.locale != source:
        shown = {locale: id_ for locale, id_ in shown.items() if locale == source}
    others = index.revisions(list(shown.values()))
    pairs = [(revision, o) if revision.locale == source else (o, revision) for o in others.values()]
    return [finding for pair in pairs for finding in translated(*pair)]


def translated(source: Revision, target: Revision) -> list[Finding]:
    """Facts in which a translation differs from its source."""
    grouped: dict[tuple[str, str, str], list[Difference]] = {}
    for difference in differences_between(source, target):
        if difference.kind in TRANSLATED:
            ours, theirs = (
                side.sentence if side else "" for side in (difference.source, difference.target)
            )
            grouped.setdefault((difference.field, ours, theirs), []).append(difference)
    return [
        Finding(
            "translations",
            differences[0].kind,
            _written(source, part, ours, [d.source for d in differences]),
            _written(target, part, theirs, [d.target for d in differences]),
        )
        for (part, ours, theirs), differences in grouped.items()
    ]


def _written(revision: Revision, part: str, sentence: str, sides: Sequence[Written | None]) -> Side:
    marks = []
    for side in sides:
        at = sentence.find(side.text) if side else -1
        if side and at >= 0:
            marks.append((at, at + len(side.text)))
    return Side(revision, part, sentence, tuple(sorted(set(marks))))


def _duplicates(index: Index, level: Level, revision: Revision) -> list[Finding]:
    document = document_if_live(revision)
    shelf = level.shelf(revision.audience)
    pairs = twins_of(shelf, document, index.vectors_of(level, document)) if shelf.texts else []
    others = index.revisions([pair.other.revision_id for pair in pairs])
    known = {revision.id or 0: revision} | others
    return [
        Finding("duplicates", "duplicate", _titled(known, pair.one), _titled(known, pair.other))
        for pair in pairs
    ]


def _titled(revisions: dict[int, Revision], document: Document) -> Side:
    return Side(revisions[document.revision_id], TITLE, document.title)


# -- all of it -------------------------------------------------------------------------


def _everything(session: Session, index: Index, level: Level) -> Iterator[Finding]:
    def group(document: Document) -> tuple[str, str]:
        return document.audience, document.locale

    for (audience, locale), documents in groupby(sorted(level.documents, key=group), group):
        yield from _one_language(session, level, audience, locale, list(documents))
    yield from _all_translations(session, level)


def _one_language(
    session: Session, level: Level, audience: str, locale: str, documents: list[Document]
) -> Iterator[Finding]:
    revisions = load_revisions(session, [document.revision_id for document in documents])
    before = _before(session, list(revisions.values()))
    claims = [claims_of(r, before.get(_place(r))) for r in revisions.values()]
    claims.sort(key=lambda claim: claim.about.id)
    index = ClaimIndex(claims, weight_of(_words(document) for document in documents))
    for claim in claims:
        yield from _clashes(index, claim, revisions)
    for twin in twins(level.shelf(audience), audience, locale):
        sides = [_titled(revisions, document) for document in (twin.one, twin.other)]
        yield Finding("duplicates", "duplicate", sides[0], sides[1])


def _all_translations(session: Session, level: Level) -> Iterator[Finding]:
    places: dict[int, list[int]] = {}
    for document in level.documents:
        places.setdefault(document.article_id, []).append(document.revision_id)
    several = [ids for ids in places.values() if len(ids) > 1]
    for start in range(0, len(several), TOGETHER):
        batch = several[start : start + TOGETHER]
        loaded = load_revisions(session, [id_ for ids in batch for id_ in ids])
        for ids in batch:
            yield from _one_article([loaded[id_] for id_ in ids])


def _one_article(revisions: list[Revision]) -> Iterator[Finding]:
    source = next((r for r in revisions if r.locale == r.article.source_locale), None)
    for revision in revisions:
        if source and revision is not source:
            yield from translated(source, revision)
