"""Stylesheets, scripts and fonts, under addresses that change when they do."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
FOR_A_DAY = "public, max-age=86400"
MODULES = "staff/"

router = APIRouter(include_in_schema=False)
_files = StaticFiles(directory=STATIC)


@cache
def asset_url(name: str) -> str:
    """The address of a static file, with a digest of its bytes."""
    return f"/static/{name}?v={_digest(name)}"


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def _loosely(path: str) -> str:
    """Modules name each other without a digest, so a browser asks whether they have changed."""
    return "no-cache" if path.startswith(MODULES) else FOR_A_DAY


@router.api_route("/static/{path:path}", methods=["GET", "HEAD"])
async def static_file(request: Request, path: str, v: str = "") -> Response:
    """A static file; kept for ever by readers who asked for exactly these bytes."""
    response = await _files.get_response(path, request.scope)
    is_exact = response.status_code < 400 and v == _digest(path)
    response.headers["Cache-Control"] = FOREVER if is_exact else _loosely(path)
    return response
