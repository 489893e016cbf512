"""What the public finds on the help site: its articles by language and category.

Read from the store once and kept level with history, article by article, so that a page
costs one question to the database however many articles there are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache

from fastapi import Request
from sqlmodel import Session, col, func, select

from kb import history
from kb.audiences import PUBLIC, visible_to
from kb.db import now
from kb.history import LIVE_KINDS, Event
from kb.publishing import Publication, live_publications
from retriever.lexical import fold
from web.highlight import PAIRED, WORD
from web.i18n import CATEGORIES
from web.pages import services_of

# Categories in the order customers meet them; others follow by name, `general` last.
JOURNEY = [category for category in CATEGORIES if category != "general"]


@dataclass(frozen=True)
class Entry:
    """A live public article in one language, as lists show it."""

    article_id: int
    slug: str
    locale: str
    category: str
    title: str
    answer: str
    version: int
    published_at: datetime
    phrasings: tuple[str, ...]

    @property
    def path(self) -> str:
        """Its address on this site."""
        return f"/{self.locale}/articles/{self.slug}"

    @cached_property
    def needles(self) -> tuple[str, ...]:
        """Title and phrasings as they are compared with what somebody types."""
        return tuple(_needle(text) for text in (self.title, *self.phrasings))


@dataclass(frozen=True)
class Category:
    """A category with what a reader of one language finds in it."""

    name: str
    entries: tuple[Entry, ...]


@dataclass
class Contents:
    """The public's articles at one epoch, right until `until`."""

    epoch: int
    until: datetime | None
    articles: dict[int, dict[str, Entry]]
    _listed: dict[str, list[Category]] = field(default_factory=dict)

    def categories(self, locale: str, locales: list[str]) -> list[Category]:
        """Every category, with each article in the best language there is of it."""
        if locale not in self._listed:
            groups: dict[str, list[Entry]] = defaultdict(list)
            for entry in self.entries(locale, locales):
                groups[entry.category].append(entry)
            self._listed[locale] = [
                Category(n, tuple(groups[n])) for n in sorted(groups, key=_rank)
            ]
        return self._listed[locale]

    def category(self, name: str, locale: str, locales: list[str]) -> Category | None:
        """One category, if it has anything in it."""
        return next((c for c in self.categories(locale, locales) if c.name == name), None)

    def entries(self, locale: str, locales: list[str]) -> Iterator[Entry]:
        """Every article once, those in the reader's own language first."""
        chosen = [self.best(article_id, locale, locales) for article_id in self.articles]
        found = [entry for entry in chosen if entry]
        yield from (entry for entry in found if entry.locale == locale)
        yield from (entry for entry in found if entry.locale != locale)

    def best(self, article_id: int, locale: str, locales: list[str]) -> Entry | None:
        """An article in the reader's language, else in the first that the site has of it."""
        wordings = self.articles.get(article_id, {})
        return next((wordings[code] for code in [locale, *locales] if code in wordings), None)

    def translations(self, article_id: int) -> dict[str, Entry]:
        """An article in every language it is live in."""
        return self.articles.get(article_id, {})

    def written_in(self, locale: str) -> list[Entry]:
        """The articles that are live in a language."""
        return [wordings[locale] for wordings in self.articles.values() if locale in wordings]

    def completions(self, typed: str, locale: str, limit: int) -> list[Entry]:
        """Articles whose title or phrasings hold every word typed so far, best first."""
        words = _needle(typed).split()
        if not words:
            return []
        ranked = [(_distance(entry, words), entry) for entry in self.written_in(locale)]
        found = sorted((d, e.title, e.slug, e) for d, e in ranked if d is not None)
        return [entry for _d, _title, _slug, entry in found[:limit]]


def contents_of(request: Request, session: Session) -> Contents:
    """The Contents at this instant."""
    state = request.app.state
    held: Contents | None = getattr(state, "contents", None)
    locales = services_of(request).settings.locales
    epoch = history.epoch(session)
    if held is None or (held.until and held.until <= now()):
        state.contents = held = _read(session, epoch, locales)
    elif held.epoch != epoch:
        state.contents = held = _moved(session, held, epoch, locales)
    return held


def _read(session: Session, epoch: int, locales: list[str]) -> Contents:
    at = now()
    live = live_publications(session, at, visible_to(PUBLIC))
    return Contents(epoch, _next_change(session, at), _grouped(live, locales))


def _moved(session: Session, held: Contents, epoch: int, locales: list[str]) -> Contents:
    query = select(Event.article_id).where(
        col(Event.id) > held.epoch, col(Event.kind).in_(LIVE_KINDS)
    )
    moved = {article_id for article_id in session.exec(query) if article_id is not None}
    at = now()
    live = live_publications(session, at, visible_to(PUBLIC), moved) if moved else []
    kept = {n: wordings for n, wordings in held.articles.items() if n not in moved}
    articles = dict(sorted((kept | _grouped(live, locales)).items()))
    return Contents(epoch, _next_change(session, at), articles)


def _next_change(session: Session, at: datetime) -> datetime | None:
    """When the clock alone will next change what is live."""
    waiting = col(Publication.ended_at).is_(None)
    starts = select(func.min(Publication.starts_at)).where(Publication.starts_at > at, waiting)
    ends = select(func.min(Publication.expires_at)).where(col(Publication.expires_at) > at, waiting)
    moments = [session.exec(starts).one(), session.exec(ends).one()]
    return min((moment for moment in moments if moment), default=None)


def _grouped(live: Iterable[Publication], locales: list[str]) -> dict[int, dict[str, Entry]]:
    articles: dict[int, dict[str, Entry]] = defaultdict(dict)
    for publication in live:
        if publication.locale in locales:
            articles[publication.article_id][publication.locale] = _entry(publication)
    return dict(articles)


def _entry(publication: Publication) -> Entry:
    revision = publication.revision
    return Entry(
        article_id=publication.article_id,
        slug=publication.article.slug,
        locale=publication.locale,
        category=revision.category,
        title=revision.title,
        answer=revision.answer,
        version=revision.version,
        published_at=publication.starts_at,
        phrasings=tuple(revision.phrasings),
    )


def _rank(category: str) -> tuple[int, str]:
    if category in JOURNEY:
        return JOURNEY.index(category), category
    return len(JOURNEY) + (category == "general"), category


@lru_cache(maxsize=200_000)
def _needle(text: str) -> str:
    """The folded words, each with a space before it."""
    return "".join(f" {word}" for word in WORD.findall(fold(text)))


def _distance(entry: Entry, words: list[str]) -> int | None:
    """0 when the title begins so, 1 when it holds the words, 2 when a phrasing does."""
    title, *phrasings = entry.needles
    if title.startswith(" " + " ".join(words)):
        return 0
    if _holds(title, words):
        return 1
    return 2 if any(_holds(phrasing, words) for phrasing in phrasings) else None


def _holds(needle: str, words: list[str]) -> bool:
    # A word may begin anywhere in Chinese and Korean, elsewhere only after a space.
    return all((word if PAIRED.search(word) else f" {word}") in needle for word in words)
