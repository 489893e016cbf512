"""Real replies of the chat and the desk against the shapes that the description promises."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from kb.db import transaction
from kb.people import add_key
from tests.web.conftest import Keys
from tests.web.test_conversation_api import Chat, begin, close_call, identity
from tests.web.test_conversation_api import signed as signed
from tests.web.test_helpdesks import SCHEMA
from tests.web.test_openapi import CHATTING, SERVING, events_in
from tests.web.test_shapes import is_as_described, keeps_to, route_of
from web import chat_examples, chat_shapes, desk_examples, desk_shapes, live, package_shapes
from web.app import create_app
from web.services import Services

CHAT = "/api/v1/conversations"
Headers = dict[str, str]


class Caller:
    """Calls that work, each checked against the shape of its route."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.called: set[str] = set()

    def call(self, method: str, path: str, body: Any = None, headers: Headers | None = None) -> Any:
        """The reply as JSON, when it is as described."""
        reply = self.client.request(method, path, json=body, headers=headers)
        assert reply.is_success, (method, path, reply.text)
        assert reply.status_code in route_of(reply).responses or reply.status_code == 204
        assert reply.status_code == 204 or is_as_described(reply), (method, path)
        self.called.add(f"{method} {route_of(reply).path}")
        return reply.json() if reply.content else None


@pytest.fixture
def signed_caller(signed: TestClient) -> Caller:
    """Calls to a server that knows the website's secret."""
    return Caller(signed)


def test_every_route_of_the_chat_replies_as_described(
    signed_caller: Caller, services: Services
) -> None:
    close_call(services)
    begun = signed_caller.call("POST", CHAT, chat_examples.NEW_CONVERSATION)
    at, mine = f"{CHAT}/{begun['id']}", {"identity": identity(name="Léa", attributes={"a": 1})}
    token = {"Authorization": f"Bearer {begun['token']}"}

    def call(method: str, path: str = "", body: Any = None) -> Any:
        return signed_caller.call(method, f"{at}{path}", body, token)

    call("GET")
    call("POST", "/turns", {"text": "hello"})
    asked = call("POST", "/turns", {"text": "send it back", "client_id": "m-2"})["turns"][1]
    option = asked["reply"]["options"][0]["article"]
    call("POST", "/choice", {"n": asked["n"], "article": option})
    chosen = call("POST", "/choice", {"n": asked["n"], "article": option})["turns"][1]["n"]
    call("POST", "/choice", {"n": asked["n"], "article": None})
    call("POST", "/turns", {"text": "how long until I have my money back for order 48-2210931"})
    call("POST", f"/turns/{chosen}/feedback", chat_examples.VERDICT)
    call("GET", "/package")
    call("PATCH", "/package", chat_examples.CORRECTION)
    call("POST", "/identity", mine)
    call("POST", "/handoff", chat_examples.NEW_HANDOFF)
    call("POST", "/turns", {"text": "are you there?"})
    call("GET")
    signed_caller.call("POST", CHAT, mine)
    signed_caller.call("POST", f"{CHAT}/mine", mine)
    signed_caller.call("POST", f"{at}/token", mine)
    call("DELETE", "/handoff")
    call("POST", "/typing")
    call("POST", "/read", {"n": 2})
    call("POST", "/satisfaction", chat_examples.SATISFACTION)
    call("POST", "/transcript", chat_examples.EMAIL)
    call("DELETE")
    assert signed_caller.called == set(CHATTING) - {f"GET {CHAT}/{{conversation_id}}/events"}


def waiting(client: TestClient) -> Chat:
    """A customer with a story, who waits for a person."""
    chat = begin(client, pages=[chat_examples.BASKET], searches=[chat_examples.SEARCH])
    (answer,) = chat.say("I forgot my password, order number 48-2210931")
    chat.call("POST", f"/turns/{answer['n']}/feedback", {"helped": False})
    chat.call("POST", "/handoff", {"contact": chat_examples.CONTACT})
    return chat


def test_every_route_of_the_desk_replies_as_described(
    client: TestClient, services: Services, keys: Keys
) -> None:
    caller, key = Caller(client), keys["agent"]
    waiting(client)

    def call(method: str, path: str, body: Any = None) -> Any:
        return caller.call(method, f"/api/v1{path}", body, key)

    call("GET", "/desk")
    (line,) = call("GET", "/handoffs?limit=1")["items"]
    case = f"/handoffs/{line['id']}"
    call("GET", case)
    call("POST", f"{case}/claim")
    call("PUT", "/desk/presence", desk_examples.NEW_PRESENCE)
    call("GET", "/handoffs?status=mine")
    call("DELETE", f"{case}/claim")
    call("POST", f"{case}/claim")
    call("POST", f"{case}/typing")
    call("POST", f"{case}/read", {"n": 2})
    call("POST", f"{case}/notes", desk_examples.NEW_NOTE)
    call("POST", f"{case}/replies", {"text": "Hello"})
    call("POST", f"{case}/replies", desk_examples.NEW_REPLY | {"version": 1})
    call("POST", f"{case}/draft", desk_examples.NEW_KNOWLEDGE)
    drafts = call("GET", "/suggestions?q=can you wrap my present")["items"]
    assert drafts[-1]["badges"] == ["not_validated"]
    call("GET", f"/suggestions?handoff={line['id']}")
    used = desk_examples.NEW_USE | {"handoff": line["id"], "version": 1}
    call("POST", "/articles/reset-password/uses", used)
    call("POST", "/articles/reset-password/flags", {"reason": "60 minutes now"})
    made = call("POST", "/articles/reset-password/verifications", desk_examples.NEW_VERIFICATION)
    call("DELETE", f"/articles/reset-password/verifications/{made['id']}")
    call("POST", f"{case}/transfer", desk_examples.NEW_TRANSFER)
    call("POST", f"{case}/claim")
    call("POST", f"{case}/resolution", desk_examples.NEW_RESOLUTION)
    call("GET", "/handoffs?status=resolved")
    call("GET", "/desk")
    assert caller.called == set(SERVING) - {"GET /api/v1/desk/events"}


