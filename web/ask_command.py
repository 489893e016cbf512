"""`verbatim ask` and `search`: through the server that owns the folder, else here."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from sqlmodel import Session

from assistant.answering import ask as ask_assistant
from assistant.explanations import Explanation
from assistant.explanations import explain as explain_receipt
from assistant.past import ask_past
from assistant.receipts import get_receipt
from kb.db import reading
from kb.settings import Settings
from web.api import search as search_api
from web.explanation_text import format_explanation
from web.owner import ask_server
from web.replies import past_json, reply_json
from web.services import opened_services, opened_store, start_index
from web.terminal import JsonOption, LocaleOption, bar

MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def ask(
    question: str,
    locale: LocaleOption = None,
    channel: Annotated[str, typer.Option(help="help_site, widget, sidebar or api")] = "api",
    as_json: JsonOption = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say what spoke for it")] = False,
    at: Annotated[
        datetime | None, typer.Option(help="As of this moment, UTC", formats=MOMENTS)
    ] = None,
) -> None:
    """Ask a question."""
    settings = Settings()
    if at:
        _show_past(_past(settings, question, locale, at.replace(tzinfo=UTC)), as_json)
        return
    body = {"question": question, "locale": locale, "channel": channel}
    reply = ask_server(settings, "POST", "/api/v1/ask", body)
    if reply is None:
        reply = _ask_here(settings, question, locale, channel)
    why = _explanation(settings, reply["receipt"]["id"]) if explain else None
    if as_json:
        shown = reply | ({"explanation": asdict(why)} if why else {})
        print(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    print(_spoken(reply))
    if why:
        print("\n" + format_explanation(why))


def search(query: str, locale: LocaleOption = None, as_json: JsonOption = False) -> None:
    """Articles that fit, best first."""
    settings = Settings()
    asked = {"q": query, **({"locale": locale} if locale else {})}
    found = ask_server(settings, "GET", f"/api/v1/search?{urlencode(asked)}", None)
    if found is None:
        found = _search_here(settings, query, locale)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for item in found["items"]:
        print(f"{item['score']:.2f}  {item['article']}  {item['title']}")
    if not found["items"]:
        print("Nothing fits.")


def _ask_here(settings: Settings, question: str, locale: str | None, channel: str) -> Any:
    with opened_services(settings) as services:
        start_index(services, bar)
        with Session(services.engine, expire_on_commit=False) as session:
            reply = ask_assistant(
                session, services.index, question, settings.locales, locale, channel
            )
            session.commit()
            return reply_json(services, session, reply)


def _past(settings: Settings, question: str, locale: str | None, at: datetime) -> Any:
    asked = {"question": question, "at": at.isoformat(), **({"locale": locale} if locale else {})}
    found = ask_server(settings, "GET", f"/api/v1/past?{urlencode(asked)}", None)
    if found is not None:
        return found
    with opened_services(settings) as services:
        start_index(services, bar)
        with reading(services.engine) as session:
            past = ask_past(session, services.index, question, settings.locales, at, locale)
            return past_json(services, past)


def _show_past(past: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(past, ensure_ascii=False, indent=2))
        return
    print(_spoken(past))
    for one in past["recorded"]:
        said = f"{one['article']} version {one['version']}" if one["article"] else one["outcome"]
        print(f"  recorded {one['issued_at']}  {one['channel']}: {said}  receipt {one['id']}")


def _explanation(settings: Settings, receipt_id: str) -> Explanation:
    with opened_store(settings) as engine, reading(engine) as session:
        return explain_receipt(get_receipt(session, receipt_id))


def _search_here(settings: Settings, query: str, locale: str | None) -> Any:
    with opened_services(settings) as services:
        start_index(services, bar)
        return search_api(services, query, locale, 10)


def _spoken(reply: dict[str, Any]) -> str:
    answer = reply["answer"]
    if answer:
        source = f"{answer['article']} · version {answer['version']} · {answer['locale']}"
        return f"{answer['text']}\n\n— {answer['title']} ({source})\n  {answer['url']}"
    if reply["options"]:
        options = [f"  {n}. {o['title']}" for n, o in enumerate(reply["options"], 1)]
        return "\n".join(["Did you mean one of these?", *options])
    near = [f"  {o['title']}  {o['url']}" for o in reply["related"]]
    return "\n".join(["We don't have an approved answer to that.", *near])
