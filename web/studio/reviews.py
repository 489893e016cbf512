"""What waits for a decision, what is scheduled, and what went live last."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from kb import worklists
from kb.db import reading
from kb.fact_changes import waiting_changes
from web.pages import services_of
from web.studio.shell import editor_of, studio_page

router = APIRouter()


@router.api_route("/reviews", methods=["GET", "HEAD"])
def show_reviews(request: Request) -> Response:
    """Four lists, what asks for a decision first."""
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        waiting = worklists.in_review(session)
        return studio_page(
            request,
            "reviews.html",
            me,
            "reviews",
            to_review=[t for t in waiting if me.may("approve") and t.author_id != me.id],
            others=[t for t in waiting if not me.may("approve") or t.author_id == me.id],
            fact_changes=waiting_changes(session),
            approved=worklists.approved_unpublished(session),
            starting=worklists.starting(session),
            ending=worklists.ending(session),
            published=worklists.recently_published(session),
        )
