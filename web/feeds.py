"""What machines read: sitemap, robots.txt, the Atom feed of changes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from kb.db import reading
from web.contents import contents_of
from web.pages import environment, known_locale, services_of

FEED_LENGTH = 50

router = APIRouter(include_in_schema=False)


@router.api_route("/robots.txt", methods=["GET", "HEAD"])
def robots(request: Request) -> PlainTextResponse:
    """Articles are for everyone; searches and receipts are nobody's to index."""
    settings = services_of(request).settings
    closed = [f"Disallow: /{code}/search" for code in settings.locales]
    lines = ["User-agent: *", *closed, "Disallow: /receipts/", "Disallow: /api/"]
    return PlainTextResponse("\n".join([*lines, "", f"Sitemap: {settings.base_url}/sitemap.xml\n"]))


@router.api_route("/sitemap.xml", methods=["GET", "HEAD"])
def sitemap(request: Request) -> Response:
    """Every page worth finding, with its addresses in the other languages."""
    services = services_of(request)
    with reading(services.engine) as session:
        contents = contents_of(request, session)
    locales = services.settings.locales
    names = {code: [c.name for c in contents.categories(code, locales)] for code in locales}
    xml = (
        environment(locales[0])
        .get_template("sitemap.xml")
        .render(
            base_url=services.settings.base_url,
            locales=locales,
            categories=names,
            articles=contents.articles.values(),
        )
    )
    return Response(xml, media_type="application/xml")


@router.api_route("/{locale}/feed.xml", methods=["GET", "HEAD"])
def feed(request: Request, locale: Annotated[str, Depends(known_locale)]) -> Response:
    """The newest publications in a language."""
    services = services_of(request)
    with reading(services.engine) as session:
        entries = contents_of(request, session).written_in(locale)
    newest = sorted(entries, key=lambda e: (e.published_at, e.slug), reverse=True)[:FEED_LENGTH]
    xml = (
        environment(locale)
        .get_template("feed.xml")
        .render(
            base_url=services.settings.base_url,
            site_name=services.settings.site_name,
            entries=newest,
        )
    )
    return Response(xml, media_type="application/atom+xml")
