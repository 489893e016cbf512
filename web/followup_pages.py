"""Where the links of a follow-up lead: a page with one button, because mail programs open links.

The address holds a secret, so the page loads no script but our own, is kept by nobody and
tells no other site where the reader comes from.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse

from assistant.desk.queue import sweep
from assistant.ending import rate
from assistant.exchanges import Assistant
from assistant.followups import FollowUp, open_follow_up
from assistant.letters import texts_in
from kb.db import reading, transaction
from kb.errors import NotFound
from web.forms import from_this_site
from web.i18n import preferred_locale
from web.pages import page, services_of

PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
TOKEN_LIMIT = 200

router = APIRouter(include_in_schema=False)
Token = Annotated[str, Query(max_length=TOKEN_LIMIT)]
PostedToken = Annotated[str, Form(max_length=TOKEN_LIMIT)]


@router.api_route("/follow-up/{conversation_id}", methods=["GET", "HEAD"])
def show(
    request: Request, conversation_id: str, token: Token = "", answer: str = ""
) -> HTMLResponse:
    """The question once more, with a button for the answer that was clicked."""
    with reading(services_of(request).engine) as session:
        try:
            found = open_follow_up(session, conversation_id, token)
        except NotFound:
            return _closed(request)
    if found.is_settled:
        return _said(request, found, "settled")
    button = "follow_up_no" if answer == "no" else "follow_up_yes"
    return _said(request, found, "follow_up_ask", button, token, answer)


@router.post("/follow-up/{conversation_id}", dependencies=[Depends(from_this_site)])
def record(
    request: Request,
    conversation_id: str,
    token: PostedToken = "",
    answer: Annotated[str, Form(max_length=10)] = "",
) -> HTMLResponse:
    """Keeps the answer; a no opens the case again, for the same agent first."""
    assistant: Assistant = request.app.state.assistant
    with transaction(assistant.engine) as session:
        try:
            found = open_follow_up(session, conversation_id, token)
        except NotFound:
            return _closed(request)
        if found.is_settled:
            return _said(request, found, "settled")
        rate(session, found.conversation, solved=answer != "no")
        sweep(session, assistant.hours)
    return _said(request, found, "reopened_thanks" if answer == "no" else "solved_thanks")


@router.api_route("/follow-up/{conversation_id}/leave", methods=["GET", "HEAD"])
def ask_to_leave(request: Request, conversation_id: str, token: Token = "") -> HTMLResponse:
    """A button that ends e-mail about this conversation."""
    with reading(services_of(request).engine) as session:
        try:
            found = open_follow_up(session, conversation_id, token)
        except NotFound:
            return _closed(request)
    return _said(request, found, "leave_ask", "leave_yes", token)


@router.post("/follow-up/{conversation_id}/leave")
def leave(
    request: Request,
    conversation_id: str,
    token: Token = "",
    posted: Annotated[str, Form(alias="token", max_length=TOKEN_LIMIT)] = "",
) -> HTMLResponse:
    """No more e-mail; mail programs post here by themselves (RFC 8058), without a page of ours."""
    with transaction(services_of(request).engine) as session:
        try:
            found = open_follow_up(session, conversation_id, posted or token)
        except NotFound:
            return _closed(request)
        found.conversation.email = None
        session.add(found.conversation)
    return _said(request, found, "leave_thanks")


def _said(
    request: Request,
    found: FollowUp,
    text: str,
    button: str = "",
    token: str = "",
    answer: str = "",
) -> HTMLResponse:
    return _page(request, found.conversation.locale, text, 200, button, token, answer)


def _closed(request: Request) -> HTMLResponse:
    locales = services_of(request).settings.locales
    accepted = request.headers.get("accept-language", "")
    return _page(request, preferred_locale(accepted, locales), "closed_link", 404)


def _page(
    request: Request,
    locale: str,
    text: str,
    status: int,
    button: str = "",
    token: str = "",
    answer: str = "",
) -> HTMLResponse:
    texts = texts_in(locale)
    response = page(
        request,
        "follow_up.html",
        locale,
        status,
        text=texts[text],
        button=texts[button] if button else "",
        token=token,
        answer="no" if answer == "no" else "yes",
        action=request.url.path,
    )
    response.headers.update(PRIVATE)
    return response
