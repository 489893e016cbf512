"""Corrections: marked after a look at whom they concern, then watched until all are told."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Engine
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select
from starlette.datastructures import FormData

from assistant.errata import Erratum, errata_of
from assistant.recall import (
    EMAIL,
    ERASED,
    IN_CHAT,
    LEFT,
    STAFF,
    SUPERSEDED,
    WIDGET,
    Correction,
    Fault,
    correct_answer,
    earlier_versions,
    fault_in,
    reach_of,
    right_in,
)
from assistant.reckoning import (
    FAILED,
    HANDED,
    PAGE,
    SEEN,
    STATES,
    TOLD,
    WAITING,
    everybody_told,
    list_told,
    reckon,
)
from kb.articles import Article, Revision, find_article, get_article, get_revision
from kb.db import now, reading, transaction
from kb.errors import Conflict, NotFound, VerbatimError
from kb.people import Person
from kb.publishing import Publication, publish
from web.csv_files import csv_file
from web.forms import from_this_site
from web.i18n import _
from web.pages import services_of
from web.replies import iso
from web.studio.shell import editor_of, studio_page
from web.studio.times import instant_of, showing, zones
from web.studio.wrongs import Note, Wrong, note_of

HOME = "/studio/corrections"
NEWEST = 20
PER_PAGE = 50
STATE_NAMES = {
    SEEN: _("Seen"),
    TOLD: _("Told, not seen yet"),
    HANDED: _("Letter on its way"),
    WAITING: _("Waits to be told"),
    FAILED: _("Letter could not be delivered"),
    IN_CHAT: _("Seen in the chat, so no letter"),
    SUPERSEDED: _("Told by a later correction"),
    ERASED: _("Conversation deleted before it was told"),
    LEFT: _("Cannot be reached any more"),
}
CHANNEL_NAMES = {WIDGET: _("In the chat"), EMAIL: _("E-mail"), STAFF: _("Agent")}
DONE = {"marked": _("Marked. Everybody who can be reached is being told.")}
COLUMNS = ("channel", "recipient", "name", "state", "queued_at", "told_at", "seen_at")

router = APIRouter()


@dataclass
class Draft:
    """What a publisher has filled in so far; `publishes` is the version that is to go live too."""

    slug: str
    locale: str
    wrong: dict[str, set[int]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    since: str = ""
    zone: str = "UTC"
    publishes: int | None = None
    until: str = ""


@dataclass(frozen=True)
class Choice:
    """A language that may be corrected: what is right, and what was live before."""

    right: Revision
    earlier: list[Publication]
    chosen: set[int]


@router.api_route("/corrections", methods=["GET", "HEAD"])
def show_corrections(
    request: Request, page: Annotated[int, Query(ge=1, le=100_000)] = 1
) -> Response:
    """Every correction and how far it has got, newest first."""
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session, "publish")
        query = select(Correction).order_by(col(Correction.id).desc())
        found = session.exec(query.limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)).all()
        shown = found[:PER_PAGE]
        return studio_page(
            request,
            "corrections.html",
            me,
            "corrections",
            errata=errata_of(session, shown, me.locale or "", None),
            reckonings=reckon(session, [c.id for c in shown if c.id]),
            page_number=page,
            pages=page + (len(found) > PER_PAGE),
        )


@router.api_route("/corrections/new", methods=["GET", "HEAD"])
def show_form(
    request: Request,
    article: str = "",
    locale: str = "",
    publishes: str = "",
    why: str = "",
    until: str = "",
    zone: str = "",
) -> Response:
    """What was wrong and why; without an article, what went live last, to choose from."""
    settings = services_of(request).settings
    number = int(publishes) if publishes.isdecimal() and len(publishes) < 10 else None
    locale = locale if locale in settings.locales else ""
    draft = Draft(article, locale, why={locale: why} if why else {}, publishes=number, until=until)
    draft.zone = zone or settings.desk_timezone
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session, "publish")
        if find_article(session, article) is None:
            return _choosing(request, session, me)
        return _form(request, session, me, draft)


async def posted(request: Request) -> FormData:
    """The form as it was sent; its fields depend on the languages."""
    return await request.form()


@router.post("/corrections/new", dependencies=[Depends(from_this_site)])
def post_correction(request: Request, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Show whom it concerns, or, once that was seen, mark it; nothing typed is lost."""
    services, draft = services_of(request), _draft_of(form)
    step = str(form.get("do", "preview"))
    wrong: Note | None = None
    try:
        if step == "confirm":
            return _confirmed(request, draft)
        if step == "preview":
            return _previewed(request, draft)
    except NotFound:
        raise
    except VerbatimError as error:
        wrong = note_of(error)
    with reading(services.engine) as session:
        me = editor_of(request, session, "publish")
        return _form(request, session, me, draft, wrong, is_sent=True)


def _draft_of(form: FormData) -> Draft:
    def text(name: str) -> str:
        return str(form.get(name, ""))

    draft = Draft(text("article"), text("locale"), since=text("since"), until=text("until"))
    draft.zone = text("zone") or "UTC"
    draft.publishes = int(text("publishes")) if text("publishes").isdecimal() else None
    for value in form.getlist("wrong"):
        code, _sep, number = str(value).partition(":")
        if number.isdecimal() and len(number) < 10:
            draft.wrong.setdefault(code, set()).add(int(number))
    for name in form:
        if name.startswith("why_") and text(name).strip():
            draft.why[name.removeprefix("why_")] = text(name)
    return draft


