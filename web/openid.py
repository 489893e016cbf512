"""Signing in through the company's identity provider: there, and back again."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from assistant.openid import Attempt, ProviderFailed, identity_of, sign_in_url
from kb.db import transaction
from kb.errors import NotAllowed, NotFound
from kb.settings import Settings
from kb.sign_in import open_session
from kb.single_sign_on import let_in
from web.i18n import _
from web.login import PRIVATE, device_of, is_encrypted, own_path, unknown_here, welcome
from web.pages import services_of

# Lives only from leaving to coming back; the next page rides along.
WAY_COOKIE = "verbatim_way"
WAY_SECONDS = 600
BACK = "/login/provider/return"
LOST_WAY = _("That took too long, or began in another browser. Please try again.")
REFUSED = _("The identity provider did not let you in. Please try again.")
AWAY = _("The identity provider cannot be reached. Please try again in a moment.")
UNKNOWN = _("You are not one of the people of this help centre yet. Ask an admin to invite you.")

router = APIRouter(include_in_schema=False)


@router.get("/login/provider")
def leave(request: Request, next: str = "") -> Response:
    """To the provider; a cookie remembers what must come back."""
    settings = _settings(request)
    secret = secrets.token_urlsafe(32)
    try:
        url = sign_in_url(settings, _attempt(settings, secret))
    except ProviderFailed:
        return unknown_here(request, AWAY, 503)
    response = RedirectResponse(url, 303, PRIVATE)
    response.set_cookie(
        WAY_COOKIE,
        f"{secret}|{own_path(next)}",
        max_age=WAY_SECONDS,
        path="/login",
        httponly=True,
        samesite="lax",
        secure=is_encrypted(request),
    )
    return response


@router.get(BACK)
def come_back(
    request: Request,
    code: Annotated[str, Query(max_length=4096)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """A session for whoever the provider vouches for, if they belong here."""
    response = _answer(request, code, state)
    response.delete_cookie(WAY_COOKIE, path="/login", httponly=True, samesite="lax")
    return response


def _answer(request: Request, code: str, state: str) -> Response:
    settings = _settings(request)
    secret, _bar, next = request.cookies.get(WAY_COOKIE, "").partition("|")
    attempt = _attempt(settings, secret)
    if not secret or not secrets.compare_digest(
        attempt.state.encode(), state.encode("utf-8", "replace")
    ):
        return unknown_here(request, LOST_WAY)
    if not code:
        return unknown_here(request, REFUSED)
    try:
        identity = identity_of(settings, attempt, code)
    except ProviderFailed:
        return unknown_here(request, AWAY, 503)
    except NotAllowed:
        return unknown_here(request, REFUSED)
    with transaction(services_of(request).engine) as session:
        person = let_in(session, identity, settings.oidc_role)
        cookie = open_session(session, person, device_of(request)) if person else ""
    return welcome(request, person, cookie, next) if person else unknown_here(request, UNKNOWN)


def _settings(request: Request) -> Settings:
    settings = services_of(request).settings
    if not settings.oidc_issuer:
        raise NotFound("there is no such page")
    return settings


def _attempt(settings: Settings, secret: str) -> Attempt:
    return Attempt(secret, settings.base_url + BACK)
