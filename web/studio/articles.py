"""The list of all articles: search, filters, pages, and the same as a table to take away."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from io import StringIO
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from kb.db import reading
from kb.inventory import (
    PER_PAGE,
    SORTS,
    STATES,
    Choices,
    Filters,
    Place,
    Row,
    choices,
    every_row,
    find_articles,
    ids_of,
    rows_of,
)
from kb.settings import LOCALE_NAMES
from web.i18n import _, audience_name, category_name, language_name, translate
from web.login import staff_locale
from web.pages import services_of
from web.replies import iso
from web.studio.shell import editor_of, studio_page

ROOM = "articles"
STATE_NAMES = {
    "live": _("Live"),
    "draft": _("Draft"),
    "in_review": _("In review"),
    "approved": _("Approved, not published"),
    "scheduled": _("Scheduled"),
    "withdrawn": _("Withdrawn"),
    "outdated": _("Translation outdated"),
}
STATE_ICONS = {
    "live": "eye",
    "draft": "pencil",
    "in_review": "clipboard-check",
    "approved": "badge-check",
    "scheduled": "clock",
    "withdrawn": "eye-off",
    "outdated": "languages",
}
# Tabs above the list; other states follow from them.
TABS = {
    "": _("All"),
    "live": _("Live"),
    "draft": _("Drafts"),
    "in_review": _("In review"),
    "withdrawn": _("Withdrawn"),
    "outdated": _("Translation outdated"),
}
SORT_NAMES = {
    "changed": _("Changed last"),
    "title": _("Title"),
    "slug": _("Address"),
    "category": _("Category"),
}
LONGEST_QUERY = 200
# A spreadsheet takes what begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BOM = "\ufeff"

router = APIRouter()


@dataclass(frozen=True)
class Listing:
    """What was asked of the list, and the addresses around it."""

    filters: Filters
    page: int

    def address(self, **changes: str) -> str:
        """The list with other filters, from its first page."""
        return self._path("/studio/articles", replace(self.filters, **changes))

    def page_address(self, number: int) -> str:
        """Another page of this list."""
        return self._path("/studio/articles", self.filters, page=str(number))

    @property
    def export(self) -> str:
        """The whole list as CSV."""
        return self._path("/studio/articles.csv", self.filters)

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return replace(self.filters, sort="changed") != Filters()

    def _path(self, path: str, filters: Filters, **more: str) -> str:
        asked = {f.name: getattr(filters, f.name) for f in fields(filters)} | more
        kept = {k: v for k, v in asked.items() if v and (k, v) != ("sort", "changed")}
        # The language of the page has this name; the one to filter by has another.
        if "locale" in kept:
            kept["in"] = kept.pop("locale")
        return f"{path}?{urlencode(kept)}" if kept else path


def _listing(
    q: str = "",
    state: str = "",
    category: str = "",
    audience: str = "",
    owner: str = "",
    tag: str = "",
    locale: Annotated[str, Query(alias="in")] = "",
    sort: str = "changed",
    page: str = "1",
) -> Listing:
    """What the address asks for; what makes no sense is left out."""

    def clean(text: str) -> str:
        return text.replace("\0", "")[:LONGEST_QUERY]

    return Listing(
        Filters(
            q=clean(q),
            state=state if state in STATES else "",
            category=clean(category),
            audience=clean(audience),
            owner=clean(owner),
            tag=clean(tag),
            locale=locale if locale in LOCALE_NAMES else "",
            sort=sort if sort in SORTS else "changed",
        ),
        int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )


Asked = Annotated[Listing, Depends(_listing)]


@router.api_route("/articles", methods=["GET", "HEAD"])
def show_list(request: Request, asked: Asked, done: str = "") -> Response:
    """A page of the articles that the filters leave."""
    reader = staff_locale(request)
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        ids = find_articles(session, asked.filters, reader)
        pages = max(1, -(-len(ids) // PER_PAGE))
        number = min(max(1, asked.page), pages)
        shown = ids[(number - 1) * PER_PAGE : number * PER_PAGE]
        return studio_page(
            request,
            "articles/list.html",
            person,
            ROOM,
            asked=asked,
            rows=rows_of(session, shown, asked.filters.locale or reader),
            total=len(ids),
            page_number=number,
            pages=pages,
            pairs=_pairs(choices(session), reader, services_of(request).settings.locales),
            tabs=TABS,
            sorts=SORT_NAMES,
            **words_of_states(),
        )


def _pairs(found: Choices, reader: str, locales: list[str]) -> dict[str, list[tuple[str, str]]]:
    """What there is to filter by, and how it is called."""
    return {
        "categories": [(name, category_name(name, reader)) for name in found.categories],
        "audiences": [(name, audience_name(name, reader)) for name in found.audiences],
        "owners": [(name, name) for name in found.owners],
        "tags": [(name, name) for name in found.tags],
        "locales": [(code, language_name(code, reader)) for code in locales],
    }


@router.get("/articles.csv")
def export_list(
    request: Request, asked: Asked, article: Annotated[list[str] | None, Query()] = None
) -> Response:
    """The filtered list, or the articles that were ticked in it, one line a language."""
    reader = staff_locale(request)
    with reading(services_of(request).engine) as session:
        editor_of(request, session)
        chosen = article or []
        ids = ids_of(session, chosen) if chosen else find_articles(session, asked.filters, reader)
        rows = every_row(session, ids, asked.filters.locale or reader)
        text = "".join(_lines(rows, reader))
    named = {"Content-Disposition": 'attachment; filename="articles.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=named)


COLUMNS = (
    "article",
    "locale",
    "title",
    "state",
    "live_version",
    "newest_version",
    "category",
    "audience",
    "owner",
    "tags",
    "changed_at",
)


def _lines(rows: Iterator[Row], locale: str) -> Iterator[str]:
    # Excel reads UTF-8 only where the file says so.
    yield BOM + _line(COLUMNS)
    for row in rows:
        yield from (_line(_cells(row, place, locale)) for place in row.places)


def _cells(row: Row, place: Place, locale: str) -> tuple[object, ...]:
    states = "; ".join(translate(locale, STATE_NAMES[state]) for state in place.states)
    about = (place.category, place.audience, place.owner, "; ".join(place.tags))
    versions = (place.live or "", place.newest)
    return (row.slug, place.locale, place.title, states, *versions, *about, iso(place.changed_at))


def _line(cells: tuple[object, ...]) -> str:
    written = StringIO()
    csv.writer(written).writerow([_harmless(str(cell)) for cell in cells])
    return written.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def words_of_states() -> dict[str, Any]:
    """What templates need to draw states."""
    return {"state_names": STATE_NAMES, "state_icons": STATE_ICONS}
