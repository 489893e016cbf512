"""Shared facts: a fee or a deadline, named once in every language and used in many articles.

Its values are immutable and numbered; the highest number holds. How it changes: `fact_changes.py`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlalchemy.orm import selectinload
from sqlmodel import Field, Relationship, Session, SQLModel, col, select

from kb import history
from kb.articles import CONTROL, SLUG, check_locale
from kb.db import UtcDateTime, now, written_once
from kb.errors import Conflict, Invalid, NotFound
from kb.people import Person, require

NAME_LIMIT, ABOUT_LIMIT, VALUE_LIMIT = 60, 300, 120
# What would be read as something else than words once it stands in Markdown or a placeholder.
NO_VALUE = re.compile(r"[\n`{}|<>\[\]]")
# Addresses of the studio.
TAKEN = frozenset({"new", "changes"})
Values = dict[str, str]


class SharedFact(SQLModel, table=True):
    """The lasting identity of one fact; `about` says in one line what it is."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, index=True)
    about: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    by_id: int = Field(foreign_key="person.id")
    # Named no more; what it was used in keeps its words.
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    versions: list["FactVersion"] = Relationship(
        sa_relationship_kwargs={"order_by": "FactVersion.version"}
    )

    @property
    def now(self) -> "FactVersion":
        """What holds."""
        return self.versions[-1]

    @property
    def values(self) -> Values:
        """What holds, by locale."""
        return self.versions[-1].values


@written_once
class FactVersion(SQLModel, table=True):
    """What a fact was from then on, in each language."""

    __table_args__ = (UniqueConstraint("fact_id", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    fact_id: int = Field(foreign_key="sharedfact.id")
    version: int
    values: Values = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    by_id: int = Field(foreign_key="person.id")
    approved_by_id: int | None = Field(default=None, foreign_key="person.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


@dataclass(frozen=True)
class Value:
    """What a fact is in one language now."""

    fact_id: int
    version_id: int
    text: str


def name_fact(
    session: Session, name: str, values: Mapping[str, str], by: Person, about: str = ""
) -> SharedFact:
    """A new fact, used nowhere yet. Raises Invalid naming the field, Conflict for a taken name."""
    require(by, "write")
    assert by.id is not None
    checked = checked_values(values)
    if session.exec(select(SharedFact.id).where(SharedFact.name == _checked_name(name))).first():
        raise Conflict(f"there is a fact {name!r} already; use it, or choose another name")
    fact = SharedFact(name=name, about=_checked_about(about), by_id=by.id)
    session.add(fact)
    session.flush()
    add_version(session, fact, checked, by)
    return fact


def add_version(
    session: Session, fact: SharedFact, values: Values, by: Person, approver: Person | None = None
) -> FactVersion:
    """What holds from now on; only `fact_changes` calls this for a fact that is used."""
    assert fact.id is not None
    assert by.id is not None
    version = FactVersion(
        fact_id=fact.id,
        version=len(fact.versions) + 1,
        values=values,
        by_id=by.id,
        approved_by_id=approver.id if approver else None,
    )
    fact.versions.append(version)
    session.add(fact)
    session.flush()
    kind = "fact_named" if version.version == 1 else "fact_changed"
    history.record(
        session, kind, approver or by, fact=fact.name, fact_version=version.version, values=values
    )
    return version


def describe(session: Session, fact: SharedFact, about: str, by: Person) -> None:
    """Say otherwise what it is; no reader's words change."""
    require(by, "write")
    fact.about = _checked_about(about)
    session.add(fact)
    history.record(session, "fact_described", by, fact=fact.name, about=fact.about)


def retire(session: Session, fact: SharedFact, by: Person) -> None:
    """Name it no more; the caller has made sure that it is used nowhere."""
    require(by, "approve")
    fact.retired_at = now()
    session.add(fact)
    history.record(session, "fact_retired", by, fact=fact.name)


def _checked_name(name: str) -> str:
    if not SLUG.fullmatch(name) or len(name) > NAME_LIMIT or name in TAKEN:
        raise Invalid(
            f"the name {name[:80]!r} must be lower-case words joined by hyphens, "
            f"up to {NAME_LIMIT} characters",
            "name",
        )
    return name


def one_line(text: str, limit: int, what: str, field: str) -> str:
    """A remark without breaks and needless blanks. Raises Invalid where it is too long."""
    text = " ".join(CONTROL.sub("", text).split())
    if len(text) > limit:
        raise Invalid(f"{what} has at most {limit} characters", field)
    return text


def _checked_about(about: str) -> str:
    return one_line(about, ABOUT_LIMIT, "what it is", "about")


def checked_values(values: Mapping[str, str]) -> Values:
    """Without those left empty, single blanks. Raises Invalid naming the locale's field."""
    found = {}
    for locale, text in values.items():
        text = " ".join(text.split(" ")).strip()
        if text:
            found[check_locale(locale)] = _checked_value(locale, text)
    if not found:
        raise Invalid("give the fact a value in one language at least", "values")
    return dict(sorted(found.items()))


def _checked_value(locale: str, text: str) -> str:
    if len(text) > VALUE_LIMIT or NO_VALUE.search(text) or CONTROL.search(text):
        raise Invalid(
            f"a value is one line of up to {VALUE_LIMIT} characters without "
            "backquotes, brackets of a link, braces, bars or angle brackets",
            f"value-{locale}",
        )
    return text


# -- reading -----------------------------------------------------------------------


def list_facts(session: Session) -> list[SharedFact]:
    """All that are named, by name."""
    query = select(SharedFact).where(col(SharedFact.retired_at).is_(None))
    whole = query.options(selectinload(SharedFact.versions))  # type: ignore[arg-type]
    return list(session.exec(whole.order_by(SharedFact.name)))


def facts_in(session: Session, locale: str) -> list[SharedFact]:
    """Those that have a value in a language."""
    return [fact for fact in list_facts(session) if fact.values.get(locale)]


def get_fact(session: Session, name: str) -> SharedFact:
    """The fact of that name. Raises NotFound."""
    query = select(SharedFact).where(
        SharedFact.name == name[:NAME_LIMIT], col(SharedFact.retired_at).is_(None)
    )
    found = session.exec(query).first()
    if found is None:
        raise NotFound(f"there is no shared fact {name[:NAME_LIMIT]!r}")
    return found


def find_values(session: Session, names: Iterable[str], locale: str) -> dict[str, Value | None]:
    """What the known ones of these names are in a language; None for no value in it."""
    wanted = set(names)
    if not wanted:
        return {}
    query = select(SharedFact).where(
        col(SharedFact.name).in_(wanted), col(SharedFact.retired_at).is_(None)
    )
    return {fact.name: _value(fact, locale) for fact in session.exec(query)}


def _value(fact: SharedFact, locale: str) -> Value | None:
    text = fact.values.get(locale)
    if text is None:
        return None
    assert fact.id is not None
    assert fact.now.id is not None
    return Value(fact.id, fact.now.id, text)
