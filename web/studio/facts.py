"""Shared facts: named once, used in many articles and languages, changed in one approved step."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from assistant.fact_reach import count_given
from assistant.notifications import catch_up
from kb.db import reading, transaction
from kb.errors import Conflict, VerbatimError
from kb.fact_changes import (
    changes_of,
    propose,
    retire_fact,
    waiting_change,
    waiting_changes,
)
from kb.fact_plans import standing
from kb.fact_uses import link
from kb.people import Person
from kb.settings import LOCALE_NAMES
from kb.shared_facts import (
    ABOUT_LIMIT,
    NAME_LIMIT,
    VALUE_LIMIT,
    describe,
    get_fact,
    list_facts,
    name_fact,
)
from web.forms import from_this_site
from web.i18n import _
from web.pages import services_of
from web.studio.fact_view import ROLES, count_uses, said_by_hand
from web.studio.shell import editor_of, studio_page
from web.studio.wrongs import Note, Wrong, note_of

ROOM = "facts"
HOME = "/studio/facts"
DONE = {
    "named": _("The fact has its name. Use it in texts, or link what says it already."),
    "linked": _("Linked. The words stay as they are; from now on they change with the fact."),
    "changed": _("Changed. No article stated it, so nothing else had to."),
    "described": _("Saved."),
    "retired": _("The fact is named no more."),
}

router = APIRouter(prefix="/facts")
Name = Annotated[str, Path(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=NAME_LIMIT)]
Text = Annotated[str, Form()]
Ids = Annotated[list[int], Form()]
from_here = [Depends(from_this_site)]


@router.api_route("", methods=["GET", "HEAD"])
def show_facts(request: Request, done: str = "") -> Response:
    """All facts, with what they are in each language and how often they are used."""
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        facts = list_facts(session)
        return studio_page(
            request,
            "facts.html",
            me,
            ROOM,
            facts=facts,
            uses=count_uses(session, facts),
            waiting={change.fact_id: change for change in waiting_changes(session)},
            done=DONE.get(done, ""),
        )


@router.api_route("/new", methods=["GET", "HEAD"])
def show_form(request: Request) -> Response:
    """An empty form."""
    return _form(request, {})


@router.post("/new", dependencies=from_here)
async def post_new(request: Request) -> Response:
    """A fact is named."""
    return await run_in_threadpool(_name, request, await request.form())


def _name(request: Request, form: FormData) -> Response:
    name = _field(form, "name").strip()
    try:
        with transaction(services_of(request).engine) as session:
            me = editor_of(request, session)
            name_fact(session, name, _values(form), me, _field(form, "about"))
    except Conflict:
        taken = Wrong(_("There is a fact of that name already."), "name", 409)
        return _form(request, dict(form), note_of(taken), "name")
    except VerbatimError as error:
        return _form(request, dict(form), note_of(error), getattr(error, "field", "") or "")
    return RedirectResponse(f"{HOME}/{name}?done=named", 303)


def _field(form: FormData, name: str) -> str:
    text = form.get(name)
    return text if isinstance(text, str) else ""


def _values(form: FormData) -> dict[str, str]:
    """What was typed for each language that the form asked for."""
    names = {code: f"value-{code}" for code in LOCALE_NAMES}
    return {code: _field(form, name) for code, name in names.items() if name in form}


def _form(request: Request, typed: Any, wrong: Note | None = None, field: str = "") -> Response:
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
    return studio_page(
        request,
        "fact_form.html",
        me,
        ROOM,
        wrong.status if wrong else 200,
        typed=typed,
        wrong=wrong,
        wrong_field=field,
        **_limits(request),
    )


def _limits(request: Request) -> dict[str, Any]:
    codes = services_of(request).settings.locales
    return {
        "codes": codes,
        "name_limit": NAME_LIMIT,
        "about_limit": ABOUT_LIMIT,
        "value_limit": VALUE_LIMIT,
    }


@router.api_route("/{name}", methods=["GET", "HEAD"])
def show_fact(request: Request, name: Name, done: str = "") -> Response:
    """What it is, where it is used, where it is said by hand, and how it came to be so."""
    return _page(request, name, done=DONE.get(done, ""))


@router.post("/{name}/changes", dependencies=from_here)
async def post_change(request: Request, name: Name) -> Response:
    """New values, for somebody else to approve."""
    return await run_in_threadpool(_propose, request, name, await request.form())


def _propose(request: Request, name: str, form: FormData) -> Response:
    try:
        with transaction(services_of(request).engine) as session:
            me = editor_of(request, session)
            fact = get_fact(session, name)
            change = propose(session, fact, fact.values | _values(form), me, _field(form, "why"))
            catch_up(session)
            waits = f"{HOME}/changes/{change.id}"
            where = waits if change.is_waiting else f"{HOME}/{name}?done=changed"
    except VerbatimError as error:
        field = getattr(error, "field", "") or ""
        return _page(request, name, note_of(error), field, typed=dict(form))
    return RedirectResponse(where, 303)


@router.post("/{name}/links", dependencies=from_here)
def post_links(request: Request, name: Name, revision: Ids) -> Response:
    """Wordings that say it by hand state this fact from now on."""
    try:
        with transaction(services_of(request).engine) as session:
            me = editor_of(request, session)
            fact = get_fact(session, name)
            said = {r.revision.id: r.revision for r in said_by_hand(session, fact)}
            for id_ in dict.fromkeys(revision):
                if id_ not in said:
                    raise Conflict("one of these does not say it by hand any more")
                link(session, fact, said[id_], me)
    except VerbatimError as error:
        return _page(request, name, note_of(error))
    return RedirectResponse(f"{HOME}/{name}?done=linked", 303)


@router.post("/{name}/description", dependencies=from_here)
def post_description(request: Request, name: Name, about: Text = "") -> Response:
    """What it is, said otherwise."""
    try:
        with transaction(services_of(request).engine) as session:
            describe(session, get_fact(session, name), about, editor_of(request, session))
    except VerbatimError as error:
        return _page(request, name, note_of(error), "about")
    return RedirectResponse(f"{HOME}/{name}?done=described", 303)


@router.post("/{name}/retirement", dependencies=from_here)
def post_retirement(request: Request, name: Name) -> Response:
    """Named no more, once nothing uses it."""
    try:
        with transaction(services_of(request).engine) as session:
            retire_fact(session, get_fact(session, name), editor_of(request, session, "approve"))
    except VerbatimError as error:
        return _page(request, name, note_of(error))
    return RedirectResponse(f"{HOME}?done=retired", 303)


def _page(
    request: Request,
    name: str,
    wrong: Note | None = None,
    field: str = "",
    typed: Any = None,
    done: str = "",
) -> Response:
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        fact = get_fact(session, name)
        used, changes = standing(session, fact), changes_of(session, fact)
        ids = [row.revision.id for _a, _l, rows in used for row in rows if row.revision.id]
        return studio_page(
            request,
            "fact.html",
            me,
            ROOM,
            wrong.status if wrong else 200,
            fact=fact,
            used=used,
            given=count_given(session, ids),
            by_hand=said_by_hand(session, fact),
            changes=changes,
            waiting=waiting_change(session, fact),
            names={id_: session.get_one(Person, id_).name for id_ in {c.by_id for c in changes}},
            roles=ROLES,
            typed=typed or {},
            wrong=wrong,
            wrong_field=field,
            done=done,
            **_limits(request),
        )
