"""Contradictions: what disagrees with what, side by side, until it is changed or dismissed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from assistant.contradictions import (
    NOTE_LIMIT,
    ability_to_dismiss,
    dismiss,
    open_contradictions,
    past_contradictions,
    reopen,
)
from kb.db import reading, transaction
from kb.errors import NotFound, VerbatimError
from web.collator import last_sought
from web.forms import from_this_site
from web.i18n import _
from web.pages import services_of
from web.studio.contradiction_view import shown
from web.studio.shell import editor_of, studio_page
from web.studio.wrongs import Note, Wrong, note_of

PAGE, PAST = 50, 100
LARGEST = 2**31 - 1
DONE = {
    "dismissed": _("Dismissed. It stays so as long as both sentences stand."),
    "reopened": _("It is open again."),
}

router = APIRouter(prefix="/contradictions")
Id = Annotated[int, Path(ge=1, le=LARGEST)]
Text = Annotated[str, Form()]
from_here = [Depends(from_this_site)]


@router.api_route("", methods=["GET", "HEAD"])
def show_contradictions(
    request: Request, state: str = "open", page: int = 1, done: str = ""
) -> Response:
    """What is open, or what was dismissed and has resolved itself."""
    return _page(request, state, page, DONE.get(done, ""))


@router.post("/{contradiction_id}/dismissal", dependencies=from_here)
def post_dismissal(
    request: Request, contradiction_id: Id, reason: Text = "", back: Text = ""
) -> Response:
    """A false alarm, and why."""
    try:
        services = services_of(request)
        with transaction(services.engine) as session:
            me = editor_of(request, session)
            if not reason.strip():
                raise Wrong(_("Say why it is no contradiction."), "reason")
            dismiss(session, contradiction_id, me, reason, services.settings.contradictions)
    except NotFound:
        raise
    except VerbatimError as error:
        return _page(request, wrong=note_of(error), typed=(contradiction_id, reason))
    return RedirectResponse(_back(back, "dismissed"), 303)


@router.post("/{contradiction_id}/reopening", dependencies=from_here)
def post_reopening(request: Request, contradiction_id: Id) -> Response:
    """It was right after all."""
    try:
        with transaction(services_of(request).engine) as session:
            reopen(session, contradiction_id, editor_of(request, session))
    except NotFound:
        raise
    except VerbatimError as error:
        return _page(request, "past", wrong=note_of(error))
    return RedirectResponse("/studio/contradictions?done=reopened", 303)


def _back(path: str, done: str) -> str:
    """To the revision that it was dismissed beside, or to the list."""
    is_ours = path.startswith("/studio/articles/") and "//" not in path and path.isprintable()
    return path if is_ours else f"/studio/contradictions?done={done}"


def _page(
    request: Request,
    state: str = "open",
    page: int = 1,
    done: str = "",
    wrong: Note | None = None,
    typed: tuple[int, str] = (0, ""),
) -> Response:
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        waiting = open_contradictions(session)
        is_past = state == "past"
        rows = past_contradictions(session, PAST) if is_past else waiting
        pages = max(1, -(-len(rows) // PAGE))
        number = min(max(page, 1), pages)
        return studio_page(
            request,
            "contradictions.html",
            me,
            "contradictions",
            wrong.status if wrong else 200,
            contradictions=shown(session, rows[(number - 1) * PAGE :][:PAGE]),
            waiting=len(waiting),
            is_past=is_past,
            number=number,
            pages=pages,
            may_dismiss=me.may(ability_to_dismiss(services_of(request).settings.contradictions)),
            sought=last_sought(session),
            limit=NOTE_LIMIT,
            done=done,
            wrong=wrong,
            typed=typed,
        )
