"""Which websites may show the chat: their pages may call a few addresses from elsewhere.

No cookie is ever involved, so what a page can do is what its token allows.
"""

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from kb.settings import Settings

OPEN_PATHS = ("/api/v1/conversations", "/api/v1/widget", "/api/v1/notices")


class WidgetOrigins:
    """Answers browsers that ask whether a page of another origin may call the chat."""

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        self.app = app
        self.shared = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
            expose_headers=["Retry-After"],
            max_age=86400,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_open = scope["type"] == "http" and scope["path"].startswith(OPEN_PATHS)
        await (self.shared if is_open else self.app)(scope, receive, send)


def check_origin(request: Request, settings: Settings) -> None:
    """Refuses with 403 a page of a website that may not show the chat."""
    origin = request.headers.get("origin")
    allowed = {*settings.widget_origins, settings.base_url, str(request.base_url).rstrip("/")}
    if origin and "*" not in allowed and origin not in allowed:
        raise HTTPException(
            403, f"{origin[:200]} may not show this chat; add it to VERBATIM_WIDGET_ORIGINS"
        )