def _previewed(request: Request, draft: Draft) -> Response:
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session, "publish")
        article = get_article(session, draft.slug)
        faults, since = _faults(session, article, draft), _since(draft)
        if not any(text.strip() for text in draft.why.values()):
            raise Wrong(_("Say in one sentence what was wrong."), "why")
        reach = reach_of(session, article, faults, since)
        return studio_page(
            request,
            "correction_preview.html",
            me,
            "corrections",
            article=article,
            draft=draft,
            faults=faults,
            since=since,
            reach=reach,
        )


def _confirmed(request: Request, draft: Draft) -> Response:
    services = services_of(request)
    with transaction(services.engine) as session:
        me = editor_of(request, session, "publish")
        article = get_article(session, draft.slug)
        faults = _faults(session, article, draft)
        if draft.publishes is not None:
            revision = get_revision(session, article, draft.locale, draft.publishes)
            publish(session, revision, me, None, showing("", draft.until, draft.zone)[1])
        correction = correct_answer(session, article, faults, draft.why, me, _since(draft))
    services.index.bring_level()
    return RedirectResponse(f"{HOME}/{correction.id}?done=marked", 303)


def _faults(session: Session, article: Article, draft: Draft) -> list[Fault]:
    if not draft.wrong:
        raise Wrong(_("Choose at least one version that was wrong."), "wrong")
    return [
        fault_in(session, article, _right(session, article, code, draft), versions)
        for code, versions in draft.wrong.items()
    ]


def _right(session: Session, article: Article, locale: str, draft: Draft) -> Revision:
    """What is live, or goes live with the correction. Raises Conflict."""
    if draft.publishes is None or locale != draft.locale:
        return right_in(session, article, locale)
    revision = get_revision(session, article, locale, draft.publishes)
    if not revision.is_approved:
        raise Conflict(f"version {revision.version} is {revision.state}; have it approved first")
    return revision


def _since(draft: Draft) -> datetime | None:
    return instant_of(draft.since, draft.zone)


def _choosing(request: Request, session: Session, me: Person) -> Response:
    """What went live last in the place of other words."""
    query = (
        select(Publication)
        .join(Revision, col(Revision.id) == Publication.revision_id)
        .where(
            Revision.version > 1,
            Publication.starts_at <= now(),
            col(Publication.ended_at).is_(None),
        )
        .options(joinedload(Publication.revision), joinedload(Publication.article))  # type: ignore[arg-type]
        .order_by(col(Publication.starts_at).desc(), col(Publication.id).desc())
    )
    newest = [p for p in session.exec(query.limit(NEWEST)) if p.is_live(now())]
    return studio_page(request, "correction_choice.html", me, "corrections", newest=newest)


def _form(
    request: Request,
    session: Session,
    me: Person,
    draft: Draft,
    wrong: Note | None = None,
    is_sent: bool = False,
) -> Response:
    settings = services_of(request).settings
    article = get_article(session, draft.slug)
    draft.locale = draft.locale or article.source_locale
    codes = sorted(settings.locales, key=lambda code: code != draft.locale)
    choices = [c for code in codes if (c := _choice(session, article, code, draft, is_sent))]
    if not choices and wrong is None:
        wrong = Note(_("Only one version of this article was ever live, so none replaced it."), 409)
    return studio_page(
        request,
        "correction_form.html",
        me,
        "corrections",
        wrong.status if wrong else 200,
        article=article,
        draft=draft,
        choices=choices,
        codes=codes,
        zones=zones(),
        wrong=wrong,
    )


def _choice(
    session: Session, article: Article, locale: str, draft: Draft, is_sent: bool
) -> Choice | None:
    try:
        right = _right(session, article, locale, draft)
    except VerbatimError:
        return None
    earlier = earlier_versions(session, article, right)
    if not earlier:
        return None
    first = {earlier[0].revision.version} if locale == draft.locale else set()
    return Choice(right, earlier, draft.wrong.get(locale, set()) if is_sent else first)


# -- one correction ------------------------------------------------------------------


@router.get("/corrections/{correction_id}.csv")
def download_told(request: Request, correction_id: int) -> Response:
    """Everybody who was found, for a spreadsheet."""
    engine = services_of(request).engine
    with reading(engine) as session:
        editor_of(request, session, "publish")
        _known(session, correction_id)
    return csv_file(f"correction-{correction_id}.csv", COLUMNS, _rows(engine, correction_id))


def _rows(engine: Engine, correction_id: int) -> Iterator[tuple[object, ...]]:
    with reading(engine) as session:
        for told in everybody_told(session, correction_id):
            target, seen = told.target, told.seen_at
            times = (iso(target.queued_at), iso(target.told_at), iso(seen))
            yield (target.channel, target.recipient, told.name, told.state, *times)


@router.api_route("/corrections/{correction_id}", methods=["GET", "HEAD"])
def show_correction(
    request: Request,
    correction_id: int,
    state: str = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    done: str = "",
) -> Response:
    """What was corrected, who has been told, who has seen it, and who cannot be reached."""
    state = state if state in STATES else ""
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session, "publish")
        erratum = _known(session, correction_id, me.locale or "")
        rows, total = list_told(session, correction_id, state, page)
        by = session.get(Person, erratum.correction.by_id)
        return studio_page(
            request,
            "correction.html",
            me,
            "corrections",
            erratum=erratum,
            by=by.name if by else "",
            reckoning=reckon(session, [correction_id])[correction_id],
            rows=rows,
            total=total,
            page_number=page,
            pages=max(-(-total // PAGE), 1),
            state=state,
            state_names=STATE_NAMES,
            channel_names=CHANNEL_NAMES,
            done=DONE.get(done, ""),
        )


def _known(session: Session, correction_id: int, locale: str = "") -> Erratum:
    found = session.get(Correction, correction_id) if 0 < correction_id < 2**31 else None
    if found is None:
        raise NotFound("there is no such correction")
    return errata_of(session, [found], locale, None)[0]
