"""Insights in the studio: what customers asked in a stretch of time, drawn and in tables."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlmodel import Session, col, select

from assistant.gaps import PERIODS
from assistant.insights import Insights, insights
from assistant.spans import DAY, Span
from kb.articles import Article
from kb.audiences import CHANNELS
from kb.db import now, reading
from kb.errors import Invalid, NotFound
from kb.settings import LOCALE_NAMES
from web.i18n import _, translate
from web.login import staff_locale
from web.pages import services_of
from web.studio.csv_files import csv_file
from web.studio.gatherers import gatherer_of
from web.studio.insight_figures import figures_of
from web.studio.questions import titles_of
from web.studio.shell import editor_of, studio_page

ROOM = "insights"
USUAL, LONGEST = 30, 366
# Figures are kept so many seconds: whoever turns to another chart need not wait again.
FRESH = 60
# Different spans that are kept at once.
KEPT = 32

router = APIRouter(prefix=f"/{ROOM}")


@dataclass(frozen=True)
class Asked:
    """What the address asks for, as it was written; `problem` says what is wrong with it."""

    days: int
    first: str
    last: str
    channel: str
    locale: str
    problem: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The same in an address."""
        dates = {"from": self.first, "to": self.last}
        period = dates if self.first or self.last else {"days": str(self.days)}
        place = {"channel": self.channel, "in": self.locale}
        return period | {name: value for name, value in place.items() if value}


def _asked(
    days: str = "",
    first: Annotated[str, Query(alias="from", max_length=40)] = "",
    last: Annotated[str, Query(alias="to", max_length=40)] = "",
    channel: str = "",
    language: Annotated[str, Query(alias="in")] = "",
) -> Asked:
    period = int(days) if days in map(str, PERIODS) else USUAL
    place = channel if channel in CHANNELS else "", language if language in LOCALE_NAMES else ""
    asked = Asked(period, first.strip(), last.strip(), *place)
    try:
        _span(asked)
    except Invalid as error:
        return replace(asked, problem=str(error))
    return asked


Wanted = Annotated[Asked, Depends(_asked)]


def _span(asked: Asked) -> Span:
    """The stretch of time that is meant. Raises Invalid for one that cannot be."""
    today = now().astimezone(UTC).date()
    first, last = today - (asked.days - 1) * DAY, today
    if (asked.first or asked.last) and not asked.problem:
        last = min(_date(asked.last) if asked.last else today, today)
        first = _date(asked.first) if asked.first else last - (USUAL - 1) * DAY
        _check(first, last)
    return Span(_midnight(first), min(_midnight(last + DAY), now()), asked.channel, asked.locale)


def _check(first: date, last: date) -> None:
    if first > last:
        raise Invalid(_("The first day is after the last, or still to come."))
    if (last - first).days >= LONGEST:
        raise Invalid(_("At most a year can be looked at; choose a later first day."))


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Invalid(_("A day is written as 2026-03-05.")) from None
    # Far enough from the ends of the calendar to reckon with.
    return min(max(found, date(2000, 1, 1)), date(9000, 1, 1))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@router.api_route("", methods=["GET", "HEAD"])
def show_insights(request: Request, asked: Wanted) -> Response:
    """Charts, each with its table, and the period before beside them."""
    locale = staff_locale(request)
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        found = _insights(request, session, asked)
        titles = _titles(request, session, found)
    return studio_page(
        request,
        "insights.html",
        person,
        ROOM,
        status=422 if asked.problem else 200,
        asked=asked,
        problem=translate(locale, asked.problem) if asked.problem else "",
        found=found,
        figures=figures_of(found, titles, locale),
        periods=PERIODS,
        channels=CHANNELS,
        first=found.span.since,
        last=found.span.until - timedelta(microseconds=1),
        query=urlencode(asked.query),
    )


@router.get("/{name}.csv")
def download(request: Request, name: str, asked: Wanted) -> Response:
    """One figure as a file. Raises NotFound for no figure's name, Invalid for wrong days."""
    if asked.problem:
        raise Invalid(asked.problem, "from")
    with reading(services_of(request).engine) as session:
        editor_of(request, session)
        found = _insights(request, session, asked)
    figure = figures_of(found, {}, "en").get(name)
    if figure is None:
        raise NotFound("there is no such figure")
    rows = ([entry.value for entry in row] for row in figure.rows)
    return csv_file(f"insights-{name}", [column.name for column in figure.columns], rows)


def _insights(request: Request, session: Session, asked: Asked) -> Insights:
    """The figures, not older than a minute."""
    state = request.app.state
    if not hasattr(state, "insights"):
        state.insights = {}
    kept: dict[Asked, tuple[float, Insights]] = state.insights
    made, found = kept.get(asked, (0.0, None))
    if found is None or time.monotonic() > made + FRESH:
        found = insights(session, _span(asked), gatherer_of(request).gaps(session) or ())
        if len(kept) >= KEPT:
            kept.clear()
        kept[asked] = time.monotonic(), found
    return found


def _titles(request: Request, session: Session, found: Insights) -> dict[str, str]:
    query = select(Article).where(col(Article.slug).in_(found.articles))
    ids = {article.id: article.slug for article in session.exec(query) if article.id is not None}
    return {ids[id_]: title for id_, title in titles_of(request, set(ids)).items()}
