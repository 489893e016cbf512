"""What somebody was told, marking it read, and what they are told by e-mail."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from assistant.news_mail import line_of
from assistant.notifications import HOW, find_notification, mark_read, pile_of
from kb.db import reading, transaction
from kb.errors import Invalid
from web.forms import from_this_site
from web.i18n import _
from web.login import staff_locale
from web.pages import services_of
from web.studio.shell import editor_of, studio_page

PAGE = 50
DONE = {"read": _("All read."), "saved": _("Saved.")}
WAYS = {
    "waiting": _("At once, when something waits for me"),
    "all": _("At once, everything"),
    "daily": _("Once a day, in one letter"),
    "never": _("Never"),
}
from_here = [Depends(from_this_site)]

router = APIRouter()


@router.api_route("/notifications", methods=["GET", "HEAD"])
def show_notifications(
    request: Request,
    only: str = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    done: str = "",
) -> Response:
    """Newest first, all or only the unread."""
    locale = staff_locale(request)
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        pile = pile_of(session, me, only == "unread", PAGE, (page - 1) * PAGE)
        lines = [(n, line_of(n, pile.names.get(n.by_id or 0, ""), locale)) for n in pile.items]
        return studio_page(
            request,
            "notifications.html",
            me,
            "notifications",
            lines=lines,
            only=only,
            page_number=page,
            pages=-(-pile.total // PAGE),
            ways=WAYS,
            address=lambda n: f"/studio/notifications?only={only and 'unread'}&page={n}",
            done=DONE.get(done, ""),
        )


@router.api_route("/notifications/{notification_id}", methods=["GET", "HEAD"])
def open_notification(request: Request, notification_id: int) -> Response:
    """To what it is about; from then on it is read."""
    with transaction(services_of(request).engine) as session:
        me = editor_of(request, session)
        told = find_notification(session, me, notification_id)
        mark_read(session, me, told.id)
    return RedirectResponse(f"/studio{told.data.get('path', '/notifications')}", 303)


@router.post("/notifications", dependencies=from_here)
def post_read(request: Request) -> Response:
    """All of them are read."""
    with transaction(services_of(request).engine) as session:
        mark_read(session, editor_of(request, session))
    return RedirectResponse("/studio/notifications?done=read", 303)


@router.post("/notifications/mail", dependencies=from_here)
def post_mail(request: Request, how: Annotated[str, Form()] = "") -> Response:
    """What they are told by e-mail from now on."""
    if how not in HOW:
        raise Invalid(f"how is one of {', '.join(HOW)}", "how")
    with transaction(services_of(request).engine) as session:
        me = editor_of(request, session)
        me.mail = how
        session.add(me)
    return RedirectResponse("/studio/notifications?done=saved", 303)
