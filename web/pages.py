"""HTML from templates: one environment for each language, one way to render a page."""

import json
import re
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from kb.errors import NotFound
from kb.markdown import plain, render
from kb.settings import LOCALE_NAMES
from web import i18n
from web.assets import asset_url
from web.banners import banners_of
from web.i18n import _
from web.services import Services

TEMPLATES = Path(__file__).parent / "templates"
HEADING = re.compile(r"(</?h)([1-6])(?=[ >])")
UNENDED = re.compile(r"(?<![.!?:;،؛؟。！？：；])\n")
NOTICE_ICONS = {"info": "megaphone", "warning": "triangle-alert", "outage": "siren"}
# The language that somebody chose to work in; their account keeps it too.
LOCALE_COOKIE = "verbatim_locale"
STAFF = ("/studio", "/desk")
DESCRIPTION_LENGTH = 160
CATEGORY_ICONS = {
    "orders": "package",
    "delivery": "truck",
    "shipping": "truck",
    "payment": "credit-card",
    "payments": "credit-card",
    "billing": "receipt-text",
    "invoices": "receipt-text",
    "gift-cards": "gift",
    "subscriptions": "repeat",
    "returns": "undo-2",
    "refunds": "wallet",
    "warranty": "badge-check",
    "repairs": "wrench",
    "account": "user",
    "security": "lock",
    "privacy": "eye",
    "contact": "message-circle",
}


def services_of(request: Request) -> Services:
    """The running application's engine, settings and index."""
    services: Services = request.app.state.services
    return services


def known_locale(request: Request, locale: str) -> str:
    """The language in the address. Raises NotFound when the site does not speak it."""
    if locale not in services_of(request).settings.locales:
        raise NotFound("there is no such page")
    return locale


