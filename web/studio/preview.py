"""What is being written, as each channel would show it: drawn by the channels' own templates."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from kb.articles import Revision, answer_digest
from kb.markdown import plain, render
from web.article_pages import chapters
from web.guards import POLICY
from web.pages import page, services_of
from web.studio.typed import Typed

CHANNELS = ("help_site", "widget", "sidebar", "plain")
# Only the studio may put a preview into a frame.
FRAMED_POLICY = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
FRAMED = {"Content-Security-Policy": FRAMED_POLICY}


def preview(
    request: Request, channel: str, typed: Typed, locale: str, slug: str, version: int
) -> Response:
    """A whole page for a frame of the editor."""
    revision = _revision(typed, locale, version)
    if channel == "help_site":
        shown = _help_site(request, revision, slug)
    else:
        base = services_of(request).settings.base_url
        shown = page(
            request,
            f"studio/articles/preview_{channel}.html",
            locale,
            revision=revision,
            slug=slug,
            html=render(revision.answer, base),
            text=plain(revision.answer),
        )
    shown.headers.update(FRAMED | {"Cache-Control": "no-store"})
    return shown


def _help_site(request: Request, revision: Any, slug: str) -> Response:
    """The very page of the help site."""
    publication = SimpleNamespace(starts_at=datetime.now(UTC))
    return page(
        request,
        "article.html",
        revision.locale,
        publication=publication,
        revision=revision,
        slug=slug,
        chapters=chapters(revision.body),
        related=[],
        thanks=False,
        canonical=f"/{revision.locale}/articles/{slug}",
    )


def _revision(typed: Typed, locale: str, version: int) -> Revision:
    """A Revision that is in no store."""
    answer = typed.answer.strip()
    return Revision(
        article_id=0,
        locale=locale,
        version=version,
        title=typed.title.strip(),
        answer=answer,
        body=typed.body.strip(),
        category=typed.category.strip() or "general",
        audience=typed.audience,
        owner=typed.owner,
        sha256="",
        answer_sha256=answer_digest(answer),
        author_id=0,
    )
