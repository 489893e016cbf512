"""Keep it right: which answers somebody should look at again, and who looks after them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session, col, select

from kb.articles import load_revisions
from kb.db import now, reading, transaction
from kb.errors import NotFound, VerbatimError
from kb.owners import assign
from kb.people import Person
from kb.verification import DUE_SOON, OVERDUE, VERIFIED, Standing, confirm, standings, take_back
from web.forms import from_this_site
from web.i18n import _, category_name
from web.login import own_path, staff_locale
from web.pages import services_of
from web.studio.shell import editor_of, studio_page
from web.studio.wrongs import Note, Wrong, note_of

PAGE = 50
HOME = "/studio/upkeep"
DUE, EVERYTHING = "due", "all"
DONE = {
    "verified": _("Marked as still right."),
    "undone": _("Taken back."),
    "assigned": _("The new owner is set. The answers themselves have not changed."),
}
# More than one page of them is no click by mistake.
TAKEN_BACK_LIMIT = 200

router = APIRouter()
from_here = [Depends(from_this_site)]
Text = Annotated[str, Form()]
Items = Annotated[list[str], Form(default_factory=list)]


@dataclass(frozen=True)
class Wanted:
    """What the address asks for."""

    whose: str = "mine"
    state: str = DUE
    owner: str = ""
    category: str = ""
    language: str = ""

    def keeps(self, standing: Standing, state: str, me: Person) -> bool:
        """Whether a wording belongs into the list."""
        states = {DUE: (OVERDUE, DUE_SOON), EVERYTHING: (OVERDUE, DUE_SOON, VERIFIED)}
        return (
            state in states.get(self.state, (self.state,))
            and (self.whose == "all" or standing.is_for(me))
            and self.owner in ("", standing.owner)
            and self.category in ("", standing.category)
            and self.language in ("", standing.locale)
        )

    def address(self, **changed: object) -> str:
        """The same list with something changed, always from its first page."""
        return f"{HOME}?{urlencode({**self.__dict__, **changed})}"


def wanted_of(
    whose: str = "mine", state: str = DUE, owner: str = "", category: str = "", language: str = ""
) -> Wanted:
    """The list in the address."""
    return Wanted(whose if whose == "all" else "mine", state, owner, category, language)


@router.api_route("/upkeep", methods=["GET", "HEAD"])
def show_upkeep(
    request: Request,
    wanted: Annotated[Wanted, Depends(wanted_of)],
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    done: str = "",
    undo: str = "",
) -> Response:
    """What is due, longest first."""
    return _page(request, wanted, page, DONE.get(done, ""), undo if done == "verified" else "")


def _page(
    request: Request,
    wanted: Wanted,
    page: int = 1,
    done: str = "",
    undo: str = "",
    wrong: Note | None = None,
) -> Response:
    at = now()
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        every = [(standing, standing.state(at)) for standing in standings(session)]
        found = [(s, state) for s, state in every if wanted.keeps(s, state, me)]
        shown = found[PAGE * (page - 1) : PAGE * page]
        mine = [state for standing, state in every if standing.is_for(me)]
        return studio_page(
            request,
            "upkeep.html",
            me,
            "upkeep",
            status=wrong.status if wrong else 200,
            wanted=wanted,
            shown=shown,
            found=len(found),
            has_any=bool(every),
            counts={
                "mine": sum(state != VERIFIED for state in mine),
                "all": sum(state != VERIFIED for _standing, state in every),
                "overdue": sum(state == OVERDUE for _standing, state in every),
            },
            names=_names(session, [standing.by_id for standing, _state in shown]),
            owner_options=[(o, o) for o in _distinct(s.owner for s, _state in every)],
            category_options=[
                (name, category_name(name, staff_locale(request)))
                for name in _distinct(s.category for s, _state in every)
            ],
            editors=editors_of(session),
            page_number=page,
            pages=-(-len(found) // PAGE),
            here=wanted.address(page=page),
            pager_address=lambda number: wanted.address(page=number),
            done=done,
            undo=undo,
            wrong=wrong,
        )


def _distinct(texts: Iterable[str]) -> list[str]:
    return sorted(set(texts) - {""})


def _names(session: Session, ids: list[int]) -> dict[int | None, str]:
    people = session.exec(select(Person).where(col(Person.id).in_(ids)))
    return {person.id: person.name for person in people}


def editors_of(session: Session) -> list[Person]:
    """Who may own an answer: everybody who can sign in and write."""
    people = session.exec(select(Person).order_by(Person.name))
    return [p for p in people if p.may("write") and not p.email.endswith(".invalid")]


@router.post("/upkeep/verifications", dependencies=from_here)
def post_verifications(request: Request, item: Items, only: Text = "", back: Text = "") -> Response:
    """Still right: one, or all that were chosen."""

    def step(session: Session, me: Person) -> dict[str, str]:
        revisions = load_revisions(session, _numbers([only] if only else item))
        made = [confirm(session, revision, me) for revision in revisions.values()]
        return {"done": "verified", "undo": ".".join(str(v.id) for v in made)}

    return _step(request, step, back)


@router.post("/upkeep/undo", dependencies=from_here)
def post_undo(request: Request, undo: Text = "", back: Text = "") -> Response:
    """It was a mistake."""

    def step(session: Session, me: Person) -> dict[str, str]:
        for number in _numbers(undo.split("."))[:TAKEN_BACK_LIMIT]:
            take_back(session, number, me)
        return {"done": "undone"}

    return _step(request, step, back)


@router.post("/upkeep/owner", dependencies=from_here)
def post_owner(request: Request, item: Items, owner: Text = "", back: Text = "") -> Response:
    """Somebody else looks after them, without new versions."""

    def step(session: Session, me: Person) -> dict[str, str]:
        for revision in load_revisions(session, _numbers(item)).values():
            assign(session, revision, owner, me)
        return {"done": "assigned"}

    return _step(request, step, back)


def _numbers(texts: list[str]) -> list[int]:
    found = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 10]
    if not found:
        raise Wrong(_("Choose at least one answer."), "item")
    return found


def _step(
    request: Request, step: Callable[[Session, Person], dict[str, str]], back: str
) -> Response:
    """Do it, and go back to where it was asked for; or say there why not."""
    try:
        with transaction(services_of(request).engine) as session:
            told = step(session, editor_of(request, session))
    except NotFound:
        raise
    except VerbatimError as error:
        return _page(request, Wanted(whose="all"), wrong=note_of(error))
    path = own_path(back, HOME)
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}{urlencode(told)}", 303)
