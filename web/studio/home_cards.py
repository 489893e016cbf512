"""Cards on the home page. An area adds its own: a function in CARDS, a template in home_cards/.

Cards stand in the order of the list; one that has nothing to say returns None. The first card
whose `task` is set gives the page its next thing to do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import Request
from sqlmodel import Session

from assistant.contradictions import OFF, open_contradictions
from assistant.gaps import UNANSWERED
from kb import worklists
from kb.db import now
from kb.fact_changes import waiting_changes
from kb.people import Person
from kb.verification import OVERDUE, VERIFIED, due
from kb.worklists import Task
from web.i18n import _
from web.pages import services_of
from web.studio.contradiction_view import shown
from web.studio.gatherers import gatherer_of

SOON = timedelta(days=14)
SHOWN = 5
TOP_GAPS = 3


@dataclass(frozen=True)
class Card:
    """What a template in `home_cards/` is given; `rows` are drawn up to SHOWN, `total` is said."""

    template: str
    title: str
    rows: list[Any] = field(default_factory=list)
    total: int = 0
    more: str = ""
    task: Task | None = None
    act: str = ""
    why: str = ""


Provider = Callable[[Request, Session, Person], Card | None]


def sent_back(_request: Request, session: Session, me: Person) -> Card | None:
    """One's own work that a reviewer wants changed."""
    tasks = worklists.sent_back(session, me)
    return _tasks(
        _("Changes requested"), tasks, act=_("See the note"), why=_("A reviewer asked for changes.")
    )


def to_review(_request: Request, session: Session, me: Person) -> Card | None:
    """Others' work that one may approve."""
    if not me.may("approve"):
        return None
    tasks = [task for task in worklists.in_review(session) if task.author_id != me.id]
    return _tasks(
        _("To review"),
        tasks,
        "/studio/reviews",
        _("Read and decide"),
        _("Somebody waits for your decision, and this one has waited longest."),
    )


def fact_changes(_request: Request, session: Session, me: Person) -> Card | None:
    """Others' changes of shared facts that one may approve."""
    rows = [change for change in waiting_changes(session) if change.by_id != me.id]
    if not rows or not me.may("approve"):
        return None
    return Card(
        "facts.html", _("Shared facts to approve"), rows[:SHOWN], len(rows), "/studio/facts"
    )


def approved(_request: Request, session: Session, me: Person) -> Card | None:
    """What only has to be published."""
    if not me.may("publish"):
        return None
    tasks = worklists.approved_unpublished(session)
    why = _("It is approved, and no customer sees it yet.")
    return _tasks(_("Approved, not published"), tasks, "/studio/reviews", _("Publish it"), why)


def to_verify(_request: Request, session: Session, me: Person) -> Card | None:
    """Live answers of one's own that somebody should look at again."""
    at = now()
    rows = [s for s in due(session, me) if s.state(at) != VERIFIED]
    if not rows:
        return None
    states = [(standing, standing.state(at) == OVERDUE) for standing in rows[:SHOWN]]
    return Card("verify.html", _("To verify"), states, len(rows), "/studio/upkeep")


def drafts(_request: Request, session: Session, me: Person) -> Card | None:
    """What one began."""
    why = _("You began it; nobody has been asked to read it.")
    return _tasks(_("My drafts"), worklists.drafts_of(session, me), "", _("Go on with it"), why)


def waiting(_request: Request, session: Session, me: Person) -> Card | None:
    """One's own work that others are reading."""
    tasks = [task for task in worklists.in_review(session) if task.author_id == me.id]
    return _tasks(_("Others are reading"), tasks, "/studio/reviews")


def calendar(_request: Request, session: Session, _me: Person) -> Card | None:
    """What starts and ends soon."""
    starting, ending = worklists.starting(session), worklists.ending(session, now() + SOON)
    rows = [(t.at, False, t) for t in starting] + [(t.until or t.at, True, t) for t in ending]
    if not rows:
        return None
    rows.sort(key=lambda row: row[0])
    return Card("calendar.html", _("Calendar"), rows[:SHOWN], len(rows), "/studio/reviews")


def unanswered(request: Request, session: Session, _me: Person) -> Card | None:
    """What customers ask and nobody has answered, biggest first."""
    gaps = gatherer_of(request).gaps(session) or []
    rows = [gap for gap in gaps if gap.count(UNANSWERED) and not gap.is_handled]
    if not rows:
        return None
    title = _("What nobody answered")
    return Card("unanswered.html", title, rows[:TOP_GAPS], len(rows), "/studio/questions")


def contradictions(request: Request, session: Session, _me: Person) -> Card | None:
    """Answers that contradict each other, newest first."""
    if services_of(request).settings.contradictions == OFF:
        return None
    rows = open_contradictions(session)
    if not rows:
        return None
    title, more = _("Contradictions"), "/studio/contradictions"
    return Card("contradictions.html", title, shown(session, rows[:TOP_GAPS]), len(rows), more)


def _tasks(
    title: str, tasks: list[Task], more: str = "", act: str = "", why: str = ""
) -> Card | None:
    if not tasks:
        return None
    first = tasks[0] if act else None
    return Card("tasks.html", title, tasks[:SHOWN], len(tasks), more, first, act, why)


CARDS: list[Provider] = [
    sent_back,
    to_review,
    fact_changes,
    approved,
    to_verify,
    drafts,
    waiting,
    calendar,
    unanswered,
    contradictions,
]


def cards_of(request: Request, session: Session, me: Person) -> list[Card]:
    """What somebody's home page shows."""
    made = (provider(request, session, me) for provider in CARDS)
    return [card for card in made if card]


def next_thing(cards: list[Card]) -> Card | None:
    """The card whose first task comes next."""
    return next((card for card in cards if card.task), None)
