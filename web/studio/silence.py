"""The promise of silence: how sure an answer must be in each language, and what that costs."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from assistant.silence import Standing, silence_of
from kb.db import reading
from web.i18n import _
from web.pages import services_of
from web.plots import Plot
from web.studio.shell import editor_of, studio_page

# Phrasings that another article takes, before the rest has to be asked for.
FIRST = 8
PLOT = Plot(width=360, height=130, left=0, bottom=24, edge=20)
STANDINGS = {
    Standing.promised: (_("Promised"), "shield-check"),
    Standing.silent: (_("Promised"), "shield-check"),
    Standing.few: (_("Cautious"), "shield-alert"),
    Standing.trained: (_("Cautious"), "shield-alert"),
    Standing.unknown: (_("Not learned yet"), "clock"),
}

router = APIRouter()


@router.api_route("/silence", methods=["GET", "HEAD"])
def show_silence(request: Request) -> Response:
    """The bar of each language, what it costs, and what would move it."""
    services = services_of(request)
    with reading(services.engine) as session:
        me = editor_of(request, session)
    return studio_page(
        request,
        "silence.html",
        me,
        "silence",
        silence=silence_of(services.index, services.settings.locales),
        standings=STANDINGS,
        plot=PLOT,
        first=FIRST,
    )
