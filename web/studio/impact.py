"""What publishing a revision would change: asked for, watched, read, and signed by publishing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlmodel import Session

from assistant.impact import DAYS, Difference, Kind
from assistant.impact_runs import (
    ImpactRun,
    is_stale,
    latest_run,
    signed_impact,
    start_run,
)
from kb.articles import Revision, get_article, get_revision
from kb.db import reading, transaction
from kb.errors import Conflict, Invalid
from kb.publishing import live_publication, publish
from web.i18n import _
from web.login import PRIVATE
from web.pages import services_of
from web.studio.revisions import (
    NOTHING,
    PLACE,
    At,
    Place,
    Text,
    contradicting,
    from_here,
    outcome_of,
    publication_times,
)
from web.studio.shell import editor_of, studio_page
from web.studio.times import zones
from web.studio.wrongs import Note, note_of

# Differences of a kind on the first page, and on a page of that kind alone.
FIRST, PER_PAGE = 10, 100
KINDS = {
    Kind.lost: (_("Lost"), _("Answered today, and no longer answered afterwards.")),
    Kind.changed: (_("Another article"), _("Answered afterwards by another article.")),
    Kind.gained: (_("Gained"), _("Not answered today, and answered afterwards.")),
    Kind.asked_back: (
        _("Asked back differently"),
        _("Not answered before or afterwards, but other articles are offered."),
    ),
    Kind.words: (_("New words"), _("Answered by the same article, in its new words.")),
}
STEPS = {
    "waiting": _("Waiting for another replay to finish"),
    "reading": _("Reading the questions"),
    "asking": _("Asking the questions"),
}
DONE = {
    "published": _("Published, and signed with what you saw: it is on every channel now."),
    "scheduled": _("Signed with what you saw: it goes live by itself at that time."),
}
MOVED = _(
    "Nothing was published: the store has changed since you looked. "
    "Replay the questions and look again."
)
IMPACT = f"{PLACE}/impact"

router = APIRouter()


@dataclass(frozen=True)
class Group:
    """Differences of one kind: how many questions that were, and those that are shown."""

    kind: Kind
    label: str
    text: str
    asked: int
    total: int
    shown: list[Difference]


@router.api_route(IMPACT, methods=["GET", "HEAD"])
def show_impact(
    request: Request, at: At, kind: str = "", readers: str = "", page: int = 1, done: str = ""
) -> Response:
    """The last replay: how far it is, or what it found."""
    return _page(request, at, kind=kind, readers=readers, number=page, done=DONE.get(done, ""))


@router.api_route(f"{IMPACT}/progress", methods=["GET", "HEAD"])
def show_progress(request: Request, at: At) -> Response:
    """How far the replay is, for the page that waits for it."""
    with reading(services_of(request).engine) as session:
        editor_of(request, session, "publish")
        run = latest_run(session, _revision(session, at))
    found = {"state": run.state, "done": run.done, "total": run.total} if run else {"state": ""}
    return JSONResponse(found, headers=PRIVATE)


@router.post(IMPACT, dependencies=from_here)
def post_replay(request: Request, at: At) -> Response:
    """Replay the questions."""
    services = services_of(request)
    with reading(services.engine) as session:
        me = editor_of(request, session, "publish")
        revision = _revision(session, at)
    start_run(services.engine, services.index, services.settings.locales, revision, me)
    return RedirectResponse(f"{at.path}/impact", 303)


@router.post(f"{IMPACT}/publication", dependencies=from_here)
def post_publication(
    request: Request,
    at: At,
    run: Text = "",
    when: Text = "now",
    starts: Text = "",
    until: Text = "",
    zone: Text = "UTC",
) -> Response:
    """Publish now or at a time, signed with what was seen."""
    typed = {"when": when, "starts": starts, "until": until, "zone": zone}
    services = services_of(request)
    if refused := contradicting(request, at):
        return refused
    try:
        with transaction(services.engine) as session:
            me = editor_of(request, session, "publish")
            revision = _revision(session, at)
            times = publication_times(when, starts, until, zone)
            signed = signed_impact(session, revision, run)
            done = outcome_of(publish(session, revision, me, *times, impact=signed))
    except Conflict:
        return _page(request, at, wrong=Note(MOVED, 409), typed=typed)
    except Invalid as error:
        return _page(request, at, wrong=note_of(error), typed=typed)
    services.index.bring_level()
    return RedirectResponse(f"{at.path}/impact?done={done}", 303)


def _revision(session: Session, at: Place) -> Revision:
    return get_revision(session, get_article(session, at.slug), at.locale, at.version)


def _page(
    request: Request,
    at: Place,
    kind: str = "",
    readers: str = "",
    number: int = 1,
    done: str = "",
    wrong: Note | None = None,
    typed: Mapping[str, str] = NOTHING,
) -> Response:
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session, "publish")
        revision = _revision(session, at)
        run = latest_run(session, revision)
        live = live_publication(session, revision.article_id, revision.locale)
        chosen = Kind(kind) if kind in KINDS else None
        return studio_page(
            request,
            "impact.html",
            me,
            "articles",
            wrong.status if wrong else 200,
            at=at,
            revision=revision,
            run=run,
            days=DAYS,
            is_live=live is not None and live.revision_id == revision.id,
            is_stale=run is not None and is_stale(session, run),
            step=_step_of(run),
            kind=chosen,
            done=done,
            wrong=wrong.text if wrong else "",
            typed=typed,
            zones=zones(),
            zone=services_of(request).settings.desk_timezone,
            **_differences(run, chosen, readers, max(number, 1)),
        )


def _step_of(run: ImpactRun | None) -> str:
    word = run.step.split(" ")[0] if run else ""
    return STEPS.get(word, _("Laying out the store as it would be"))


def _differences(
    run: ImpactRun | None, kind: Kind | None, readers: str, number: int
) -> dict[str, Any]:
    """What the page shows of a run's differences, for readers of one language or of all."""
    whole = run.found() if run and run.state == "finished" else []
    spoken = sorted({d.question.locale for d in whole})
    readers = readers if readers in spoken else ""
    found = [d for d in whole if readers in ("", d.question.locale)]
    pages = max(-(-sum(d.kind is kind for d in found) // PER_PAGE), 1)
    number = min(number, pages)
    groups = [_group(k, found, kind, number) for k in KINDS if kind in (None, k)]
    return {
        "groups": [group for group in groups if group.total],
        "asked": {k.value: sum(d.question.count for d in found if d.kind is k) for k in KINDS},
        "labels": {k.value: label for k, (label, _text) in KINDS.items()},
        "spoken": spoken,
        "readers": readers,
        "page_number": number,
        "pages": pages,
    }


def _group(kind: Kind, found: list[Difference], chosen: Kind | None, number: int) -> Group:
    of_kind = [d for d in found if d.kind is kind]
    first = (number - 1) * PER_PAGE if chosen else 0
    shown = of_kind[first : first + (PER_PAGE if chosen else FIRST)]
    label, text = KINDS[kind]
    return Group(kind, label, text, sum(d.question.count for d in of_kind), len(of_kind), shown)
