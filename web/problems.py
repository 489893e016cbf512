"""Errors as RFC 9457 problem details for programs, and as pages for people."""

import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from kb.errors import Conflict, Invalid, NotAllowed, NotFound, VerbatimError
from web.pages import render_error

STATUSES: dict[type[VerbatimError], int] = {
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    NotAllowed: 403,
}
TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    413: "Content too large",
    422: "Unprocessable content",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}
UNREADABLE = "send a JSON object in UTF-8, with the header Content-Type: application/json"
log = logging.getLogger("verbatim")


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """One problem+json response."""
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status}
    text = json.dumps(body | {"detail": detail} | more, ensure_ascii=False)
    # What a client sent may come back in a detail, half a character of it included.
    content = text.encode("utf-8", "replace")
    return Response(content, status, headers, "application/problem+json")


def install(app: FastAPI) -> None:
    """What is expected to fail becomes a problem or a page; the Guard sees to the rest."""
    app.add_exception_handler(VerbatimError, _expected)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


def speaks_json(path: str) -> bool:
    """Whether a program is listening at that path."""
    return path.startswith("/api/") or path in ("/healthz", "/readyz", "/metrics")


def refusal(
    request: Request,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    may_not: bool = False,
    **more: Any,
) -> Response:
    """A problem for a program, a page for a person; `may_not` when their role is the reason."""
    if speaks_json(request.url.path):
        return problem(status, detail, headers, **more)
    response = render_error(request, status, detail, may_not)
    response.headers.update(headers or {})
    return response


async def _expected(request: Request, error: Exception) -> Response:
    status = next((s for kind, s in STATUSES.items() if isinstance(error, kind)), 503)
    named = getattr(error, "field", None)
    more = {"field": named} if named else {}
    return refusal(request, status, str(error), None, isinstance(error, NotAllowed), **more)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    is_unread = error.status_code == 400 and speaks_json(request.url.path)
    detail = UNREADABLE if is_unread else str(error.detail)
    return refusal(request, error.status_code, detail, headers=error.headers)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [_named(found) for found in error.errors()[:20]]
    detail = "; ".join(f"{e['field']}: {e['detail']}" for e in errors[:5])
    return refusal(request, 422, detail, errors=errors)


def _named(error: dict[str, Any]) -> dict[str, str]:
    """Which field is wrong and why; what is no JSON has no fields yet."""
    if error["type"] == "json_invalid":
        return {"field": "body", "detail": f"not JSON from character {error['loc'][-1]} on"}
    if error["type"] == "model_attributes_type" and error["loc"] == ("body",):
        return {"field": "body", "detail": UNREADABLE}
    field = ".".join(str(part) for part in error["loc"][1:])[:80]
    return {"field": field or "body", "detail": error["msg"]}


def unexpected(request: Request, error: Exception) -> Response:
    """What went wrong goes to the log, a reference to the client."""
    reference = secrets.token_hex(4)
    log.error("unexpected error %s at %s", reference, request.url.path, exc_info=error)
    return refusal(request, 500, f"Something went wrong on our side (reference {reference}).")
