"""The sidebar: approved answers beside any help desk, in a frame; docs/sidebar.md says how."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from web.guards import POLICY
from web.login import staff_locale, staff_page
from web.pages import services_of
from web.staff_texts import texts_in

NOBODY = "frame-ancestors 'none'"

router = APIRouter(include_in_schema=False)


@router.api_route("/sidebar", methods=["GET", "HEAD"])
def sidebar(request: Request) -> Response:
    """The page holds no answers; it asks for them with the cookie or a key that it is given."""
    origins = services_of(request).settings.sidebar_origins
    response = staff_page(
        request,
        "sidebar.html",
        texts=texts_in(staff_locale(request)),
        origins=origins,
    )
    allowed = " ".join(["frame-ancestors 'self'", *origins])
    response.headers["Content-Security-Policy"] = POLICY.replace(NOBODY, allowed)
    return response
