"""The history of everything: searched, paged, and taken away as a file."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.audit import EventRow, EventSearch, count_events, every_event, find_events, kinds_seen
from kb.db import reading
from kb.people import Person
from web.csv_files import csv_file, download
from web.i18n import _
from web.pages import services_of
from web.replies import iso
from web.studio.shell import editor_of, studio_page

router = APIRouter()
PER_PAGE = 50
LONGEST_SEARCH = 200
# Numbers and digests are for the files.
UNTOLD = ("person", "slug", "sha256", "key", "invitation")
COLUMNS = (
    "id", "at", "kind", "by", "by_email", "person", "person_email",
    "article", "locale", "version", "details",
)  # fmt: skip
KIND_NAMES = {
    "created": _("Article created"),
    "drafted": _("Draft written"),
    "submitted": _("Sent to review"),
    "changes_requested": _("Changes requested"),
    "approved": _("Draft approved"),
    "adopted": _("Approved by import"),
    "published": _("Published"),
    "scheduled": _("Publication planned"),
    "went_live": _("Went live"),
    "withdrawn": _("Withdrawn"),
    "expired": _("Expired"),
    "schedule_cancelled": _("Planned publication cancelled"),
    "flagged": _("Reported"),
    "corrected": _("Marked as a correction"),
    "commented": _("Commented"),
    "replied": _("Comment answered"),
    "comment_edited": _("Comment changed"),
    "comment_resolved": _("Comment resolved"),
    "comment_reopened": _("Comment opened again"),
    "feedback_planned": _("Feedback: planned"),
    "feedback_done": _("Feedback: done"),
    "feedback_declined": _("Feedback: declined"),
    "feedback_open": _("Feedback: open again"),
    "questions_phrased": _("Questions given to an article"),
    "questions_drafted": _("Questions begun as a draft"),
    "questions_dismissed": _("Questions put aside"),
    "questions_declined": _("Confirmed wordings left out"),
    "questions_reopened": _("Questions waiting again"),
    "contradiction_dismissed": _("Contradiction dismissed"),
    "contradiction_reopened": _("Contradiction opened again"),
    "contradictions_sought": _("Contradictions looked for"),
    "fact_named": _("Shared fact named"),
    "fact_changed": _("Shared fact changed"),
    "fact_described": _("Shared fact described"),
    "fact_retired": _("Shared fact named no more"),
    "facts_linked": _("Shared facts linked"),
    "fact_change_proposed": _("Change of a shared fact proposed"),
    "fact_change_approved": _("Change of a shared fact approved"),
    "fact_change_declined": _("Change of a shared fact declined"),
    "fact_change_withdrawn": _("Change of a shared fact taken back"),
    "person_added": _("Person added"),
    "invited": _("Invited"),
    "invited_again": _("Invited again"),
    "invitation_withdrawn": _("Invitation withdrawn"),
    "joined": _("Joined"),
    "renamed": _("Name changed"),
    "role_changed": _("Role changed"),
    "deactivated": _("Deactivated"),
    "reactivated": _("Reactivated"),
    "key_added": _("Key made"),
    "key_revoked": _("Key revoked"),
    "password_link_made": _("Link for a new password made"),
    "password_reset": _("Password chosen anew"),
    "password_changed": _("Password changed"),
    "identity_linked": _("Company account linked"),
    "locked_out": _("Locked after wrong passwords"),
    "signed_out_everywhere": _("Signed out everywhere"),
}


@router.api_route("/history", methods=["GET", "HEAD"])
def show_history(
    request: Request,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> Response:
    """A page of what was found, newest first."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session, "approve")
        search = _search(request, person)
        total = count_events(session, search)
        filters = {k: v for k, v in request.query_params.items() if v and k != "page"}

        def address(number: int) -> str:
            return f"?{urlencode({**filters, 'page': number})}"

        return studio_page(
            request,
            "history.html",
            person,
            "history",
            rows=find_events(session, search, PER_PAGE, PER_PAGE * (page - 1)),
            total=total,
            number_of_page=page,
            pages=-(-total // PER_PAGE),
            address=address,
            search=search,
            filters=urlencode({k: v for k, v in filters.items() if k != "locale"}),
            is_filtered=bool(filters.keys() - {"locale"}),
            kinds=kinds_seen(session, search.with_house),
            kind_name=kind_name,
            details_of=details_of,
            people=_people(session),
        )


@router.api_route("/history.csv", methods=["GET", "HEAD"])
def csv(request: Request) -> Response:
    """All that was found, for a spreadsheet."""
    engine, search = _allowed(request)
    cells = (_cells(_flat(row)) for row in _every(engine, search))
    return csv_file("verbatim-history.csv", COLUMNS, cells)


@router.api_route("/history.jsonl", methods=["GET", "HEAD"])
def jsonl(request: Request) -> Response:
    """All that was found, for a program: one JSON object a line."""
    engine, search = _allowed(request)
    lines = (json.dumps(_flat(row), ensure_ascii=False) + "\n" for row in _every(engine, search))
    return download("verbatim-history.jsonl", "application/jsonl", lines)


def kind_name(kind: str) -> str:
    """A message for what has a name, else the words of the kind itself."""
    return KIND_NAMES.get(kind, kind.replace("_", " ").capitalize())


def details_of(row: EventRow) -> list[str]:
    """What else is known of it, shortly; who and which article stand in columns of their own."""
    data = {k: v for k, v in row.event.data.items() if k not in UNTOLD and v}
    if row.about:
        data.pop("email", None)
    if row.event.kind != "scheduled":
        data.pop("starts_at", None)
    if "before" in data and "after" in data:
        return [f"{data['before']} → {data['after']}"]
    shown = (", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in data.values())
    return [text[:LONGEST_SEARCH] for text in shown]


def _allowed(request: Request) -> tuple[Engine, EventSearch]:
    engine = services_of(request).engine
    with reading(engine) as session:
        return engine, _search(request, editor_of(request, session, "approve"))


def _every(engine: Engine, search: EventSearch) -> Iterator[EventRow]:
    with reading(engine) as session:
        yield from every_event(session, search)


def _flat(row: EventRow) -> dict[str, Any]:
    event, by, about = row.event, row.by, row.about
    return {
        "id": event.id,
        "at": iso(event.at),
        "kind": event.kind,
        "by": by.name if by else None,
        "by_email": by.email if by else None,
        "person": about.name if about else None,
        "person_email": about.email if about else event.data.get("email"),
        "article": row.article,
        "locale": event.locale,
        "version": event.version,
        "details": event.data,
    }


def _cells(flat: dict[str, Any]) -> list[Any]:
    written = json.dumps(flat["details"], ensure_ascii=False)
    return [*(flat[name] for name in COLUMNS[:-1]), written]


def _search(request: Request, reader: Person) -> EventSearch:
    """What the address asks for; what cannot be read does not narrow it down."""
    asked = {k: v[:LONGEST_SEARCH].replace("\x00", "") for k, v in request.query_params.items()}
    number = asked.get("person", "")
    return EventSearch(
        person=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None,
        article=asked.get("article", ""),
        kind=asked.get("kind", ""),
        since=_day(asked.get("since", "")),
        until=_day(asked.get("until", "")),
        text=asked.get("q", ""),
        with_house=reader.may("administer"),
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # The last day has no next one.
    return found if 1 < found.year < 9999 else None


def _people(session: Session) -> list[Person]:
    return sorted(session.exec(select(Person)), key=lambda p: (p.is_program, p.name.lower()))
