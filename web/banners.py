"""Notices on the help site: what a page shows above everything, until its reader puts it away."""

from collections.abc import Iterable

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from kb.audiences import PUBLIC, visible_to
from kb.db import reading
from kb.notices import Shown, Subject, notices_for
from web.services import Services

COOKIE = "verbatim_notices"
# As long as the longest notice is of interest to anybody.
KEPT_SECONDS = 90 * 24 * 3600
# Of those that were put away, the newest.
REMEMBERED = 30


def banners_of(request: Request, locale: str, subjects: Iterable[Subject] = ()) -> list[Shown]:
    """What a public page of that locale shows to this reader."""
    services: Services = request.app.state.services
    fallback, put_away = services.settings.fallback_locale, _put_away(request)
    with reading(services.engine) as session:
        found = notices_for(session, locale, fallback, visible_to(PUBLIC), subjects)
    return [shown for shown in found if str(shown.notice.id) not in put_away]


def _put_away(request: Request) -> list[str]:
    numbers = request.cookies.get(COOKIE, "").split(".")
    return [number for number in numbers if number.isascii() and number.isdigit()]


def dismissal(request: Request, notice_id: int, back_to: str) -> Response:
    """Back to the page, without this notice from now on."""
    kept = [*_put_away(request), str(notice_id)][-REMEMBERED:]
    response = RedirectResponse(back_to, 303)
    response.set_cookie(COOKIE, ".".join(kept), max_age=KEPT_SECONDS, httponly=True, samesite="lax")
    return response
