"""Ways in without a password: lost ones are chosen anew, and invitations are accepted.

The addresses hold a secret, so these pages are kept by nobody and tell no other site.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from assistant.staff_mail import queue_changed, queue_reset
from kb import history
from kb.db import reading, transaction
from kb.errors import Conflict, Invalid, NotFound
from kb.invitations import accept, open_invitation
from kb.password_resets import PasswordReset, ask_reset, person_of_reset, reset_password
from kb.passwords import WeakPassword
from kb.sign_in import LONGEST_EMAIL, Refused, open_session
from web.forms import from_this_site
from web.i18n import _
from web.login import (
    PRIVATE,
    client_of,
    device_of,
    staff_locale,
    staff_page,
    welcome,
)
from web.pages import services_of

TOKEN_LIMIT = 200
SECRET = {"Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}
WEAK = {
    "short": _("Please take 12 characters or more."),
    "long": _("Please take 200 characters at most."),
    "common": _("That is easy to guess. Take a few words that do not belong together."),
}
NO_NAME = _("Please write a name of 1 to 80 characters.")

router = APIRouter(include_in_schema=False, prefix="/login")
Token = Annotated[str, Query(max_length=TOKEN_LIMIT)]
PostedToken = Annotated[str, Form(max_length=TOKEN_LIMIT)]


@router.api_route("/lost", methods=["GET", "HEAD"])
def show_lost(request: Request) -> Response:
    """Where to write to."""
    return staff_page(request, "way_back/lost.html", sent=False, minutes=0)


@router.post("/lost", dependencies=[Depends(from_this_site)])
def post_lost(request: Request, email: Annotated[str, Form()] = "") -> Response:
    """The same words whether there is such an account or not."""
    locale, services = staff_locale(request), services_of(request)
    with transaction(services.engine) as session:
        outcome = ask_reset(session, email[: LONGEST_EMAIL + 1], locale, client_of(request))
        if isinstance(outcome, PasswordReset):
            queue_reset(session, outcome)
    minutes = outcome.minutes if isinstance(outcome, Refused) else 0
    status = 429 if minutes else 200
    response = staff_page(request, "way_back/lost.html", status, sent=not minutes, minutes=minutes)
    if minutes:
        response.headers["Retry-After"] = str(60 * minutes)
    return response


@router.api_route("/new-password", methods=["GET", "HEAD"])
def show_new_password(request: Request, token: Token = "") -> Response:
    """The form for a new password, to whoever holds the link."""
    with reading(services_of(request).engine) as session:
        try:
            person = person_of_reset(session, token)
        except NotFound:
            return _closed(request)
    return _choose(request, token, person.email)


@router.post("/new-password", dependencies=[Depends(from_this_site)])
def post_new_password(
    request: Request, token: PostedToken = "", password: Annotated[str, Form()] = ""
) -> Response:
    """The password counts; on to sign in with it."""
    services = services_of(request)
    try:
        with transaction(services.engine) as session:
            email = person_of_reset(session, token).email
            person = reset_password(session, token, password)
            queue_changed(session, person, history.epoch(session), services.settings)
    except NotFound:
        return _closed(request)
    except WeakPassword as weak:
        return _choose(request, token, email, problem=WEAK[weak.why])
    return RedirectResponse("/login?done=password", 303, PRIVATE)


@router.api_route("/invitation", methods=["GET", "HEAD"])
def show_invitation(request: Request, token: Token = "") -> Response:
    """The form for a name and a password, to whoever was invited."""
    with reading(services_of(request).engine) as session:
        try:
            invitation = open_invitation(session, token)
        except NotFound:
            return _closed(request)
    return _choose(request, token, invitation.email, role=invitation.role)


@router.post("/invitation", dependencies=[Depends(from_this_site)])
def post_invitation(
    request: Request,
    token: PostedToken = "",
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """They are one of the staff, and signed in."""
    try:
        with transaction(services_of(request).engine) as session:
            invitation = open_invitation(session, token)
            email, role = invitation.email, invitation.role
            person = accept(session, invitation, name, password)
            secret = open_session(session, person, device_of(request))
    except (NotFound, Conflict):
        return _closed(request)
    except Invalid as error:
        problem = WEAK[error.why] if isinstance(error, WeakPassword) else NO_NAME
        return _choose(request, token, email, role=role, name=name, problem=problem)
    return welcome(request, person, secret)


def _choose(
    request: Request, token: str, email: str, role: str = "", name: str = "", problem: str = ""
) -> Response:
    response = staff_page(
        request,
        "way_back/choose.html",
        422 if problem else 200,
        token=token,
        email=email,
        role=role,
        name=name[:80],
        problem=problem,
    )
    response.headers.update(SECRET)
    return response


def _closed(request: Request) -> Response:
    response = staff_page(request, "way_back/closed.html", 404)
    response.headers.update(SECRET)
    return response
