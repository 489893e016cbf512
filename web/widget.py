"""The chat for any website: its script, what it is told at the start, and a shop to try it in."""

import gzip
import hashlib
import json
import re
from functools import cache
from typing import Annotated, Any
from xml.etree import ElementTree

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from assistant.conversations import TEXT_LIMIT
from assistant.desk.hours import parse_hours
from assistant.desk.presence import online_agents
from assistant.phrases import phrase
from kb.db import now, reading
from kb.errors import NotFound
from kb.markdown import render
from kb.settings import LOCALE_NAMES
from web.assets import STATIC
from web.i18n import OPEN_GRAPH, RIGHT_TO_LEFT, direction, preferred_locale, translate
from web.pages import TEMPLATES, page, services_of
from web.widget_texts import carried_texts, texts_in

SOURCES = (
    "dom", "memory", "wire", "conversation", "notices", "turns", "sheets", "panel", "main",
)  # fmt: skip
ICONS = (
    "arrow-right", "arrow-up", "badge-check", "check", "check-check", "chevron-down",
    "chevron-right", "clock", "ellipsis", "globe", "headset", "history", "info", "mail",
    "message-circle", "message-square-warning", "pencil", "phone", "plus", "receipt-text",
    "thumbs-down", "thumbs-up", "trash-2", "triangle-alert", "user", "wifi-off", "x",
)  # fmt: skip
MARK = re.compile(r' d="([^"]+)"')
# Twice on one page is once; the rest finds its server in its own address.
FRAME = """(() => {{
"use strict";
if (window.Verbatim?.push && !Array.isArray(window.Verbatim)) return;
const script = document.currentScript || document.querySelector('script[src*="/widget.js"]');
const BASE = new URL(".", script.src).href.slice(0, -1);
const BUILD = {build};
{source}
}})();
"""
ANYWHERE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
DEMO_POLICY = (
    "default-src 'none'; script-src {base}; connect-src {base}; style-src 'self'; img-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types verbatim"
)

router = APIRouter(include_in_schema=False)


@router.api_route("/widget.js", methods=["GET", "HEAD"])
def widget_script(request: Request) -> Response:
    """The whole chat in one file, compressed for every browser that can read it so."""
    plain, packed, digest = built(tuple(services_of(request).settings.locales))
    is_packed = "gzip" in request.headers.get("accept-encoding", "")
    etag = f'"{digest}{"-gzip" if is_packed else ""}"'
    headers = ANYWHERE | {
        "Cache-Control": "public, max-age=300",
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return Response(packed if is_packed else plain, 200, headers, "text/javascript; charset=utf-8")


@router.get("/api/v1/widget")
def configuration(request: Request, locale: str = "") -> Response:
    """What the chat has to know before its first word, in the customer's language."""
    services = services_of(request)
    settings = services.settings
    accepted = request.headers.get("accept-language", "")
    code = preferred_locale(f"{locale};q=1,{accepted}" if locale else accepted, settings.locales)
    with reading(services.engine) as session:
        said = phrase(session, "greeting", code)
        is_anybody_there = bool(online_agents(session, now()))
    greeting = {
        "name": said.name,
        "text": said.text,
        "html": render(said.text, settings.base_url),
        "locale": said.locale,
        "version": said.version,
        "sha256": said.sha256,
    }
    told: dict[str, Any] = {
        "locale": code,
        "dir": direction(code),
        "locales": {known: LOCALE_NAMES[known] for known in settings.locales},
        "site_name": settings.site_name or translate(code, "Help centre"),
        "base_url": settings.base_url,
        "greeting": greeting,
        "desk": {
            "open": parse_hours(settings.desk_hours, settings.desk_timezone).are_open(now()),
            "hours": settings.desk_hours or None,
            "online": is_anybody_there,
        },
        "identity": bool(settings.identity_secret),
        "limits": {"text": TEXT_LIMIT},
        "texts": texts_in(code),
    }
    headers = {"Cache-Control": "public, max-age=60", "Vary": "Accept-Language"}
    return JSONResponse(told, headers=headers)


# -- the sample shop -------------------------------------------------------------------


def demo_locale(request: Request, locale: str = "") -> str:
    """The language of the shop. Raises NotFound where there is no demonstration."""
    settings = services_of(request).settings
    if not settings.demo or (locale and locale not in settings.locales):
        raise NotFound("there is no such page")
    return locale or settings.fallback_locale


DemoLocale = Annotated[str, Depends(demo_locale)]


@router.get("/demo")
def demo_without_its_slash(_locale: DemoLocale) -> RedirectResponse:
    """To the sample shop."""
    return RedirectResponse("/demo/")


@router.get("/demo/")
@router.get("/demo/{locale}")
def demo(request: Request, locale: DemoLocale) -> Response:
    """A shop's page with the one line in it, under a policy as strict as any shop's."""
    shown = page(request, "demo.html", locale)
    base = services_of(request).settings.base_url
    shown.headers["Content-Security-Policy"] = DEMO_POLICY.format(base=base)
    return shown


# -- the script ------------------------------------------------------------------------


@cache
def built(locales: tuple[str, ...]) -> tuple[bytes, bytes, str]:
    """The script, the same compressed, and its digest."""
    source = "\n".join(_packed((STATIC / "widget" / f"{name}.js").read_text()) for name in SOURCES)
    build = json.dumps(_build(list(locales)), ensure_ascii=False, separators=(",", ":"))
    plain = FRAME.format(build=build, source=source).encode()
    digest = hashlib.sha256(plain).hexdigest()[:20]
    return plain, gzip.compress(plain, 9, mtime=0), digest


def _build(locales: list[str]) -> dict[str, Any]:
    """What the script cannot do without and is written elsewhere."""
    gregorian = {"fa": "-u-ca-gregory"}
    return {
        "css": _packed((STATIC / "widget" / "widget.css").read_text()),
        "icons": {name: _drawing(name) for name in ICONS},
        "mark": MARK.findall((STATIC / "icon.svg").read_text()),
        "texts": carried_texts(locales),
        "fallback": locales[0],
        "rtl": sorted(RIGHT_TO_LEFT),
        "formats": {c: OPEN_GRAPH[c].replace("_", "-") + gregorian.get(c, "") for c in locales},
    }


def _drawing(name: str) -> list[tuple[str, dict[str, str]]]:
    """The shapes of an icon: tag and attributes."""
    svg = ElementTree.fromstring((TEMPLATES / "icons" / f"{name}.svg").read_text())
    return [(shape.tag.rpartition("}")[2], dict(shape.attrib)) for shape in svg]


def _packed(text: str) -> str:
    """Without indentation, empty lines and the lines and blocks that are only comments."""
    text = re.sub(r"^\s*/\*.*?\*/\s*$", "", text, flags=re.M | re.S)
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
