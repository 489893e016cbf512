"""Plain forms: taken only from this site's own pages."""

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from web.pages import services_of


def from_this_site(request: Request) -> None:
    """Refuses with 403 a form that another site's page has posted."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site not in ("same-origin", "none") or (origin and not _is_ours(request, origin)):
        raise HTTPException(403, "this form was sent from another site; open it here and try again")


def _is_ours(request: Request, origin: str) -> bool:
    base_url = services_of(request).settings.base_url
    ours = {request.headers.get("host", ""), urlsplit(base_url).netloc}
    return urlsplit(origin).netloc in ours - {""}
