"""Everything that the page of one revision shows, gathered."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from kb.agreement import Difference
from kb.articles import Article, Review, Revision, find_revision, get_article, get_revision
from kb.comments import PARTS, Comment, part_of, place_in, threads_on
from kb.differences import Piece, difference, is_changed
from kb.fact_uses import Stated, stated_in
from kb.history import Event
from kb.people import Person
from kb.publishing import Publication, live_publication, scheduled
from kb.quotes import paragraphs
from kb.translations import warnings_for
from kb.verification import may_verify
from web.i18n import _

STEPS = {
    "drafted": (_("wrote it"), "pencil"),
    "submitted": (_("asked for a review"), "send"),
    "changes_requested": (_("asked for changes"), "undo-2"),
    "approved": (_("approved it"), "badge-check"),
    "adopted": (_("took it over as approved"), "badge-check"),
    "published": (_("published it"), "globe"),
    "scheduled": (_("set a time for it"), "clock"),
    "went_live": (_("It went live"), "globe"),
    "expired": (_("It expired"), "timer-off"),
    "withdrawn": (_("withdrew it"), "circle-off"),
    "schedule_cancelled": (_("cancelled its time"), "clock"),
    "corrected": (_("marked it as a correction"), "message-square-warning"),
}
STATES = {
    "draft": _("Draft"),
    "in_review": _("In review"),
    "approved": _("Ready to publish"),
    "scheduled": _("Scheduled"),
    "live": _("Live"),
    "replaced": _("Replaced"),
}
PART_NAMES = {"title": _("Title"), "answer": _("Answer"), "body": _("Body")}


@dataclass(frozen=True)
class Step:
    """One thing that happened to the revision."""

    text: str
    icon: str
    at: datetime
    by: str = ""
    note: str = ""


@dataclass(frozen=True)
class Change:
    """A field that differs, and how."""

    label: str
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Thread:
    """A conversation about a passage; `place` is None when the passage has changed."""

    first: Comment
    replies: list[Comment]
    place: int | None

    @property
    def is_moved(self) -> bool:
        """Whether the words it is about stand here no more."""
        return bool(self.first.quote) and self.place is None


@dataclass
class RevisionView:
    """One revision with what surrounds it, read at one moment."""

    article: Article
    revision: Revision
    me: Person
    live: Publication | None
    waiting: list[Publication]
    versions: list[int]
    compared: Revision | None
    threads: list[Thread]
    steps: list[Step]
    names: dict[int, str] = field(default_factory=dict)
    warnings: list[Difference] = field(default_factory=list)
    may_verify: bool = False
    stated: list[Stated] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The address of this page."""
        r = self.revision
        return f"/studio/articles/{self.article.slug}/{r.locale}/{r.version}"

    @property
    def state(self) -> str:
        """Where it stands, one of STATES."""
        if self.is_live:
            return "live"
        if any(p.revision_id == self.revision.id for p in self.waiting):
            return "scheduled"
        if self.live and self.live.revision.version > self.revision.version:
            return "replaced"
        return self.revision.state

    @property
    def is_live(self) -> bool:
        """Whether customers see it now."""
        return self.live is not None and self.live.revision_id == self.revision.id

    @property
    def is_translation(self) -> bool:
        """Whether it says in another language what the source says."""
        return self.revision.locale != self.article.source_locale

    @property
    def is_own(self) -> bool:
        """Whether the reader wrote it, and so may not approve it."""
        return self.revision.author_id == self.me.id

    @property
    def is_newest(self) -> bool:
        """Whether nothing has been written since."""
        return self.revision.version == self.versions[0]

    @property
    def is_waiting_to_publish(self) -> bool:
        """Approved, and nothing newer is live."""
        newer = self.live is not None and self.live.revision.version > self.revision.version
        return self.revision.is_approved and not newer

    @property
    def submission(self) -> Review | None:
        """How the review was asked for."""
        return self.revision.submission

    @property
    def open_threads(self) -> list[Thread]:
        """What is still to be dealt with."""
        return [thread for thread in self.threads if thread.first.is_open]

    @property
    def changes(self) -> list[Change]:
        """What differs from the version it is compared with."""
        return changes_between(self.compared, self.revision) if self.compared else []

    @property
    def passages(self) -> list[tuple[str, int, str]]:
        """What a reader without scripts may choose to comment on: part, number, words."""
        return [(part, n, text) for part in PARTS for n, text in enumerate(self.parts_of(part))]

    def parts_of(self, part: str) -> tuple[str, ...]:
        """The paragraphs of a part."""
        if part == "title":
            return (part_of(self.revision, part),)
        return paragraphs(str(getattr(self.revision, part)))


