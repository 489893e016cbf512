"""Notices: write what every channel shows at once, for a time."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from kb.audiences import AGENTS, CUSTOMERS, PUBLIC
from kb.db import now, reading, transaction
from kb.errors import VerbatimError
from kb.notices import (
    OVER,
    SEVERITIES,
    Announcement,
    Notice,
    announce,
    end,
    get_notice,
    list_notices,
    reword,
)
from web.forms import from_this_site
from web.i18n import CATEGORIES, _, category_name
from web.login import staff_locale
from web.pages import services_of
from web.studio.shell import editor_of, studio_page
from web.studio.times import instant_of, zones
from web.studio.wrongs import Note, Wrong, note_of

HOME = "/studio/notices"
DONE = {
    "announced": _("The notice is on its way: every channel shows it from its time on."),
    "ended": _("The notice is off every channel."),
}
LABELS = {"info": _("For information"), "warning": _("Warning"), "outage": _("Outage")}
WHO = {
    PUBLIC: _("Everybody"),
    CUSTOMERS: _("Signed-in customers and staff"),
    AGENTS: _("Agents only"),
}

router = APIRouter()
from_here = [Depends(from_this_site)]
NoticeId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@dataclass(frozen=True)
class Typed:
    """What stands in the form."""

    texts: dict[str, str]
    severity: str = "info"
    audience: str = PUBLIC
    categories: tuple[str, ...] = ()
    articles: str = ""
    starts: str = ""
    ends: str = ""
    zone: str = "UTC"

    def announcement(self) -> Announcement:
        """What it asks for. Raises Wrong for a time that is none."""
        if not any(text.strip() for text in self.texts.values()):
            raise Wrong(_("Write the notice in at least one language."), "text")
        starts, ends = instant_of(self.starts, self.zone), instant_of(self.ends, self.zone)
        if ends and ends <= (starts or now()):
            raise Wrong(_("The end must come after the start, and after now."), "ends")
        slugs = tuple(self.articles.replace(",", " ").split())
        return Announcement(
            self.texts, self.severity, self.audience, self.categories, slugs, starts, ends
        )


@router.api_route("/notices", methods=["GET", "HEAD"])
def show_notices(request: Request, done: str = "") -> Response:
    """What shows, what will, and what did."""
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        at = now()
        entries = [(notice, notice.state(at)) for notice in list_notices(session)]
        return studio_page(
            request,
            "notices.html",
            me,
            "notices",
            entries=entries,
            labels=LABELS,
            who=WHO,
            done=DONE.get(done, ""),
        )


@router.api_route("/notices/new", methods=["GET", "HEAD"])
def show_form(request: Request, instead_of: int | None = None) -> Response:
    """An empty form, or one with the words of a notice to change."""
    if instead_of is None:
        return _form(request, Typed({}))
    with reading(services_of(request).engine) as session:
        editor_of(request, session, "publish")
        notice = get_notice(session, instead_of)
    return _form(request, _typed_of(notice), notice.id)


def _typed_of(notice: Notice) -> Typed:
    ends = notice.ends_at.strftime("%Y-%m-%dT%H:%M") if notice.ends_at else ""
    starts = notice.starts_at.strftime("%Y-%m-%dT%H:%M") if notice.starts_at > now() else ""
    is_over = notice.state(now()) == OVER
    return Typed(
        notice.texts,
        notice.severity,
        notice.audience,
        tuple(notice.categories),
        " ".join(notice.articles),
        starts,
        "" if is_over else ends,
    )


def _form(
    request: Request,
    typed: Typed,
    instead_of: int | None = None,
    wrong: Note | None = None,
    is_preview: bool = False,
) -> Response:
    locale = staff_locale(request)
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session, "publish")
    return studio_page(
        request,
        "notice_form.html",
        me,
        "notices",
        status=wrong.status if wrong else 200,
        typed=typed,
        instead_of=instead_of,
        severities=[(name, LABELS[name]) for name in reversed(SEVERITIES)],
        who=WHO,
        categories=[(name, category_name(name, locale)) for name in CATEGORIES],
        zones=zones(),
        wrong=wrong,
        is_preview=is_preview,
    )


@router.post("/notices", dependencies=from_here)
async def post_notice(request: Request) -> Response:
    """Look at it first, or show it to everybody."""
    form = await request.form()
    texts = {
        name.removeprefix("text_"): value
        for name, value in form.items()
        if name.startswith("text_") and isinstance(value, str)
    }
    typed = Typed(
        texts,
        severity=str(form.get("severity", "info")),
        audience=str(form.get("audience", PUBLIC)),
        categories=tuple(str(value) for value in form.getlist("categories")),
        articles=str(form.get("articles", "")),
        starts=str(form.get("starts", "")),
        ends=str(form.get("ends", "")),
        zone=str(form.get("zone", "UTC")),
    )
    number = str(form.get("instead_of", ""))
    instead_of = int(number) if number.isascii() and number.isdigit() else None
    is_preview = form.get("verb") == "preview"
    return await run_in_threadpool(_announce, request, typed, instead_of, is_preview)


def _announce(request: Request, typed: Typed, instead_of: int | None, is_preview: bool) -> Response:
    try:
        wanted = typed.announcement()
        if is_preview:
            return _form(request, typed, instead_of, is_preview=True)
        with transaction(services_of(request).engine) as session:
            me = editor_of(request, session, "publish")
            if instead_of is None:
                announce(session, wanted, me)
            else:
                replaced = get_notice(session, instead_of)
                is_over = replaced.state(now()) == OVER
                if is_over:
                    announce(session, wanted, me)
                else:
                    reword(session, replaced, wanted, me)
    except VerbatimError as error:
        return _form(request, typed, instead_of, note_of(error))
    return RedirectResponse(f"{HOME}?{urlencode({'done': 'announced'})}", 303)


@router.post("/notices/{notice_id}/end", dependencies=from_here)
def post_end(request: Request, notice_id: NoticeId) -> Response:
    """Off every channel, now."""
    with transaction(services_of(request).engine) as session:
        me = editor_of(request, session, "publish")
        end(session, get_notice(session, notice_id), me)
    return RedirectResponse(f"{HOME}?done=ended", 303)
