"""What every page of the studio shares: who may enter, the frame, and the way around."""

from dataclasses import dataclass

from fastapi import HTTPException, Request
from fastapi.responses import Response
from sqlmodel import Session

from kb.db import reading
from kb.errors import NotAllowed
from kb.people import Person
from web.guards import person_of
from web.i18n import _
from web.login import staff_page, to_sign_in
from web.pages import services_of
from web.studio.badges import badges_of


@dataclass(frozen=True)
class Room:
    """An entry of the navigation; only who may do `ability` is shown it."""

    name: str
    label: str
    icon: str
    ability: str = "write"

    @property
    def path(self) -> str:
        """Its address."""
        return f"/studio/{self.name}".removesuffix("/")


@dataclass(frozen=True)
class Floor:
    """Rooms that belong together, under a heading."""

    label: str
    rooms: tuple[Room, ...]


# Only rooms that exist: whoever builds one adds its line.
FLOORS = (
    Floor(
        _("Answers"),
        (
            Room("", _("Home"), "house"),
            Room("articles", _("Articles"), "book-open"),
            Room("reviews", _("Reviews"), "clipboard-check"),
            Room("translations", _("Translations"), "languages"),
            Room("facts", _("Shared facts"), "repeat"),
            Room("upkeep", _("Upkeep"), "badge-check"),
        ),
    ),
    Floor(
        _("Customers"),
        (
            Room("questions", _("Questions"), "circle-help"),
            Room("feedback", _("Feedback"), "inbox"),
            Room("insights", _("Insights"), "chart-line"),
        ),
    ),
    Floor(
        _("House"),
        (
            Room("notices", _("Notices"), "megaphone"),
            Room("corrections", _("Corrections"), "message-square-warning", "publish"),
            Room("silence", _("Silence"), "volume-x"),
            Room("people", _("People"), "users", "administer"),
            Room("history", _("History"), "history", "approve"),
            Room("contradictions", _("Contradictions"), "equal-not"),
            Room("proof", _("Proof"), "fingerprint"),
        ),
    ),
)


class SignInFirst(HTTPException):
    """Nobody is signed in: to the form, and back here afterwards."""

    def __init__(self) -> None:
        super().__init__(401, "sign in at /login")


async def to_the_form(request: Request, _error: Exception) -> Response:
    """The form for signing in; a page that was asked for is shown afterwards."""
    return to_sign_in(request)


def editor_of(request: Request, session: Session, ability: str = "write") -> Person:
    """Who is signed in and may do this. Raises SignInFirst for nobody, NotAllowed for others."""
    person = person_of(request, session)
    if person is None:
        raise SignInFirst
    if not person.may(ability):
        raise NotAllowed(f"your role, {person.role}, may not do this; ask an admin")
    return person


def studio_page(
    request: Request,
    template: str,
    person: Person,
    room: str,
    status: int = 200,
    **context: object,
) -> Response:
    """A page of the studio; `room` is the name of the entry to mark in the navigation."""
    floors = [
        (floor.label, [entry for entry in floor.rooms if person.may(entry.ability)])
        for floor in FLOORS
    ]
    with reading(services_of(request).engine) as session:
        badges = badges_of(session, person)
    return staff_page(
        request,
        f"studio/{template}",
        status,
        person=person,
        badges=badges,
        room=room,
        floors=[(label, rooms) for label, rooms in floors if rooms],
        **context,
    )
