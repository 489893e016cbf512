"""A change of a shared fact: every place and every receipt it touches, approved as one."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from assistant.fact_reach import count_given, receipts_of, replaced_by
from assistant.notifications import catch_up
from kb.db import reading, transaction
from kb.errors import NotFound, VerbatimError
from kb.fact_changes import (
    WHY_LIMIT,
    FactChange,
    approve_change,
    decline,
    done_by,
    get_change,
    plan_of,
    withdraw_change,
)
from kb.fact_plans import Plan
from kb.people import Person
from web.forms import from_this_site
from web.i18n import _
from web.pages import services_of
from web.studio.csv_files import csv_file
from web.studio.fact_view import ROLES, changed_parts
from web.studio.facts import HOME, ROOM
from web.studio.shell import editor_of, studio_page
from web.studio.wrongs import Note, note_of

DONE = {
    "approved": _("It is live everywhere, with one step."),
    "declined": _("Declined. Nothing has changed."),
    "withdrawn": _("Taken back. Nothing has changed."),
}
OUTCOMES = {
    "approved": _("Approved"),
    "declined": _("Declined"),
    "withdrawn": _("Taken back"),
}
COLUMNS = ("receipt", "issued_at", "channel", "article", "locale", "version", "sha256")

router = APIRouter(prefix="/facts/changes")
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
Text = Annotated[str, Form()]
from_here = [Depends(from_this_site)]
Verb = Callable[[Session, FactChange, Person], None]


@router.api_route("/{change_id}", methods=["GET", "HEAD"])
def show_change(request: Request, change_id: Id, done: str = "") -> Response:
    """What it would do, or has done."""
    return _page(request, change_id, done=DONE.get(done, ""))


@router.api_route("/{change_id}/receipts.csv", methods=["GET", "HEAD"])
def show_receipts(request: Request, change_id: Id) -> Response:
    """Every receipt that gave words which it replaces."""
    with reading(services_of(request).engine) as session:
        editor_of(request, session)
        change = get_change(session, change_id)
        if change.is_waiting:
            ids = replaced_by(plan_of(session, change))
        else:
            ids = [row["replaced"] for row in done_by(session, change) if row["replaced"]]
        rows = [
            (r.id, r.issued_at.isoformat(), r.channel, r.article, r.answer_locale, r.version,
             r.answer_sha256)
            for r in receipts_of(session, ids)
        ]  # fmt: skip
    return csv_file(f"receipts-change-{change_id}", COLUMNS, rows)


@router.post("/{change_id}/approval", dependencies=from_here)
def post_approval(request: Request, change_id: Id, seen: Text = "") -> Response:
    """Live everywhere at once."""
    return _step(request, change_id, partial(approve_change, seen=seen), "approved")


@router.post("/{change_id}/refusal", dependencies=from_here)
def post_refusal(request: Request, change_id: Id, note: Text = "") -> Response:
    """Not so, and why."""
    return _step(request, change_id, partial(decline, note=note), "declined")


@router.post("/{change_id}/withdrawal", dependencies=from_here)
def post_withdrawal(request: Request, change_id: Id) -> Response:
    """Its author has thought better of it."""
    return _step(request, change_id, withdraw_change, "withdrawn")


def _step(request: Request, change_id: int, verb: Verb, done: str) -> Response:
    """One step in one transaction; when it is over, every channel says what is true now."""
    services = services_of(request)
    try:
        with transaction(services.engine) as session:
            me = editor_of(request, session)
            verb(session, get_change(session, change_id), me)
            catch_up(session)
    except NotFound:
        raise
    except VerbatimError as error:
        return _page(request, change_id, note_of(error))
    services.index.bring_level()
    return RedirectResponse(f"{HOME}/changes/{change_id}?done={done}", 303)


def _page(request: Request, change_id: int, wrong: Note | None = None, done: str = "") -> Response:
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        change = get_change(session, change_id)
        plan = plan_of(session, change) if change.is_waiting else Plan()
        given = count_given(session, replaced_by(plan))
        people = {id_ for id_ in (change.by_id, change.closed_by_id) if id_}
        before = change.fact.versions[change.based_on - 1].values
        return studio_page(
            request,
            "fact_change.html",
            me,
            ROOM,
            wrong.status if wrong else 200,
            change=change,
            fact=change.fact,
            before=before,
            codes=[c for c in {**before, **change.values} if before.get(c) != change.values.get(c)],
            plan=plan,
            changed_parts=changed_parts,
            given=given,
            places=done_by(session, change),
            names={id_: session.get_one(Person, id_).name for id_ in people},
            roles=ROLES,
            outcomes=OUTCOMES,
            limit=WHY_LIMIT,
            wrong=wrong,
            done=done,
        )
