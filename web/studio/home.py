"""The studio's home: what does not hold, the next thing to do, then what waits for whom."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from assistant.audit import open_incidents
from kb import worklists
from kb.db import reading
from web.pages import services_of
from web.studio.home_cards import cards_of, next_thing
from web.studio.shell import editor_of, studio_page

router = APIRouter()


@router.api_route("", methods=["GET", "HEAD"])
def show_home(request: Request) -> Response:
    """What waits for the person who is signed in."""
    with reading(services_of(request).engine) as session:
        me = editor_of(request, session)
        cards = cards_of(request, session, me)
        return studio_page(
            request,
            "home.html",
            me,
            "",
            cards=cards,
            next=next_thing(cards),
            incidents=open_incidents(session),
            is_new=not cards and worklists.is_brand_new(session),
        )
