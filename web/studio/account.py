"""One's own account: name, language, password, devices and keys."""

from collections import defaultdict
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from assistant.staff_mail import queue_changed
from kb import history
from kb.db import reading, transaction
from kb.errors import Conflict, Invalid
from kb.keys import keys_of, make_key, revoke_key, scopes_for
from kb.passwords import WeakPassword
from kb.people import Person
from kb.sign_in import is_cookie_of, sessions_of
from kb.staff import WrongPassword, change_password, introduce, sign_out_everywhere
from web.devices import device_name
from web.forms import from_this_site
from web.guards import COOKIE
from web.i18n import _
from web.login import PRIVATE, keep_locale
from web.pages import services_of
from web.studio.shell import editor_of, studio_page
from web.way_back import NO_NAME, WEAK

router = APIRouter()
OURS = [Depends(from_this_site)]
DONE = {
    "saved": _("Saved."),
    "password": _("Your new password is saved. All other devices were signed out."),
    "signed-out": _("All other devices were signed out."),
    "revoked": _("The key is revoked. Whatever used it is refused from now on."),
}
WRONG = _("That is not your password.")
NAME_TAKEN = _("You have a key of that name already. Choose another name, or revoke that key.")
NO_SCOPE = _("Choose at least one thing that the key may do.")
SCOPE_NAMES = {
    "read": _("Read what the staff may read"),
    "write": _("Write drafts and send them to review"),
    "approve": _("Approve other people’s drafts"),
    "publish": _("Publish and withdraw"),
    "serve": _("Serve customers at the desk"),
    "administer": _("Administer people and settings"),
}


@router.api_route("/account", methods=["GET", "HEAD"])
def show_account(request: Request, done: str = "") -> Response:
    """All of it on one page."""
    with reading(services_of(request).engine) as session:
        return _page(request, session, oneself(request, session), done=done)


@router.post("/account", dependencies=OURS)
def post_account(
    request: Request, name: Annotated[str, Form()] = "", locale: Annotated[str, Form()] = ""
) -> Response:
    """Another name, another language."""
    with transaction(services_of(request).engine) as session:
        person = oneself(request, session)
        try:
            introduce(session, person, name, locale)
        except Invalid:
            return _page(request, session, person, name=NO_NAME)
    response = _done("saved")
    keep_locale(response, locale)
    return response


@router.post("/account/password", dependencies=OURS)
def post_password(
    request: Request, old: Annotated[str, Form()] = "", new: Annotated[str, Form()] = ""
) -> Response:
    """Another password; the devices elsewhere are signed out, and a letter says so."""
    services = services_of(request)
    with transaction(services.engine) as session:
        person = oneself(request, session)
        try:
            change_password(session, person, old, new, request.cookies.get(COOKIE, ""))
        except WrongPassword:
            return _page(request, session, person, old=WRONG)
        except WeakPassword as weak:
            return _page(request, session, person, password=WEAK[weak.why])
        queue_changed(session, person, history.epoch(session), services.settings)
    return _done("password")


@router.post("/account/sessions/end", dependencies=OURS)
def post_sign_out(request: Request) -> Response:
    """Signed out everywhere but here."""
    with transaction(services_of(request).engine) as session:
        person = oneself(request, session)
        sign_out_everywhere(session, person, person, but=request.cookies.get(COOKIE, ""))
    return _done("signed-out")


@router.post("/account/keys", dependencies=OURS)
def post_key(
    request: Request,
    name: Annotated[str, Form()] = "",
    scopes: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """A new key, shown in this one reply and never again."""
    with transaction(services_of(request).engine) as session:
        person = oneself(request, session)
        try:
            _key, secret = make_key(session, person, name, scopes or [])
        except Conflict:
            return _page(request, session, person, key_name=NAME_TAKEN)
        except Invalid as error:
            which = {"scopes": NO_SCOPE} if error.field == "scopes" else {"key_name": NO_NAME}
            return _page(request, session, person, **which)
        return _page(request, session, person, secret=secret)


@router.post("/account/keys/{key_id}/revocation", dependencies=OURS)
def post_revocation(request: Request, key_id: int) -> Response:
    """The key is worth nothing from here on."""
    with transaction(services_of(request).engine) as session:
        revoke_key(session, key_id, oneself(request, session))
    return _done("revoked")


@router.get("/account/{_form:path}")
def to_account(_form: str) -> Response:
    """Where a form's reply was shown, another language or a reload leads to the page itself."""
    return RedirectResponse("/studio/account", 303, PRIVATE)


def oneself(request: Request, session: Session) -> Person:
    """Who is signed in here; a key may not change its person's password or make other keys."""
    if request.headers.get("authorization"):
        raise HTTPException(403, "sign in at /login; a key cannot change its person's account")
    return editor_of(request, session, "read")


def _done(what: str) -> Response:
    return RedirectResponse(f"/studio/account?done={what}", 303, PRIVATE)


def _page(
    request: Request,
    session: Session,
    person: Person,
    done: str = "",
    secret: str = "",
    **problems: str,
) -> Response:
    """With `problems` by field, and the `secret` of a key that was just made."""
    cookie = request.cookies.get(COOKIE, "")
    devices = [
        (device_name(kept.device), kept, is_cookie_of(kept, cookie))
        for kept in sessions_of(session, person)
    ]
    return studio_page(
        request,
        "account.html",
        person,
        "account",
        422 if problems else 200,
        done=DONE.get(done, ""),
        problems=defaultdict(str, problems),
        devices=devices,
        keys=[key for key in keys_of(session, person) if key.revoked_at is None],
        scopes={scope: SCOPE_NAMES[scope] for scope in scopes_for(person)},
        scope_names=SCOPE_NAMES,
        secret=secret,
    )
