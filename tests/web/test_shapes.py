"""Real replies against the shapes that the description promises."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlmodel import Session

from assistant.answering import Abstained, Clarification, Words, ask
from kb.catalogue import live_in
from kb.db import now
from kb.settings import Settings
from retriever.index import Index
from tests.web.conftest import Keys
from tests.web.test_openapi import KNOWLEDGE
from web import (
    api,
    chat_stream,
    conversation_api,
    correction_pages,
    desk_api,
    desk_stream,
    examples,
    handover_api,
    health,
    knowledge_api,
)
from web.app import create_app
from web.replies import reply_json
from web.services import Services
from web.shapes import Problem, Reply

CHAT = (conversation_api.router, handover_api.router, chat_stream.router)
CASES = (desk_api.router, knowledge_api.router, desk_stream.router)
ROUTERS = (api.router, correction_pages.router, *CHAT, *CASES, health.router)
ROUTES = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
AT = "/api/v1/articles/gift-wrapping"
LATER = {"starts_at": "2199-01-01T08:00:00+01:00", "expires_at": "2199-02-01T08:00:00+01:00"}


def route_of(response: httpx.Response) -> APIRoute:
    """The route that replied."""
    method, path = response.request.method, response.request.url.path
    return next(r for r in ROUTES if method in r.methods and r.path_regex.match(path))


def keeps_to(model: type[BaseModel], text: str | bytes) -> bool:
    """Whether that is the shape: every field, of its type, and no other. Raises if not."""
    return bool(model.model_validate_json(text, strict=True, extra="forbid"))


def is_as_described(response: httpx.Response) -> bool:
    """Whether a reply has the shape that its own route documents."""
    if response.status_code >= 400 and "problem+json" in response.headers["content-type"]:
        assert response.status_code in route_of(response).responses
        return keeps_to(Problem, response.content)
    return keeps_to(route_of(response).responses[response.status_code]["model"], response.content)


def test_every_route_replies_as_described(client: TestClient, keys: Keys) -> None:
    asked = client.post("/api/v1/ask", json=examples.QUESTION)
    writer, publisher = keys["contributor"], keys["publisher"]
    review, publication = f"{AT}/revisions/2/review", f"{AT}/publication"
    steps: list[tuple[str, str, Any, dict[str, str] | None]] = [
        ("POST", "/api/v1/ask", {"question": "what is the capital of Mongolia"}, None),
        ("GET", "/api/v1/search?q=refund", None, None),
        ("GET", "/api/v1/notices?article=refund-time", None, None),
        ("GET", "/api/v1/articles?limit=2", None, None),
        ("GET", "/api/v1/articles/reset-password", None, None),
        ("GET", "/api/v1/articles/reset-password/versions/1", None, None),
        ("GET", f"/api/v1/receipts/{asked.json()['receipt']['id']}", None, None),
        ("GET", f"/api/v1/receipts/{asked.json()['receipt']['id']}", None, writer),
        ("GET", "/api/v1/receipts/head", None, None),
        ("GET", "/api/v1/corrections", None, None),
        ("GET", f"/api/v1/past?question=refund&at={now():%Y-%m-%dT%H:%M:%SZ}", None, writer),
        ("GET", "/api/v1/keys", None, None),
        ("POST", "/api/v1/articles", examples.NEW_ARTICLE, writer),
        ("POST", f"{AT}/revisions", examples.NEW_REVISION, writer),
        ("GET", f"{AT}/versions/2", None, writer),
        ("POST", review, None, writer),
        ("DELETE", review, None, publisher),
        ("POST", review, examples.PLACE, writer),
        ("POST", f"{AT}/revisions/2/approval", None, publisher),
        ("POST", publication, None, publisher),
        ("POST", publication, LATER, publisher),
        ("DELETE", publication, None, publisher),
        ("GET", "/healthz", None, None),
        ("GET", "/readyz", None, None),
    ]
    replies = [client.request(m, path, json=body, headers=key) for m, path, body, key in steps]
    assert all(reply.is_success for reply in replies), [reply.text for reply in replies]
    assert all(is_as_described(r) for r in (asked, *replies) if r.status_code != 204)
    assert {f"{r.request.method} {route_of(r).path}" for r in replies} == set(KNOWLEDGE)


def test_every_kind_of_reply_is_as_described(open_shop: Services) -> None:
    locales = open_shop.settings.locales
    with Session(open_shop.engine) as session:
        reply = ask(session, open_shop.index, "i forgot my password", locales)
        live = [
            Words(slug, live_in(session, slug, "en", locales, None).revision, "en")
            for slug in ("refund-time", "delivery-costs")
        ]
        near = tuple(live)
        outcomes = [Clarification(near), Abstained("not_sure", near), Abstained("no_words")]
        for outcome in (reply.outcome, *outcomes):
            shown = reply_json(open_shop, session, replace(reply, outcome=outcome))
            assert keeps_to(Reply, httpx.Response(200, json=shown).content)


def test_empty_lists_and_receipt_of_silence_are_as_described(reader: TestClient) -> None:
    silence = reader.post("/api/v1/ask", json={"question": "?!"})
    for response in (
        silence,
        reader.get(f"/api/v1/receipts/{silence.json()['receipt']['id']}"),
        reader.get("/api/v1/search", params={"q": "?!"}),
        reader.get("/api/v1/articles", params={"locale": "ko"}),
    ):
        assert is_as_described(response)


@pytest.mark.parametrize(
    ("status", "method", "path", "body", "role"),
    [
        (401, "POST", "/api/v1/articles", examples.NEW_ARTICLE, None),
        (403, "POST", "/api/v1/articles/refund-time/publication", {}, "agent"),
        (404, "GET", "/api/v1/articles/gift-wrap", None, None),
        (409, "POST", "/api/v1/articles", examples.NEW_ARTICLE | {"slug": "refund-time"}, "agent"),
        (413, "POST", "/api/v1/ask", {"question": "x" * 1_000_001}, None),
        (422, "POST", "/api/v1/ask", {"question": "refund", "locale": "tlh"}, None),
        (422, "POST", "/api/v1/ask", {"locale": 7}, None),
    ],
)
def test_every_problem_is_as_described(
    reader: TestClient,
    reader_keys: Keys,
    status: int,
    method: str,
    path: str,
    body: Any,
    role: str | None,
) -> None:
    headers = reader_keys[role] if role else None
    response = reader.request(method, path, json=body, headers=headers)
    assert response.status_code == status == response.json()["status"]
    assert is_as_described(response)


def test_server_that_is_not_ready_replies_as_described(open_shop: Services) -> None:
    index = Index(open_shop.engine, open_shop.index.vectors, open_shop.index.encoders)
    services = Services(Settings(home=open_shop.settings.home), open_shop.engine, index, None)
    response = TestClient(create_app(services)).get("/readyz")
    assert response.status_code == 503
    assert is_as_described(response)


def test_drifting_reply_would_be_noticed(reader: TestClient) -> None:
    reply = reader.post("/api/v1/ask", json={"question": "i forgot my password"}).json()
    answer = reply["answer"] | {"colour": "red"}
    missing = {name: value for name, value in reply.items() if name != "notice"}
    for drifted in (missing, reply | {"answer": answer}, reply | {"confidence": "0.9"}):
        with pytest.raises(ValueError, match="validation error"):
            keeps_to(Reply, httpx.Response(200, json=drifted).content)
