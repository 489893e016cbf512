"""Staff sign in and out: plain forms and one cookie."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from kb.db import reading, transaction
from kb.people import Person, Role
from kb.sign_in import LONGEST, Refused, sign_in, sign_out
from web.forms import from_this_site
from web.guards import COOKIE, person_of
from web.i18n import preferred_locale
from web.pages import page, services_of

DESK, STUDIO = "/desk", "/studio"
LONGEST_NEXT = 500
PRIVATE = {"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language"}

router = APIRouter(include_in_schema=False)


@router.api_route("/login", methods=["GET", "HEAD"])
def show_form(request: Request, next: str = "") -> Response:
    """The form; who is signed in goes straight on."""
    with reading(services_of(request).engine) as session:
        person = person_of(request, session)
    if person:
        return RedirectResponse(own_path(next, home_of(person)), 303)
    return _form(request, next)


@router.post("/login", dependencies=[Depends(from_this_site)])
def post_form(
    request: Request,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",
) -> Response:
    """A cookie and on to where they wanted to be, or the form with what is wrong."""
    services = services_of(request)
    client = request.client.host if request.client else ""
    with Session(services.engine, expire_on_commit=False) as session:
        outcome = sign_in(session, email, password, client)
    if isinstance(outcome, Refused):
        return _form(request, next, email, outcome)
    response = RedirectResponse(own_path(next, home_of(outcome.person)), 303, PRIVATE)
    response.set_cookie(
        COOKIE,
        outcome.secret,
        max_age=int(LONGEST.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=services.settings.base_url.startswith("https:"),
    )
    return response


@router.post("/logout", dependencies=[Depends(from_this_site)])
def post_logout(request: Request) -> Response:
    """The cookie is worth nothing from here on, on this device and wherever it was copied to."""
    with transaction(services_of(request).engine) as session:
        sign_out(session, request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/login", 303, PRIVATE)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return response


def to_sign_in(request: Request) -> RedirectResponse:
    """To the form, and back to this very page afterwards; from a form that was sent, home."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method not in ("GET", "HEAD"):
        here = ""
    return RedirectResponse(f"/login?{urlencode({'next': here})}", 303, PRIVATE)


def home_of(person: Person) -> str:
    """Where the day of somebody in this role begins."""
    return DESK if person.role == Role.agent else STUDIO


def own_path(path: str, otherwise: str = "") -> str:
    """Where to go next: only to a page of this site, whatever the address said."""
    # A browser takes // and /\ for the start of another site's address.
    is_ours = path.startswith("/") and path[1:2] not in ("/", "\\")
    return path if is_ours and path.isprintable() and len(path) <= LONGEST_NEXT else otherwise


def staff_locale(request: Request) -> str:
    """The language that was chosen in the address, else the browser's."""
    locales = services_of(request).settings.locales
    chosen = request.query_params.get("locale", "")
    accepted = request.headers.get("accept-language", "")
    return chosen if chosen in locales else preferred_locale(accepted, locales)


def staff_page(request: Request, template: str, status: int = 200, **context: object) -> Response:
    """A page for staff: in their language, and never kept by a browser or a proxy."""
    locales = services_of(request).settings.locales
    languages = {code: f"?{_with_locale(request, code)}" for code in locales}
    response = page(
        request, template, staff_locale(request), status, alternates=languages, **context
    )
    response.headers.update(PRIVATE)
    return response


def no_desk_for(request: Request, person: Person) -> Response:
    """Who is signed in, and why there is nothing for them here."""
    return staff_page(request, "login.html", 403, person=person, refused=None, email="", next="")


def _form(request: Request, next: str, email: str = "", refused: Refused | None = None) -> Response:
    minutes = refused.minutes if refused else 0
    response = staff_page(
        request,
        "login.html",
        200 if refused is None else 429 if minutes else 422,
        person=None,
        refused=refused,
        email=email[:254],
        next=own_path(next),
    )
    if minutes:
        response.headers["Retry-After"] = str(60 * minutes)
    return response


def _with_locale(request: Request, code: str) -> str:
    kept = {k: v for k, v in request.query_params.items() if k != "locale"}
    return urlencode(kept | {"locale": code})
