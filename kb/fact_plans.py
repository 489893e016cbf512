"""What a change of a shared fact would do: every wording that states it, before and after.

Nothing is written here: a proposal shows its plan, and its approval carries out the same.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import or_
from sqlmodel import Session, col

from kb.articles import Article, Revision, Wording, check_wording, latest_revision, load_revisions
from kb.db import now
from kb.errors import Invalid
from kb.fact_uses import PARTS, expand_with, folded, spoken_in, using
from kb.publishing import Publication, live_publication, live_publications, scheduled, select_live
from kb.shared_facts import SharedFact

LIVE, SCHEDULED, APPROVED, DRAFT = "live", "scheduled", "approved", "draft"
Values = Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """A wording that counts: live, waiting to go live, approved, or the newest draft."""

    role: str
    revision: Revision
    publication: Publication | None = None


@dataclass(frozen=True)
class Step:
    """A wording that gets a new version, and what that would say."""

    role: str
    revision: Revision
    after: Wording
    publication: Publication | None = None

    @property
    def changed(self) -> list[tuple[str, str, str]]:
        """The parts in which it changes: name, text before, text after."""
        parts = [(p, getattr(self.revision, p), getattr(self.after, p)) for p in PARTS]
        return [(part, before, after) for part, before, after in parts if before != after]


@dataclass(frozen=True)
class Place:
    """An article in one language, and its wordings in the order in which they count."""

    article: Article
    locale: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Plan:
    """All that a change would do, in the order in which it is done.

    `by_hand` says the old value in its own words; `behind` are translations that would be outdated.
    """

    places: tuple[Place, ...] = ()
    by_hand: tuple[Revision, ...] = ()
    behind: tuple[Revision, ...] = ()

    @property
    def digest(self) -> str:
        """The same as long as the same wordings would become the same words."""
        told = [[s.role, s.revision.id, s.after.sha256] for s in self.steps]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @property
    def steps(self) -> list[Step]:
        """Of all places."""
        return [step for place in self.places for step in place.steps]

    @property
    def live(self) -> list[Step]:
        """Those that readers see now."""
        return [step for step in self.steps if step.role == LIVE]


def make_plan(session: Session, fact: SharedFact, values: Values) -> Plan:
    """Every wording that new values touch, sources before their translations."""
    changed = {
        code for code in {*fact.values, *values} if fact.values.get(code) != values.get(code)
    }
    places = []
    for article, locale, found in standing(session, fact):
        if locale in changed:
            override = {fact.name: values.get(locale, "")}
            steps = tuple(_step(session, one, override) for one in found)
            places.append(Place(article, locale, steps))
    by_hand = tuple(
        revision
        for locale in sorted(changed & fact.values.keys())
        for revision in saying(session, fact, locale)
    )
    return Plan(tuple(places), by_hand, tuple(_behind(session, places)))


def _step(session: Session, one: Standing, override: Values) -> Step:
    locale = one.revision.locale
    after = expand_with(session, folded(session, one.revision), locale, override)
    return Step(one.role, one.revision, after, one.publication)


def check_plan(plan: Plan, values: Values) -> None:
    """Raises Invalid naming the place that could not take the new value."""
    for place in plan.places:
        if place.locale not in values:
            raise Invalid(
                f"it is used in {place.locale}, so it needs a value there", f"value-{place.locale}"
            )
        for step in place.steps:
            try:
                check_wording(step.after)
            except Invalid as error:
                where = f"{place.article.slug} ({place.locale})"
                raise Invalid(f"{where}: {error}", f"value-{place.locale}") from error


def standing(session: Session, fact: SharedFact) -> list[tuple[Article, str, list[Standing]]]:
    """Where the fact is used: from the first wording that states it, all that come after.

    Those that follow get a new version as well, or the older one would overtake them.
    """
    ids = using(session, fact)
    found: dict[tuple[int, str], list[Standing]] = {}
    articles: dict[int, Article] = {}
    for revision in load_revisions(session, ids).values():
        key = (revision.article_id, revision.locale)
        if key not in found:
            articles[revision.article_id] = revision.article
            found[key] = _from_first(list(_counting(session, *key)), ids)
    used = [(articles[id_], locale, rows) for (id_, locale), rows in found.items() if rows]
    used.sort(key=lambda row: (row[0].slug, row[1] != row[0].source_locale, row[1]))
    return used


def _from_first(rows: list[Standing], ids: set[int]) -> list[Standing]:
    first = next((n for n, row in enumerate(rows) if row.revision.id in ids), len(rows))
    return rows[first:]


def _counting(session: Session, article_id: int, locale: str) -> Iterator[Standing]:
    last = 0
    if live := live_publication(session, article_id, locale):
        last = live.revision.version
        yield Standing(LIVE, live.revision, live)
    for publication in scheduled(session, article_id, locale):
        last = max(last, publication.revision.version)
        yield Standing(SCHEDULED, publication.revision, publication)
    newest = latest_revision(session, article_id, locale)
    if newest and newest.version > last:
        yield Standing(APPROVED if newest.is_approved else DRAFT, newest)


def saying(session: Session, fact: SharedFact, locale: str) -> list[Revision]:
    """Live wordings in a language that say the fact's value by hand, by slug."""
    value = fact.values.get(locale, "")
    if not value:
        return []
    parts = [col(getattr(Revision, part)).contains(value, autoescape=True) for part in PARTS]
    live = select_live(now()).where(Publication.locale == locale)
    ids = live.join(Revision, Revision.id == Publication.revision_id).where(or_(*parts))
    found = session.exec(ids.with_only_columns(Publication.revision_id))
    revisions = load_revisions(session, found)
    said = [r for r in revisions.values() if spoken_in(session, r, value)]
    return sorted(said, key=lambda r: r.article.slug)


def _behind(session: Session, places: list[Place]) -> Iterator[Revision]:
    """Live translations which are level with a source that moves on without them."""
    taken = {(place.article.id, place.locale) for place in places}
    moving = {
        place.article.id: step.revision.version
        for place in places
        for step in place.steps
        if step.role == LIVE and place.locale == place.article.source_locale
    }
    ids = [id_ for id_ in moving if id_]
    for publication in live_publications(session, article_ids=ids) if ids else ():
        revision = publication.revision
        is_other = (revision.article_id, revision.locale) not in taken
        if is_other and revision.source_version == moving[revision.article_id]:
            yield revision
