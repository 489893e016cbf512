"""What was corrected, for everybody: a page of all, a page of each, and the list as JSON."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from assistant.errata import Erratum, get_erratum, list_errata
from assistant.telling import note_opened
from kb.db import reading, transaction
from kb.errors import Invalid, NotFound
from kb.markdown import render
from web import shapes
from web.api import Limit, Locale, Opened
from web.openapi import gives
from web.pages import known_locale, page, services_of
from web.replies import iso
from web.services import Services

ON_A_PAGE = 30
NEWEST = 2**31 - 1

pages = APIRouter(include_in_schema=False)
router = APIRouter(prefix="/api/v1")


@pages.api_route("/{locale}/corrections", methods=["GET", "HEAD"])
def show_corrections(
    request: Request,
    locale: Annotated[str, Depends(known_locale)],
    before: Annotated[int | None, Query(ge=1, le=NEWEST)] = None,
) -> HTMLResponse:
    """Every answer that was wrong, the latest correction first."""
    services = services_of(request)
    with reading(services.engine) as session:
        errata = list_errata(session, locale, ON_A_PAGE, before)
        elsewhere = {code: f"/{code}/corrections" for code in services.settings.locales}
        return page(request, "corrections.html", locale, errata=errata, alternates=elsewhere)


@pages.api_route("/{locale}/corrections/{correction_id}", methods=["GET", "HEAD"])
def show_correction(
    request: Request,
    locale: Annotated[str, Depends(known_locale)],
    correction_id: int,
    told: str = "",
) -> HTMLResponse:
    """One of them; `told` comes from a letter, whose reader has then seen it."""
    services = services_of(request)
    if not 0 < correction_id <= NEWEST:
        raise NotFound("there is no such correction")
    knows = False
    if told and request.method == "GET" and len(told) <= 64:
        with transaction(services.engine) as session:
            knows = note_opened(session, correction_id, told)
    with reading(services.engine) as session:
        erratum = get_erratum(session, correction_id, locale, for_anybody=not knows)
        elsewhere = {
            code: f"/{code}/corrections/{correction_id}" for code in services.settings.locales
        }
        return page(request, "correction.html", locale, erratum=erratum, alternates=elsewhere)


@router.get(
    "/corrections",
    tags=["articles"],
    summary="Answers that were wrong",
    **gives(shapes.CorrectionList, "corrections"),
)
def list_corrections(
    services: Opened,
    locale: Locale = None,
    limit: Limit = 50,
    after: Annotated[str, Query(max_length=20, description="`next` of the page before")] = "",
) -> dict[str, Any]:
    """What was said, what is right, and why; the latest correction first."""
    settings = services.settings
    if locale is not None and locale not in settings.locales:
        raise Invalid(
            f"unknown locale {locale!r}; choose from {', '.join(settings.locales)}", "locale"
        )
    if after and not (after.isdecimal() and after.isascii() and int(after) <= NEWEST):
        raise Invalid("after is `next` of the page before", "after")
    with reading(services.engine) as session:
        before = int(after) if after else None
        found = list_errata(session, locale or settings.fallback_locale, limit, before)
        return {
            "items": [correction_json(services, erratum) for erratum in found.items],
            "total": found.total,
            "next": str(found.next) if found.next else None,
        }


def correction_json(services: Services, erratum: Erratum) -> dict[str, Any]:
    """One correction in one language."""
    base, right = services.settings.base_url, erratum.right
    article = f"{base}/{right.locale}/articles/{erratum.article.slug}"

    def words(revision: Any) -> dict[str, Any]:
        return {
            "version": revision.version,
            "text": revision.answer,
            "html": render(revision.answer, base),
            "sha256": revision.answer_sha256,
            "url": f"{article}/versions/{revision.version}",
        }

    return {
        "id": erratum.correction.id,
        "article": erratum.article.slug,
        "locale": right.locale,
        "title": right.title,
        "url": article,
        "corrected_at": iso(erratum.correction.at),
        "wrong_since": iso(erratum.correction.since),
        "why": erratum.why,
        "wrong": [words(revision) for revision in erratum.wrong],
        "right": words(right),
    }