def view_revision(
    session: Session, slug: str, locale: str, version: int, me: Person, against: str = ""
) -> RevisionView:
    """One revision as `me` sees it. Raises NotFound."""
    article = get_article(session, slug)
    revision = get_revision(session, article, locale, version)
    assert article.id is not None
    live = live_publication(session, article.id, locale)
    threads = threads_on(session, article.id, locale)
    versions = _versions(session, article.id, locale)
    view = RevisionView(
        article=article,
        revision=revision,
        me=me,
        live=live,
        waiting=scheduled(session, article.id, locale),
        versions=versions,
        compared=_compared(session, article, revision, live, versions, against),
        threads=[Thread(t[0], t[1:], place_in(revision, t[0])) for t in threads],
        steps=[],
        warnings=warnings_for(session, revision),
        may_verify=may_verify(session, revision, me),
        stated=stated_in(session, revision),
    )
    events = _events(session, revision)
    view.names = _names(session, view, events, threads)
    view.steps = [_step(event, view.names) for event in events]
    view.threads.sort(key=_in_reading_order)
    return view


def _versions(session: Session, article_id: int, locale: str) -> list[int]:
    query = select(Revision.version).where(
        Revision.article_id == article_id, Revision.locale == locale
    )
    return list(session.exec(query.order_by(col(Revision.version).desc())))


def _compared(
    session: Session,
    article: Article,
    revision: Revision,
    live: Publication | None,
    versions: list[int],
    against: str,
) -> Revision | None:
    """The version that was chosen, else the live one, else the one before."""
    if against.isdecimal() and int(against) in versions:
        chosen = int(against)
    elif live and live.revision_id != revision.id:
        return live.revision
    else:
        chosen = next((n for n in versions if n < revision.version), 0)
    return find_revision(session, article, revision.locale, chosen) if chosen else None


def _events(session: Session, revision: Revision) -> list[Event]:
    query = select(Event).where(
        Event.article_id == revision.article_id,
        Event.locale == revision.locale,
        Event.version == revision.version,
        col(Event.kind).in_(list(STEPS)),
    )
    return list(session.exec(query.order_by(col(Event.id))))


def _names(
    session: Session, view: RevisionView, events: list[Event], threads: list[list[Comment]]
) -> dict[int, str]:
    said = [comment for thread in threads for comment in thread]
    ids = {event.by_id for event in events} | {comment.by_id for comment in said}
    ids |= {view.revision.author_id} | {p.by_id for p in view.waiting}
    ids |= {comment.resolved_by_id for comment in said}
    if view.live:
        ids.add(view.live.by_id)
    query = select(Person.id, Person.name).where(col(Person.id).in_([i for i in ids if i]))
    return {id_: name for id_, name in session.exec(query) if id_}


def _step(event: Event, names: dict[int, str]) -> Step:
    text, icon = STEPS[event.kind]
    by = names.get(event.by_id or 0, "")
    return Step(text, icon, event.at, by, str(event.data.get("note") or ""))


def _in_reading_order(thread: Thread) -> tuple[bool, int, int, int]:
    part = PARTS.index(thread.first.part) if thread.first.part in PARTS else len(PARTS)
    return (not thread.first.is_open, part, thread.place or 0, thread.first.id or 0)


def changes_between(before: Revision, after: Revision) -> list[Change]:
    """The fields that differ, with what went and what came."""
    texts = [(PART_NAMES[part], getattr(before, part), getattr(after, part)) for part in PARTS]
    texts.append((_("Phrasings"), _lines(before.phrasings), _lines(after.phrasings)))
    texts += [(label, _fact(before, name), _fact(after, name)) for name, label in FACTS.items()]
    found = [Change(label, difference(old, new)) for label, old, new in texts if old != new]
    return [change for change in found if is_changed(change.pieces)]


FACTS = {
    "category": _("Category"),
    "audience": _("Audience"),
    "owner": _("Owner"),
    "verify_days": _("Verified every (days)"),
}


def _fact(revision: Revision, name: str) -> str:
    value = getattr(revision, name)
    return "" if value is None else str(value)


def _lines(phrasings: list[str]) -> str:
    return "\n".join(phrasings)
