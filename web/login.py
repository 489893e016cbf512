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
from web.pages import LOCALE_COOKIE, locale_for_staff, page, services_of

DESK, STUDIO = "/desk", "/studio"
LONGEST_NEXT = 500
LOCALE_SECONDS = 365 * 24 * 3600
PRIVATE = {"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language"}

router = APIRouter(include_in_schema=False)


@router.api_route("/login", methods=["GET", "HEAD"])
def show_form(request: Request, next: str = "", done: str = "") -> Response:
    """The form; who is signed in goes straight on."""
    with reading(services_of(request).engine) as session:
        person = person_of(request, session)
    if person:
        return RedirectResponse(own_path(next, home_of(person)), 303)
    return _form(request, next, done=done)


@router.post("/login", dependencies=[Depends(from_this_site)])
def post_form(
    request: Request,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",
) -> Response:
    """A cookie and on to where they wanted to be, or the form with what is wrong."""
    services = services_of(request)
    with Session(services.engine, expire_on_commit=False) as session:
        outcome = sign_in(session, email, password, client_of(request), device_of(request))
    if isinstance(outcome, Refused):
        return _form(request, next, email, outcome)
    return welcome(request, outcome.person, outcome.secret, next)


def welcome(request: Request, person: Person, secret: str, next: str = "") -> Response:
    """On to where they wanted to be, with the cookie of a session that was just opened."""
    response = RedirectResponse(own_path(next, home_of(person)), 303, PRIVATE)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(LONGEST.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_encrypted(request),
    )
    if person.locale:
        keep_locale(response, person.locale)
    return response


def keep_locale(response: Response, locale: str) -> None:
    """From here on this browser shows staff pages in that language; empty is its own."""
    if locale:
        response.set_cookie(LOCALE_COOKIE, locale, max_age=LOCALE_SECONDS, samesite="lax")
    else:
        response.delete_cookie(LOCALE_COOKIE, samesite="lax")


def is_encrypted(request: Request) -> bool:
    """Whether cookies should never travel in the clear."""
    return services_of(request).settings.base_url.startswith("https:")


def client_of(request: Request) -> str:
    """The address that attempts are counted by."""
    return request.client.host if request.client else ""


def device_of(request: Request) -> str:
    """What the browser says of itself."""
    return request.headers.get("user-agent", "")


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
    """The language that was chosen in the address or the account, else the browser's."""
    return locale_for_staff(request)


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
    return _page(request, 403, person=person)


def unknown_here(request: Request, problem: str, status: int = 403) -> Response:
    """The form again, with what the identity provider's answer led to."""
    return _page(request, status, problem=problem)


def _form(
    request: Request, next: str, email: str = "", refused: Refused | None = None, done: str = ""
) -> Response:
    minutes = refused.minutes if refused else 0
    response = _page(
        request,
        200 if refused is None else 429 if minutes else 422,
        refused=refused,
        email=email[:254],
        next=own_path(next),
        done=done,
    )
    if minutes:
        response.headers["Retry-After"] = str(60 * minutes)
    return response


def _page(request: Request, status: int, **context: object) -> Response:
    nothing = {"person": None, "refused": None, "email": "", "next": "", "problem": "", "done": ""}
    provider = services_of(request).settings.oidc_issuer
    return staff_page(request, "login.html", status, **(nothing | {"provider": provider} | context))


def _with_locale(request: Request, code: str) -> str:
    kept = {k: v for k, v in request.query_params.items() if k != "locale"}
    return urlencode(kept | {"locale": code})
