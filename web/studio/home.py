"""The studio's home: what waits for whom."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from kb.db import reading
from web.pages import services_of
from web.studio.shell import editor_of, studio_page

router = APIRouter()


@router.api_route("", methods=["GET", "HEAD"])
def show_home(request: Request) -> Response:
    """What waits for the person who is signed in."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        return studio_page(request, "home.html", person, "")
