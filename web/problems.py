"""Errors as RFC 9457 problem details for programs, and as pages for people."""

import logging
import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
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
log = logging.getLogger("verbatim")


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """One problem+json response."""
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status}
    return JSONResponse(
        body | {"detail": detail} | more,
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Every failure becomes a problem or a page, never a stack trace."""
    app.add_exception_handler(VerbatimError, _expected)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Exception, _unexpected)


def speaks_json(path: str) -> bool:
    """Whether a program is listening at that path."""
    return path.startswith("/api/") or path in ("/healthz", "/readyz", "/metrics")


def _reply(request: Request, status: int, detail: str, **more: Any) -> Response:
    headers = more.pop("headers", None)
    if speaks_json(request.url.path):
        return problem(status, detail, headers, **more)
    response = render_error(request, status, detail)
    response.headers.update(headers or {})
    return response


async def _expected(request: Request, error: Exception) -> Response:
    status = next((s for kind, s in STATUSES.items() if isinstance(error, kind)), 503)
    named = getattr(error, "field", None)
    return _reply(request, status, str(error), **({"field": named} if named else {}))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _reply(request, error.status_code, str(error.detail), headers=error.headers)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(str(part) for part in e["loc"][1:]) or "body", "detail": e["msg"]}
        for e in error.errors()
    ]
    detail = "; ".join(f"{e['field']}: {e['detail']}" for e in errors[:5])
    return _reply(request, 422, detail, errors=errors)


async def _unexpected(request: Request, error: Exception) -> Response:
    reference = secrets.token_hex(4)
    log.error("unexpected error %s at %s", reference, request.url.path, exc_info=error)
    return _reply(request, 500, f"Something went wrong on our side (reference {reference}).")
