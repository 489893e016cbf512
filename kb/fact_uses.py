"""Where shared facts stand in Revisions: put in with a draft, kept through edits, or linked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlmodel import Field, Session, SQLModel, col, select

from kb import history
from kb.articles import Revision, Wording
from kb.errors import Conflict, Invalid
from kb.people import Person, require
from kb.placeholders import Span, carry, fill, fold, names_in, spoken
from kb.shared_facts import SharedFact, Value, find_values

PARTS = ("title", "answer", "body")


class FactUse(SQLModel, table=True):
    """A fact's words in a part of a Revision, as they were in that version of the fact."""

    id: int | None = Field(default=None, primary_key=True)
    revision_id: int = Field(foreign_key="revision.id", index=True)
    fact_id: int = Field(foreign_key="sharedfact.id", index=True)
    version_id: int = Field(foreign_key="factversion.id")
    part: str
    start: int
    end: int


@dataclass(frozen=True)
class Use:
    """A use that is in no store yet."""

    value: Value
    part: str
    span: Span


@dataclass(frozen=True)
class Expanded:
    """A Wording as readers see it, and where in it facts stand."""

    wording: Wording
    uses: tuple[Use, ...] = ()


def expand(session: Session, wording: Wording, locale: str) -> Expanded:
    """The placeholders of known facts filled in.

    Raises Invalid where a fact has no value in that language; unknown names stay as they are.
    """
    values = find_values(session, names_of(wording), locale)
    for name, value in values.items():
        if value is None:
            raise Invalid(
                f"the shared fact {name!r} has no value in {locale}; give it one at /studio/facts"
            )
    known = {name: value for name, value in values.items() if value}
    return _filled(wording, known)


def names_of(wording: Wording) -> list[str]:
    """The names that its placeholders stand for."""
    return [name for part in PARTS for name in names_in(getattr(wording, part))]


def _filled(wording: Wording, values: dict[str, Value]) -> Expanded:
    texts = {name: value.text for name, value in values.items()}
    filled = {part: fill(getattr(wording, part), texts) for part in PARTS}
    uses = [Use(values[s.name], part, s) for part, of in filled.items() for s in of.spans]
    return Expanded(_with_texts(wording, {p: of.text for p, of in filled.items()}), tuple(uses))


def _with_texts(wording: Wording, texts: Mapping[str, str]) -> Wording:
    return replace(wording, title=texts["title"], answer=texts["answer"], body=texts["body"])


def expand_with(
    session: Session, wording: Wording, locale: str, override: Mapping[str, str]
) -> Wording:
    """As it would be with other values of some facts; nothing is refused."""
    found = find_values(session, names_of(wording), locale)
    values = {name: value for name, value in found.items() if value}
    values |= {name: Value(0, 0, text) for name, text in override.items()}
    return _filled(wording, values).wording


def as_shown(session: Session, wording: Wording, locale: str) -> Wording:
    """For a preview: what can be filled in is, and nothing is refused."""
    return expand_with(session, wording, locale, {})


def unknown_names(session: Session, wording: Wording, locale: str) -> list[str]:
    """Names that readers would see in their braces: of no fact, or of none with a value there."""
    names = dict.fromkeys(names_of(wording))
    values = find_values(session, names, locale)
    return [name for name in names if not values.get(name)]


# -- with a Revision -----------------------------------------------------------------


def keep_uses(session: Session, revision: Revision, uses: Iterable[Use]) -> None:
    """Write down where facts stand in a Revision that was just written."""
    assert revision.id is not None
    for use in uses:
        session.add(
            FactUse(
                revision_id=revision.id,
                fact_id=use.value.fact_id,
                version_id=use.value.version_id,
                part=use.part,
                start=use.span.start,
                end=use.span.end,
            )
        )
    session.flush()


def carry_uses(
    session: Session, before: Revision, wording: Wording, uses: Iterable[Use]
) -> tuple[Use, ...]:
    """`uses`, and those of an earlier Revision whose words nobody touched."""
    found = list(uses)
    earlier = uses_of(session, before)
    for part in PARTS if earlier else ():
        old = {str(row.id): row for row in earlier if row.part == part}
        spans = [Span(id_, row.start, row.end) for id_, row in old.items()]
        text = getattr(wording, part)
        taken = [use.span for use in found if use.part == part]
        for span in carry(getattr(before, part), spans, text):
            if not any(span.start < t.end and t.start < span.end for t in taken):
                row = old[span.name]
                value = Value(row.fact_id, row.version_id, text[span.start : span.end])
                found.append(Use(value, part, span))
    return tuple(found)


