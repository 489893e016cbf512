"""One article: its languages, its facts, every version, and what changed between two."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from kb.articles import Article, get_article, get_revision
from kb.db import now, reading, transaction
from kb.differences import Piece, difference
from kb.inventory import rows_of
from kb.publishing import restore
from kb.verification import may_verify
from kb.versions import Version, changed_fields, list_versions
from kb.working_copies import others_at
from web.article_pages import VERSION, Slug
from web.forms import from_this_site
from web.i18n import _
from web.pages import services_of
from web.studio.articles import ROOM, words_of_states
from web.studio.shell import editor_of, studio_page

DONE = {
    "restored": _("The old words are a new draft. Readers see them once they are approved."),
    "saved": _("Saved as a draft."),
    "submitted": _("Sent for review."),
    "verified": _("Marked as still right."),
    "undone": _("Taken back."),
}
FIELD_NAMES = {
    "title": _("Title"),
    "answer": _("Answer"),
    "body": _("The long form"),
    "phrasings": _("Customers’ words"),
    "category": _("Category"),
    "audience": _("For whom"),
    "owner": _("Owner"),
    "tags": _("Tags"),
    "verify_days": _("Looked at again every … days"),
}
VERDICT_NAMES = {
    "submitted": _("sent for review"),
    "approved": _("approved"),
    "adopted": _("approved before it was imported"),
    "changes_requested": _("changes requested"),
}

router = APIRouter()


@dataclass(frozen=True)
class Comparison:
    """What changed between two versions, field by field."""

    before: int
    after: int
    fields: dict[str, tuple[Piece, ...]]


@router.api_route("/articles/{slug}", methods=["GET", "HEAD"])
def show_article(
    request: Request, slug: Slug, before: str = "", after: str = "", done: str = "", undo: str = ""
) -> Response:
    """Everything about one article; `?in=` chooses the language whose versions are listed."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        article = get_article(session, slug)
        assert article.id is not None
        row = rows_of(session, [article.id], article.source_locale)[0]
        codes = [place.locale for place in row.places]
        wanted = request.query_params.get("in", "")
        chosen = wanted if wanted in codes else codes[0]
        place = next(place for place in row.places if place.locale == chosen)
        versions = list_versions(session, article, chosen)
        live = get_revision(session, article, chosen, place.live) if place.live else None
        return studio_page(
            request,
            "articles/article.html",
            person,
            ROOM,
            done=DONE.get(done, ""),
            row=row,
            chosen=chosen,
            place=place,
            live=live,
            may_verify=live is not None and may_verify(session, live, person),
            undo=undo if done == "verified" else "",
            missing=[c for c in services_of(request).settings.locales if c not in codes],
            versions=versions,
            comparison=_compared(session, article, chosen, versions, before, after),
            others=others_at(session, article.id, chosen, person),
            at=now(),
            field_names=FIELD_NAMES,
            verdict_names=VERDICT_NAMES,
            **words_of_states(),
        )


def _compared(
    session: Session,
    article: Article,
    locale: str,
    versions: list[Version],
    before: str,
    after: str,
) -> Comparison | None:
    """Between the two that were asked for, else between the newest and the one before it."""
    numbers = {version.number for version in versions}
    pair = [int(n) for n in (before, after) if VERSION.fullmatch(n) and int(n) in numbers]
    if len(pair) < 2:
        pair = sorted(numbers)[-2:]
    if len(pair) < 2:
        return None
    old, new = (get_revision(session, article, locale, n).wording for n in pair)
    fields = {name: difference(*texts) for name, texts in changed_fields(old, new).items()}
    return Comparison(pair[0], pair[1], fields)


@router.post("/articles/{slug}/restorations", dependencies=[Depends(from_this_site)])
def post_restoration(
    request: Request,
    slug: Slug,
    locale: Annotated[str, Form()],
    version: Annotated[int, Form()],
) -> Response:
    """An old version's words as a new draft; nothing changes for readers."""
    with transaction(services_of(request).engine) as session:
        person = editor_of(request, session)
        restore(session, get_revision(session, get_article(session, slug), locale, version), person)
    return RedirectResponse(f"/studio/articles/{slug}?in={locale}&done=restored", 303)
