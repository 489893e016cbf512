"""Many articles at once: choose what, see what will happen to each, watch it happen."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session, col, select

from kb.articles import Article
from kb.bulk import ACTIONS, MOST, BulkJob, Step, begin, plan, progress_of, refused_of
from kb.db import reading, transaction
from kb.errors import NotFound, VerbatimError
from kb.inventory import Filters, find_articles
from kb.people import Person
from kb.settings import LOCALE_NAMES
from web.forms import from_this_site
from web.i18n import _
from web.login import staff_locale
from web.pages import services_of
from web.studio.shell import editor_of, studio_page
from web.studio.wrongs import Note, Wrong, note_of

SHOWN = 200
NAMES = {
    "submit": _("Ask for a review of the drafts"),
    "publish": _("Publish what is approved"),
    "withdraw": _("Withdraw"),
    "change": _("Change the facts"),
}
CONSEQUENCES = {
    "submit": _("A review is asked for."),
    "publish": _("Goes live on every channel."),
    "withdraw": _("Goes silent on every channel."),
    "change": _("Gets a new draft, for somebody else to approve."),
}
REASONS = {
    "is_in_review": _("is in review already"),
    "is_approved": _("is approved already"),
    "is_live": _("is live already"),
    "not_approved": _("is not approved"),
    "not_live": _("is not live"),
    "same": _("is so already"),
    "invalid": _("these facts cannot be saved"),
}
Text = Annotated[str, Form()]
from_here = [Depends(from_this_site)]

router = APIRouter()


@dataclass(frozen=True)
class Wish:
    """What the form says: which articles, what to do, which facts."""

    articles: list[str]
    list_address: str
    action: str
    locale: str
    fields: dict[str, str]

    @property
    def changes(self) -> dict[str, Any]:
        """The facts to change; an empty field changes nothing, a dash empties it. Raises Wrong."""
        given = {name: text.strip() for name, text in self.fields.items() if text.strip()}
        changes: dict[str, Any] = {n: "" if t == "-" else t for n, t in given.items()}
        if "tags" in changes:
            changes["tags"] = [tag.strip() for tag in changes["tags"].split(",") if tag.strip()]
        if "verify_days" in changes:
            changes["verify_days"] = _days(changes["verify_days"])
        return changes


def _days(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= 3650):
        raise Wrong(_("Days are a whole number from 1 to 3650."), "verify_days")
    return int(text)


def wish_of(
    article: Annotated[list[str] | None, Form()] = None,
    matching: Text = "",
    action: Text = "",
    locale: Text = "",
    category: Text = "",
    audience: Text = "",
    owner: Text = "",
    tags: Text = "",
    verify_days: Text = "",
) -> Wish:
    """The form, read."""
    fields = {"category": category, "audience": audience, "owner": owner, "tags": tags}
    return Wish(
        (article or [])[: MOST + 1],
        matching,
        action if action in ACTIONS else "",
        locale if locale in LOCALE_NAMES else "",
        fields | {"verify_days": verify_days},
    )


Wished = Annotated[Wish, Depends(wish_of)]


@router.post("/bulk", dependencies=from_here)
def post_preview(request: Request, wish: Wished) -> Response:
    """What will happen to each article, and what is refused and why; nothing is changed yet."""
    wrong: Note | None = None
    steps: list[Step] = []
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        slugs = _slugs(request, session, wish)
        try:
            steps = _steps(session, wish, slugs, me) if wish.action else []
        except VerbatimError as error:
            wrong = note_of(error)
        return studio_page(
            request,
            "bulk.html",
            me,
            "articles",
            wrong.status if wrong else 200,
            wish=wish,
            slugs=slugs,
            names={name: text for name, text in NAMES.items() if me.may(ACTIONS[name])},
            doable=[step for step in steps if not step.refused],
            refused=[step for step in steps if step.refused],
            consequence=CONSEQUENCES.get(wish.action, ""),
            reasons=REASONS,
            shown=SHOWN,
            wrong=wrong,
        )


@router.post("/bulk/jobs", dependencies=from_here)
def post_job(request: Request, wish: Wished) -> Response:
    """Begin; who comes back later sees how far it is."""
    with transaction(services_of(request).engine) as session:
        me = editor_of(request, session)
        steps = _steps(session, wish, _slugs(request, session, wish), me)
        job = begin(session, wish.action, steps, me, wish.changes)
    return RedirectResponse(f"/studio/bulk/jobs/{job.id}", 303)


@router.api_route("/bulk/jobs/{job_id}", methods=["GET", "HEAD"])
def show_job(request: Request, job_id: int) -> Response:
    """How far it is."""
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        job = session.get(BulkJob, job_id) if job_id < 2**31 else None
        if job is None or not (job.by_id == me.id or me.may("publish")):
            raise NotFound("there is no such job")
        return studio_page(
            request,
            "bulk_job.html",
            me,
            "articles",
            job=job,
            name=NAMES[job.action],
            progress=progress_of(session, job),
            refused=refused_of(session, job),
        )


def _steps(session: Session, wish: Wish, slugs: list[str], me: Person) -> list[Step]:
    if not slugs:
        raise Wrong(_("Tick at least one article first."), "article")
    changes = wish.changes if wish.action == "change" else {}
    if wish.action == "change" and not changes:
        raise Wrong(_("Fill in at least one of the facts."), "changes")
    return plan(session, wish.action, slugs, me, changes, wish.locale)


def _slugs(request: Request, session: Session, wish: Wish) -> list[str]:
    """What was ticked, or everything that the filtered list holds."""
    if not wish.list_address:
        return wish.articles
    asked = {k: v[0][:200] for k, v in parse_qs(urlsplit(wish.list_address).query).items()}
    names = ("q", "state", "category", "audience", "owner", "tag")
    filters = Filters(**{n: asked.get(n, "") for n in names}, locale=asked.get("in", ""))
    ids = find_articles(session, filters, staff_locale(request))[:MOST]
    found = dict(
        session.exec(select(Article.id, Article.slug).where(col(Article.id).in_(ids))).all()
    )
    return [found[id_] for id_ in ids if id_ in found]
