"""An article as it is live, every version that ever was, and what readers think of it."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import or_
from sqlalchemy.orm import selectinload
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from assistant.feedback import give_feedback
from assistant.recall import Corrections
from kb.articles import SLUG, find_article
from kb.audiences import PUBLIC, visible_to
from kb.catalogue import live_in, published_version
from kb.db import now, reading, transaction
from kb.errors import NotFound
from kb.markdown import Section, sections
from kb.notices import Subject
from kb.publishing import Publication
from web.contents import contents_of
from web.forms import from_this_site
from web.pages import known_locale, page, services_of
from web.results import list_nearest

VERSION = re.compile(r"[1-9][0-9]{0,8}")
# Headings from which a table of contents earns its place.
CONTENTS_FROM = 3
CHANNEL = "help_site"


def known_slug(slug: str) -> str:
    """The slug in the address. Raises NotFound for what no article can be called."""
    if not SLUG.fullmatch(slug):
        raise NotFound("there is no such article")
    return slug


Locale = Annotated[str, Depends(known_locale)]
Slug = Annotated[str, Depends(known_slug)]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Chapter:
    """A heading of the body, for the table of contents."""

    title: str
    anchor: str
    depth: int


@router.api_route("/{locale}/articles/{slug}", methods=["GET", "HEAD"])
def show_article(request: Request, locale: Locale, slug: Slug, thanks: str = "") -> HTMLResponse:
    """The answer first, then what stands behind it."""
    locales = services_of(request).settings.locales
    with reading(services_of(request).engine) as session:
        versions = public_versions(session, slug)
        if not versions:
            raise NotFound("there is no such article")
        try:
            shown = live_in(session, slug, locale, locales, visible_to(PUBLIC))
        except NotFound:
            return page(request, "gone.html", locale, 410)
        contents = contents_of(request, session)
        return page(
            request,
            "article.html",
            locale,
            publication=shown,
            revision=shown.revision,
            slug=slug,
            chapters=chapters(shown.revision.body),
            related=list_nearest(request, session, contents, shown, locale),
            thanks=bool(thanks),
            about=[Subject(shown.revision.category, slug)],
            alternates={code: f"/{code}/articles/{slug}" for code in locales},
            translated={c: e.path for c, e in contents.translations(shown.article_id).items()},
            canonical=f"/{shown.locale}/articles/{slug}",
        )


@router.post("/{locale}/articles/{slug}/feedback", dependencies=[Depends(from_this_site)])
def post_feedback(
    request: Request,
    locale: Locale,
    slug: Slug,
    helped: Annotated[Literal["yes", "no"], Form()],
    comment: Annotated[str, Form()] = "",
) -> RedirectResponse:
    """Keep what a reader thinks, thank them, stay on the page."""
    services = services_of(request)
    with transaction(services.engine) as session:
        shown = live_in(session, slug, locale, services.settings.locales, visible_to(PUBLIC))
        give_feedback(session, shown, CHANNEL, helped == "yes", comment)
    return RedirectResponse(f"/{locale}/articles/{slug}?thanks={helped}#feedback", 303)


@router.api_route("/{locale}/articles/{slug}/versions/{version}", methods=["GET", "HEAD"])
def show_version(request: Request, locale: Locale, slug: Slug, version: str) -> HTMLResponse:
    """One version's lasting address, live or not, if the public ever saw it."""
    if not VERSION.fullmatch(version):
        raise NotFound("there is no such version")
    with reading(services_of(request).engine) as session:
        revision = published_version(session, slug, locale, int(version), visible_to(PUBLIC))
        return page(
            request,
            "version.html",
            locale,
            revision=revision,
            slug=slug,
            live=_live_here(session, slug, locale),
            corrected=Corrections(session, [revision.id]).of(revision.id),
            versions=public_versions(session, slug).get(locale, []),
        )


def chapters(body: str) -> list[Chapter]:
    """The body's upper two levels of headings, when there are enough to want a list."""
    found = [_chapter(section) for section in sections(body) if section.headings]
    upper = [chapter for chapter in found if chapter.depth <= 2]
    return upper if len(upper) >= CONTENTS_FROM else []


def _chapter(section: Section) -> Chapter:
    return Chapter(section.headings[-1], section.anchor, len(section.headings))


def _live_here(session: Session, slug: str, locale: str) -> Publication | None:
    """What the public reads of an article in exactly that language."""
    try:
        shown = live_in(session, slug, locale, [], visible_to(PUBLIC))
    except NotFound:
        return None
    return shown if shown.locale == locale else None


def public_versions(session: Session, slug: str) -> dict[str, list[int]]:
    """By language, the versions that the public can or once could read, newest first."""
    article = find_article(session, slug)
    if article is None:
        return {}
    versions: dict[str, set[int]] = {}
    for publication in session.exec(_ever_public(article.id)):
        versions.setdefault(publication.locale, set()).add(publication.revision.version)
    return {locale: sorted(numbers, reverse=True) for locale, numbers in versions.items()}


def _ever_public(article_id: int | None) -> SelectOfScalar[Publication]:
    counted = or_(
        col(Publication.ended_at).is_(None), col(Publication.ended_at) > Publication.starts_at
    )
    return (
        select(Publication)
        .where(Publication.article_id == article_id, Publication.audience == PUBLIC)
        .where(Publication.starts_at <= now(), counted)
        .options(selectinload(Publication.revision))  # type: ignore[arg-type]
    )
