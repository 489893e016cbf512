"""Feedback: what agents and customers say about answers, and what becomes of it."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from assistant.changes import DECLINED, DONE, OPEN, PLANNED, STATES
from assistant.inbox import (
    GROUPS,
    KINDS,
    Filter,
    Item,
    assign_items,
    counts,
    decline,
    find_items,
    finish,
    open_inbox,
    plan,
    reopen_items,
)
from kb.db import now, reading, transaction
from kb.errors import VerbatimError
from kb.people import Person
from web.forms import from_this_site
from web.i18n import _
from web.login import own_path
from web.pages import services_of
from web.studio.shell import editor_of, studio_page
from web.studio.upkeep import editors_of
from web.studio.wrongs import Note, Wrong, note_of

HOME = "/studio/feedback"
LABELS = {
    OPEN: _("Open"),
    PLANNED: _("Planned"),
    DONE: _("Done"),
    DECLINED: _("Declined"),
}
SAID = {
    PLANNED: _("Planned."),
    DECLINED: _("Declined, with your reason."),
    OPEN: _("Open again."),
    DONE: _("Done. It is on the page “What we changed”, and whoever asked is told."),
    "assigned": _("Assigned."),
}

router = APIRouter()
from_here = [Depends(from_this_site)]


def wanted_of(
    state: str = OPEN,
    article: str = "",
    language: str = "",
    kind: str = "",
    age: str = "",
    mine: str = "",
) -> dict[str, str]:
    """The list in the address."""
    return {
        "state": state if state in STATES else OPEN,
        "article": article[:120],
        "language": language[:20],
        "kind": kind if kind in KINDS else "",
        "age": age if age in ("7", "30", "90") else "",
        "mine": "1" if mine else "",
    }  # fmt: skip


@router.api_route("/feedback", methods=["GET", "HEAD"])
def show_feedback(
    request: Request,
    wanted: Annotated[dict[str, str], Depends(wanted_of)],
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    done: str = "",
) -> Response:
    """By article, those with the most to say first."""
    return _page(request, wanted, page, SAID.get(done, ""))


def _page(
    request: Request,
    wanted: dict[str, str],
    page: int = 1,
    done: str = "",
    wrong: Note | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        inbox = open_inbox(session, _filter(wanted, me), page)
        return studio_page(
            request,
            "feedback.html",
            me,
            "feedback",
            status=wrong.status if wrong else 200,
            inbox=inbox,
            wanted=wanted,
            labels=LABELS,
            counts=counts(session),
            editors=editors_of(session),
            at=now(),
            page_number=page,
            pages=-(-inbox.articles // GROUPS),
            address=lambda **changed: f"{HOME}?{urlencode(wanted | changed)}",
            pager_address=lambda number: f"{HOME}?{urlencode(wanted | {'page': number})}",
            here=f"{HOME}?{urlencode(wanted | {'page': str(page)})}",
            done=done,
            wrong=wrong,
            typed=typed or {},
        )


def _filter(wanted: dict[str, str], me: Person) -> Filter:
    return Filter(
        state=wanted["state"],
        article=wanted["article"],
        locale=wanted["language"],
        kind=wanted["kind"],
        older_than=int(wanted["age"] or 0),
        assigned_to_id=me.id if wanted["mine"] else None,
    )


@router.post("/feedback", dependencies=from_here)
async def post_feedback(request: Request) -> Response:
    """What was decided about the chosen items: the form's button says which."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    chosen = [str(value) for value in (await request.form()).getlist("item")]
    return await run_in_threadpool(_decide, request, form, chosen)


def _decide(request: Request, form: dict[str, str], chosen: list[str]) -> Response:
    back = own_path(form.get("back", ""), HOME)
    keys = [key for value in chosen for key in value.split(",")]
    verb = form.get("verb", "")
    try:
        with transaction(services_of(request).engine) as session:
            me = editor_of(request, session)
            if not keys:
                raise Wrong(_("Choose at least one thing that was said."), "item")
            path = VERBS.get(verb, _unknown)(request, session, find_items(session, keys), me, form)
    except VerbatimError as error:
        return _page(request, wanted_of(), wrong=note_of(error), typed=form)
    done = "assigned" if verb == "assign" else STATE_AFTER[verb]
    return RedirectResponse(path or f"{back}{'&' if '?' in back else '?'}done={done}", 303)


Verb = Callable[[Request, Session, list[Item], Person, dict[str, str]], str]


def _plan(
    _request: Request, session: Session, items: list[Item], me: Person, form: dict[str, str]
) -> str:
    plan(session, items, me, form.get("reason", ""))
    return ""


def _start(
    _request: Request, session: Session, items: list[Item], me: Person, _form: dict[str, str]
) -> str:
    """Mine to improve: planned, and on to the editor."""
    waiting = [item for item in items if item.row.state != PLANNED]
    plan(session, waiting, me)
    assign_items(session, items, me, me)
    revision = items[0].revision
    return f"/studio/articles/{revision.article.slug}/edit?in={revision.locale}"


def _decline(
    _request: Request, session: Session, items: list[Item], me: Person, form: dict[str, str]
) -> str:
    reason = form.get("reason", "")
    if not reason.strip():
        raise Wrong(_("Say why it stays as it is."), "reason")
    decline(session, items, me, reason)
    return ""


def _finish(
    request: Request, session: Session, items: list[Item], me: Person, form: dict[str, str]
) -> str:
    settings = services_of(request).settings
    summaries = {code: form.get(f"summary_{code}", "") for code in settings.locales}
    if not any(text.strip() for text in summaries.values()):
        raise Wrong(_("Say in one sentence what was changed, in at least one language."), "summary")
    finish(session, items, me, summaries, settings)
    return ""


def _reopen(
    _request: Request, session: Session, items: list[Item], me: Person, _form: dict[str, str]
) -> str:
    reopen_items(session, items, me)
    return ""


def _assign(
    _request: Request, session: Session, items: list[Item], me: Person, form: dict[str, str]
) -> str:
    number = form.get("to", "")
    to = session.get(Person, int(number)) if number.isascii() and number.isdigit() else None
    assign_items(session, items, to, me)
    return ""


def _unknown(*_given: object) -> str:
    raise Wrong(_("Choose what to do with it."), "verb")


VERBS: dict[str, Verb] = {
    "plan": _plan,
    "start": _start,
    "decline": _decline,
    "finish": _finish,
    "reopen": _reopen,
    "assign": _assign,
}
STATE_AFTER = {
    "plan": PLANNED,
    "start": PLANNED,
    "decline": DECLINED,
    "finish": DONE,
    "reopen": OPEN,
}