def uses_of(session: Session, revision: Revision) -> list[FactUse]:
    """Where facts stand in it, in reading order of each part."""
    query = select(FactUse).where(FactUse.revision_id == revision.id)
    return list(session.exec(query.order_by(col(FactUse.part), col(FactUse.start))))


def folded(session: Session, revision: Revision) -> Wording:
    """Its wording with placeholders, as an editor writes it: filled again, today's values come."""
    uses = uses_of(session, revision)
    if not uses:
        return revision.wording
    facts = _facts(session, uses)
    spans: dict[str, list[Span]] = defaultdict(list)
    for use in uses:
        if use.fact_id in facts:
            spans[use.part].append(Span(facts[use.fact_id].name, use.start, use.end))
    texts = {part: fold(getattr(revision, part), spans[part]) for part in PARTS}
    return _with_texts(revision.wording, texts)


def _facts(session: Session, uses: Iterable[FactUse]) -> dict[int, SharedFact]:
    ids = {use.fact_id for use in uses}
    query = select(SharedFact).where(
        col(SharedFact.id).in_(ids), col(SharedFact.retired_at).is_(None)
    )
    return {fact.id: fact for fact in session.exec(query) if fact.id}


def stale_names(session: Session, revision: Revision) -> list[str]:
    """The facts that it states as they were before they changed."""
    return [stated.name for stated in stated_in(session, revision) if not stated.holds]


@dataclass(frozen=True)
class Stated:
    """A fact in a Revision: what it says there, and whether that still holds."""

    name: str
    text: str
    holds: bool


def stated_in(session: Session, revision: Revision) -> list[Stated]:
    """The facts in it, by name; one that is said in two ways twice."""
    uses = uses_of(session, revision)
    if not uses:
        return []
    facts = _facts(session, uses)
    known = [(facts[use.fact_id], use) for use in uses if use.fact_id in facts]
    said = {(f.name, getattr(revision, u.part)[u.start : u.end]): f for f, u in known}
    return [
        Stated(name, text, fact.values.get(revision.locale) == text)
        for (name, text), fact in sorted(said.items(), key=lambda item: item[0])
    ]


# -- by hand -------------------------------------------------------------------------


def spoken_in(session: Session, revision: Revision, value: str) -> list[tuple[str, int, int]]:
    """Where it says a value by hand: part, start, end; what is a fact already is left out."""
    taken = uses_of(session, revision)
    return [
        (part, start, end)
        for part in PARTS
        for start, end in spoken(getattr(revision, part), value)
        if not any(u.part == part and start < u.end and u.start < end for u in taken)
    ]


def link(session: Session, fact: SharedFact, revision: Revision, by: Person) -> int:
    """Its value, said by hand in a Revision, is this fact from now on; how many times.

    No word changes, so neither do version nor digest. Raises Conflict where it is not said.
    """
    require(by, "write")
    assert fact.id is not None
    assert fact.now.id is not None
    value = fact.values.get(revision.locale, "")
    found = spoken_in(session, revision, value) if value else []
    if not found:
        raise Conflict(f"version {revision.version} does not say {value!r} by hand any more")
    holding = Value(fact.id, fact.now.id, value)
    uses = [Use(holding, part, Span(fact.name, start, end)) for part, start, end in found]
    keep_uses(session, revision, uses)
    _record(session, revision, by, fact=fact.name, places=len(uses))
    return len(uses)


def set_uses(session: Session, revision: Revision, uses: Iterable[Use], by: Person) -> None:
    """An editor has said which of its words are facts, and changed none."""
    require(by, "write")
    earlier = uses_of(session, revision)
    wanted = {(u.value.fact_id, u.part, u.span.start): u for u in uses}
    there = {(u.fact_id, u.part, u.start): u for u in earlier}
    if wanted.keys() == there.keys():
        return
    for place in there.keys() - wanted.keys():
        session.delete(there[place])
    keep_uses(session, revision, [wanted[place] for place in wanted.keys() - there.keys()])
    _record(session, revision, by, places=len(wanted))


def _record(session: Session, revision: Revision, by: Person, **data: object) -> None:
    history.record(
        session, "facts_linked", by, revision.article_id, revision.locale, revision.version, **data
    )


def using(session: Session, fact: SharedFact) -> set[int]:
    """The ids of all Revisions that state it, whatever became of them."""
    query = select(FactUse.revision_id).where(FactUse.fact_id == fact.id).distinct()
    return set(session.exec(query))