def test_case_of_a_returning_customer_is_as_described(
    signed: TestClient, signed_caller: Caller, services: Services
) -> None:
    with transaction(services.engine) as session:
        key = {"Authorization": f"Bearer {add_key(session, 'agent')}"}
    for _ in range(2):
        chat = begin(signed, identity=identity(name="Léa", attributes={"plan": "club"}))
        chat.say("where is my refund")
        id_ = chat.call("POST", "/handoff")["handoff"]["id"]
        signed_caller.call("POST", f"/api/v1/handoffs/{id_}/claim", None, key)
        body = {"disposition": "other"}
        case = signed_caller.call("POST", f"/api/v1/handoffs/{id_}/resolution", body, key)
        signed_caller.call("GET", f"{CHAT}/{chat.id}", None, chat.headers)
    assert case["earlier"]
    assert case["customer"]["attributes"] == {"plan": "club"}


def test_case_has_the_names_of_the_published_format() -> None:
    described = package_shapes.Case.model_json_schema()
    published = SCHEMA["$defs"]["package"]["properties"]
    assert described["properties"].keys() == published.keys() - {"event", "occurred_at"}


@pytest.mark.parametrize(
    ("status", "method", "path", "body"),
    [
        (404, "GET", "", None),
        (404, "POST", "/turns/999/feedback", {"helped": True}),
        (409, "POST", "/turns/1/feedback", {"helped": True}),
        (422, "POST", "/turns", {"text": " "}),
        (422, "POST", "/handoff", {"wish": "callback"}),
        (422, "POST", "/choice", {"n": 1, "article": "refund-time"}),
        (403, "POST", "/identity", chat_examples.IDENTITY),
    ],
)
def test_every_problem_of_the_chat_is_as_described(
    reader: TestClient, status: int, method: str, path: str, body: Any
) -> None:
    chat = begin(reader)
    chat.say("i forgot my password")
    id_ = chat.id if path else "another"
    reply = reader.request(method, f"{CHAT}/{id_}{path}", json=body, headers=chat.headers)
    assert reply.status_code == status == reply.json()["status"]
    assert is_as_described(reply)


# -- events ------------------------------------------------------------------------


@pytest.fixture
def ending(services: Services, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client whose streams end when there is nothing more to send."""
    app = create_app(replace(services))

    async def ends(woken: object) -> bool:
        app.state.feed.is_stopping = True
        return True

    monkeypatch.setattr(live, "_woken", ends)
    with TestClient(app) as opened:
        yield opened


def events(client: TestClient, path: str, headers: Headers, last: int | None) -> dict[str, Any]:
    """What a stream sends, by kind."""
    client.app.state.feed.is_stopping = False  # type: ignore[attr-defined]
    after = {} if last is None else {"Last-Event-ID": str(last)}
    reply: httpx.Response = client.get(path, headers=headers | after)
    assert reply.headers["content-type"].startswith("text/event-stream")
    return dict(events_in(reply.text))


def test_every_event_is_as_described(ending: TestClient, keys: Keys) -> None:
    chat, agent = waiting(ending), keys["agent"]
    case = f"/api/v1/handoffs/{chat.read()['handoff']['id']}"
    for path, body in (
        ("claim", None),
        ("replies", {"text": "Hello"}),
        ("read", {"n": 2}),
        ("typing", None),
    ):
        assert ending.post(f"{case}/{path}", json=body, headers=agent).is_success
    chat.call("POST", "/typing")
    sent = events(ending, f"{CHAT}/{chat.id}/events", chat.headers, 0)
    told = events(ending, "/api/v1/desk/events", agent, 0)
    assert sent.keys() == chat_shapes.EVENTS.keys() - {"deleted"}
    assert told.keys() == desk_shapes.EVENTS.keys()
    for found, shapes in ((sent, chat_shapes.EVENTS), (told, desk_shapes.EVENTS)):
        for kind, data in found.items():
            assert keeps_to(shapes[kind], json.dumps(data)), kind


def test_stream_begins_with_how_things_stand(ending: TestClient) -> None:
    chat = waiting(ending)
    sent = events(ending, f"{CHAT}/{chat.id}/events", chat.headers, None)
    assert sent.keys() == {"conversation"}
    assert keeps_to(chat_shapes.Standing, json.dumps(sent["conversation"]))
