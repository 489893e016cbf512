"""Proof: whether all channels say the same, whether receipts hold, and what agents say instead."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from assistant.answering import LABELS
from assistant.audit import AuditRun, latest_runs, open_incidents
from assistant.deviations import deviations, habits
from assistant.past import ask_past
from assistant.sealing import head
from kb.articles import Article
from kb.db import reading
from kb.differences import difference
from kb.errors import Invalid, NotFound
from web.auditor import Auditor
from web.forms import from_this_site
from web.i18n import _, translate
from web.login import staff_locale
from web.pages import services_of
from web.studio.shell import editor_of, studio_page
from web.studio.times import instant_of, zones

LARGEST = 2**31 - 1
DONE = {
    "begun": _("All channels are being compared. The result appears here in a few minutes."),
    "busy": _("A comparison is running already. Its result appears here when it is done."),
    "alone": _("The address of this server is not known yet. Try again in a moment."),
}

router = APIRouter()
Id = Annotated[int, Path(ge=1, le=LARGEST)]


@router.api_route("/proof", methods=["GET", "HEAD"])
def show_proof(request: Request, done: str = "") -> Response:
    """The latest comparisons, incidents, the chain of receipts, and agents' own wordings."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        said = DONE.get(done)
        return studio_page(
            request,
            "proof.html",
            person,
            "proof",
            done=translate(staff_locale(request), said) if said else "",
            runs=latest_runs(session),
            incidents=open_incidents(session),
            head=head(session),
            habits=_habits(session),
        )


def _habits(session: Session) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for habit in habits(session):
        article = session.get(Article, habit.article_id)
        examples = [
            (deviation, difference(deviation.revision.answer, deviation.sent))
            for deviation in deviations(session, habit.article_id)
        ]
        found.append({"article": article, "habit": habit, "examples": examples})
    return found


@router.api_route("/proof/past", methods=["GET", "HEAD"])
def show_past(
    request: Request,
    q: Annotated[str, Query(max_length=2000)] = "",
    at: Annotated[str, Query(max_length=40)] = "",
    zone: Annotated[str, Query(max_length=64)] = "UTC",
    of: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """A question as of a moment: what would have been said, and what was."""
    services, past, wrong = services_of(request), None, ""
    with reading(services.engine) as session:
        person = editor_of(request, session)
        try:
            moment = instant_of(at, zone)
            if q.strip() and moment:
                past = ask_past(
                    session, services.index, q, services.settings.locales, moment, of or None
                )
        except Invalid as error:
            wrong = translate(staff_locale(request), str(error))
        return studio_page(
            request,
            "proof_past.html",
            person,
            "proof",
            422 if wrong else 200,
            past=past,
            label=LABELS[type(past.judged.outcome)] if past else "",
            wrong=wrong,
            asked={"q": q, "at": at, "zone": zone, "of": of},
            zones=zones(),
        )


@router.api_route("/proof/{run_id}", methods=["GET", "HEAD"])
def show_run(request: Request, run_id: Id) -> Response:
    """One comparison, with everything that differed."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        run = session.get(AuditRun, run_id)
        if run is None:
            raise NotFound("there is no such audit")
        return studio_page(request, "proof_run.html", person, "proof", run=run)


@router.post("/proof/audits", dependencies=[Depends(from_this_site)])
def begin_audit(request: Request) -> Response:
    """Compare all channels now."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session, "publish")
    auditor: Auditor = request.app.state.auditor
    return RedirectResponse(f"/studio/proof?done={auditor.begin_now(person.name)}", 303)