def page(
    request: Request, template: str, locale: str, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page in a language; `alternates` are its addresses in the others, `about` its Subjects."""
    settings = services_of(request).settings
    context.setdefault("alternates", {code: f"/{code}/" for code in settings.locales})
    context.setdefault("translated", context["alternates"])
    context.setdefault("canonical", request.url.path)
    about = context.pop("about", ())
    # Asked for by the pages of the help site alone, so staff pages cost no look.
    context.setdefault("banners", partial(banners_of, request, locale, about))
    context.setdefault("here", request.url.path)
    html = (
        environment(locale)
        .get_template(template)
        .render(
            site_name=settings.site_name or i18n.translate(locale, _("Help centre")),
            base_url=settings.base_url,
            locales={code: LOCALE_NAMES[code] for code in settings.locales},
            fallback=settings.fallback_locale,
            **context,
        )
    )
    return HTMLResponse(html, status, {"Cache-Control": "no-cache", "Content-Language": locale})


def render_error(
    request: Request, status: int, message: str = "", may_not: bool = False
) -> HTMLResponse:
    """A page for what went wrong, in the reader's language; needs no database.

    `may_not` when the role of who is signed in is the reason.
    """
    title, advice = MAY_NOT if may_not else _words_for(status)
    if request.url.path.startswith(STAFF):
        languages = {code: f"?locale={code}" for code in services_of(request).settings.locales}
        told = {"title": title, "advice": advice, "alternates": languages}
        return page(request, "staff_error.html", locale_for_staff(request), status, **told)
    return page(
        request,
        "error.html",
        locale_of(request),
        status,
        title=title,
        advice=advice,
        banners=list,
        detail=message if status in EXPLAINED else "",
    )


def _words_for(status: int) -> tuple[str, str]:
    return ERRORS.get(status, ERRORS[500] if status >= 500 else ERRORS[400])


def locale_of(request: Request) -> str:
    """The language in the address, else the reader's own."""
    locales = services_of(request).settings.locales
    code = request.url.path.split("/")[1] if "/" in request.url.path else ""
    if code in locales:
        return code
    return i18n.preferred_locale(request.headers.get("accept-language", ""), locales)


def locale_for_staff(request: Request) -> str:
    """The language that was chosen in the address or the account, else the browser's."""
    locales = services_of(request).settings.locales
    for chosen in (request.query_params.get("locale"), request.cookies.get(LOCALE_COOKIE)):
        if chosen in locales:
            return str(chosen)
    return i18n.preferred_locale(request.headers.get("accept-language", ""), locales)


@cache
def environment(locale: str) -> Environment:
    """The templates with one language's texts, dates and numbers."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html", "xml"]),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(i18n.translations(locale), newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(
        locale=locale,
        direction=i18n.direction,
        language_name=LOCALE_NAMES.__getitem__,
        language_in=partial(i18n.language_name, reader=locale),
        open_graph_locale=i18n.OPEN_GRAPH.__getitem__,
        asset=asset_url,
        icon=icon,
        category_icon=lambda category: icon(CATEGORY_ICONS.get(category, "book-open")),
        json_ld=json_ld,
        notice_icon=NOTICE_ICONS.__getitem__,
    )
    made.filters.update(
        number=partial(i18n.number, locale=locale),
        percent=partial(i18n.percent, locale=locale),
        day=partial(i18n.day, locale=locale),
        moment=partial(i18n.moment, locale=locale),
        category=partial(i18n.category_name, locale=locale),
        channel=partial(i18n.channel_name, locale=locale),
        audience=partial(i18n.audience_name, locale=locale),
        markdown=lambda text: Markup(render(text)),
        absolute=render,
        body=body_html,
        summary=summary,
    )
    return made


@cache
def icon(name: str) -> Markup:
    """A drawing from Lucide; it says nothing that the words beside it do not."""
    svg = (TEMPLATES / "icons" / f"{name}.svg").read_text("utf-8")
    drawn = re.search(r'stroke-linejoin="round"\s*>(.*)</svg>', svg, re.S)
    assert drawn is not None, name
    inner = re.sub(r"\s*\n\s*", "", drawn[1])
    return Markup(
        f'<svg class="icon icon-{name}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        f"{inner}</svg>"
    )


@lru_cache(maxsize=4096)
def body_html(text: str) -> Markup:
    """An article's body below the page's own heading; wide tables scroll by themselves."""
    html = _under_title(render(text)).replace("<img ", '<img loading="lazy" ')
    html = html.replace("<table>", '<div class="scroll" tabindex="0" role="group"><table>')
    return Markup(html.replace("</table>", "</table></div>"))


def _under_title(html: str) -> str:
    levels = [int(level) for _tag, level in HEADING.findall(html)]
    shift = 2 - min(levels, default=2)
    return HEADING.sub(lambda m: f"{m[1]}{min(6, int(m[2]) + shift)}", html)


@lru_cache(maxsize=4096)
def summary(text: str) -> str:
    """The first words of a Markdown text, about as many as a search engine shows."""
    words = in_one_line(plain(text))
    if len(words) <= DESCRIPTION_LENGTH:
        return words
    return words[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def in_one_line(text: str) -> str:
    """The lines joined; points of a list and rows of a table stay apart."""
    return " ".join(UNENDED.sub(" · ", text.strip()).split())


def json_ld(data: dict[str, Any]) -> Markup:
    """Data for search engines, safe between script tags."""
    text = json.dumps(data, ensure_ascii=False)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escape)
    return Markup(text)


# Statuses whose message is about what the reader sent, so that it helps to read it.
EXPLAINED = frozenset({400, 409, 413, 422})
MAY_NOT = (
    _("Your role may not do this"),
    _("An admin of your company can give you another role, or do it for you."),
)
ERRORS = {
    400: (
        _("We could not read that request"),
        _("Please check the address or the form and try again."),
    ),
    403: (
        _("That did not come from this site"),
        _("For your safety we only accept forms sent from our own pages. Please try again here."),
    ),
    404: (
        _("We can’t find that page"),
        _("The address may be mistyped, or the page may have moved. Try a search instead."),
    ),
    413: (_("That is too much at once"), _("Please send us something shorter.")),
    429: (
        _("A moment, please"),
        _("We have had many requests from you in a short time. Please try again in a minute."),
    ),
    500: (
        _("Something went wrong on our side"),
        _("We are sorry. Please try again in a moment."),
    ),
}
