"""The public help site: home, categories, search. Articles and records have their own rooms."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from assistant.answering import Reply, ask
from assistant.changes import list_changes
from assistant.understanding import clean
from kb.db import reading
from kb.errors import Invalid, NotFound
from kb.notices import Subject
from web import article_pages, assets, correction_pages, feeds, records
from web.banners import dismissal
from web.contents import contents_of
from web.forms import from_this_site
from web.i18n import preferred_locale
from web.login import own_path
from web.pages import known_locale, page, services_of
from web.replies import subjects_of
from web.results import list_results, list_suggestions

CHANNEL = "help_site"
CONTACT = "contact"
# On one page of what was changed.
CHANGES = 30

Locale = Annotated[str, Depends(known_locale)]

router = APIRouter(include_in_schema=False)
router.include_router(assets.router)
router.include_router(records.router)


@router.api_route("/", methods=["GET", "HEAD"])
def front_door(request: Request) -> RedirectResponse:
    """To the home page in the reader's language."""
    accepted = request.headers.get("accept-language", "")
    locale = preferred_locale(accepted, services_of(request).settings.locales)
    return RedirectResponse(f"/{locale}/", 302, {"Vary": "Accept-Language"})


router.include_router(feeds.router)


@router.api_route("/{locale}/", methods=["GET", "HEAD"])
def home(request: Request, locale: Locale) -> HTMLResponse:
    """Search first, then every category."""
    services = services_of(request)
    with reading(services.engine) as session:
        categories = contents_of(request, session).categories(locale, services.settings.locales)
    return page(request, "home.html", locale, categories=categories)


@router.api_route("/{locale}", methods=["GET", "HEAD"])
def home_without_its_slash(locale: Locale) -> RedirectResponse:
    """To the home page; what is no language is not found at once, without a detour."""
    return RedirectResponse(f"/{locale}/")


@router.post("/{locale}/notices/{notice_id}/dismissal", dependencies=[Depends(from_this_site)])
def dismiss(
    request: Request, locale: Locale, notice_id: int, next: Annotated[str, Form()] = ""
) -> Response:
    """A reader has seen this announcement, and wants to see it no more."""
    return dismissal(request, notice_id, own_path(next, f"/{locale}/"))


@router.api_route("/{locale}/changes", methods=["GET", "HEAD"])
def show_changes(request: Request, locale: Locale, before: int | None = None) -> HTMLResponse:
    """What was improved because somebody said something, newest first."""
    locales = services_of(request).settings.locales
    with reading(services_of(request).engine) as session:
        found = list_changes(session, locale, CHANGES + 1, before)
        entries = [
            (change, contents_of(request, session).best(change.article_id, locale, locales))
            for change, _slug in found[:CHANGES]
        ]
    return page(
        request,
        "changes.html",
        locale,
        changes=[(change, entry) for change, entry in entries if entry],
        more=found[CHANGES - 1][0].id if len(found) > CHANGES else None,
        alternates={code: f"/{code}/changes" for code in locales},
    )


@router.api_route("/{locale}/categories/{category}", methods=["GET", "HEAD"])
def show_category(request: Request, locale: Locale, category: str) -> HTMLResponse:
    """The articles of a category."""
    locales = services_of(request).settings.locales
    with reading(services_of(request).engine) as session:
        found = contents_of(request, session).category(category, locale, locales)
    if found is None:
        raise NotFound("there is no such category")
    elsewhere = {code: f"/{code}/categories/{found.name}" for code in locales}
    about = [Subject(found.name)]
    return page(request, "category.html", locale, category=found, alternates=elsewhere, about=about)


@router.api_route("/{locale}/search", methods=["GET", "HEAD"])
def search(request: Request, locale: Locale, q: str = "") -> HTMLResponse:
    """The instant answer, a choice or an honest no; what else was found below."""
    services = services_of(request)
    locales = services.settings.locales
    reply: Reply | None = None
    problem, results = "", []
    with reading(services.engine) as session:
        contents = contents_of(request, session)
        try:
            reply = ask(session, services.index, q, locales, locale, CHANNEL)
            results = list_results(request, session, reply, contents)
            session.commit()
        except Invalid:
            problem = "too_long" if clean(q) else "empty"
        return page(
            request,
            "search.html",
            locale,
            400 if problem == "too_long" else 200,
            query=clean(q),
            reply=reply,
            results=results,
            problem=problem,
            contact=contents.category(CONTACT, locale, locales),
            about=subjects_of(reply.outcome) if reply else [],
            alternates={code: f"/{code}/search?{urlencode({'q': q})}" for code in locales},
        )


@router.get("/{locale}/suggest")
def suggest(request: Request, locale: Locale, q: str = "") -> Response:
    """Up to six articles for what has been typed so far, as a fragment of a page."""
    with reading(services_of(request).engine) as session:
        contents = contents_of(request, session)
        entries = list_suggestions(request, session, contents, q, locale)
    return page(request, "suggest.html", locale, entries=entries, query=q)


router.include_router(correction_pages.pages)
router.include_router(article_pages.router)
