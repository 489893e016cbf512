"""The description that programs read, and whether the API keeps to it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from assistant.phrases import phrase
from kb.articles import answer_digest
from kb.db import reading
from retriever.embeddings import Encoder
from retriever.vectors import VectorStore
from tests.web.conftest import Keys, make_keys, opened_shop
from tests.web.test_conversation_api import begin
from web import turn_examples
from web.app import create_app
from web.services import Services

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ARTICLE = "/api/v1/articles/{slug}"
CHAT = "/api/v1/conversations/{conversation_id}"
CASE = "/api/v1/handoffs/{handoff_id}"
KNOWLEDGE = [
    "POST /api/v1/ask",
    "GET /api/v1/search",
    "GET /api/v1/notices",
    "GET /api/v1/articles",
    "POST /api/v1/articles",
    f"GET {ARTICLE}",
    f"GET {ARTICLE}/versions/{{version}}",
    f"POST {ARTICLE}/revisions",
    f"POST {ARTICLE}/revisions/{{version}}/review",
    f"DELETE {ARTICLE}/revisions/{{version}}/review",
    f"POST {ARTICLE}/revisions/{{version}}/approval",
    f"POST {ARTICLE}/publication",
    f"DELETE {ARTICLE}/publication",
    "GET /api/v1/keys",
    "GET /api/v1/past",
    "GET /api/v1/receipts/head",
    "GET /api/v1/receipts/{receipt_id}",
    "GET /api/v1/corrections",
    "GET /healthz",
    "GET /readyz",
]
CHATTING = [
    "POST /api/v1/conversations",
    "POST /api/v1/conversations/mine",
    f"POST {CHAT}/token",
    f"GET {CHAT}",
    f"DELETE {CHAT}",
    f"POST {CHAT}/identity",
    f"POST {CHAT}/turns",
    f"POST {CHAT}/choice",
    f"POST {CHAT}/turns/{{number}}/feedback",
    f"GET {CHAT}/package",
    f"PATCH {CHAT}/package",
    f"POST {CHAT}/handoff",
    f"DELETE {CHAT}/handoff",
    f"POST {CHAT}/typing",
    f"POST {CHAT}/read",
    f"POST {CHAT}/satisfaction",
    f"POST {CHAT}/transcript",
    f"GET {CHAT}/events",
]
SERVING = [
    "GET /api/v1/desk",
    "PUT /api/v1/desk/presence",
    "GET /api/v1/desk/events",
    "GET /api/v1/handoffs",
    f"GET {CASE}",
    f"POST {CASE}/claim",
    f"DELETE {CASE}/claim",
    f"POST {CASE}/replies",
    f"POST {CASE}/notes",
    f"POST {CASE}/typing",
    f"POST {CASE}/read",
    f"POST {CASE}/transfer",
    f"POST {CASE}/resolution",
    f"POST {CASE}/draft",
    "GET /api/v1/suggestions",
    f"POST {ARTICLE}/uses",
    f"POST {ARTICLE}/flags",
    f"POST {ARTICLE}/verifications",
    f"DELETE {ARTICLE}/verifications/{{verification_id}}",
]
OPERATIONS = [*KNOWLEDGE, *CHATTING, *SERVING]
SAYING_NOTHING = {
    f"DELETE {ARTICLE}/publication",
    f"DELETE {ARTICLE}/verifications/{{verification_id}}",
    f"DELETE {CHAT}",
    *(f"POST {at}/{verb}" for at in (CHAT, CASE) for verb in ("typing", "read")),
    f"GET {CHAT}/events",
    "GET /api/v1/desk/events",
}
SENT_NOTHING = {f"POST {CHAT}/typing", f"POST {CASE}/typing", f"POST {CASE}/claim"}
STREAM = "text/event-stream"
STATIC = Path(__file__).parents[2] / "web" / "static"


@pytest.fixture(scope="module")
def tried_shop(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Services]:
    """A shop of its own, since what is tried leaves drafts and cases."""
    with opened_shop(tmp_path_factory.mktemp("tried"), vectors, encoders) as services:
        yield services


@pytest.fixture(scope="module")
def tried_keys(tried_shop: Services) -> Keys:
    """Headers with a key, by role."""
    return make_keys(tried_shop)


@pytest.fixture(scope="module")
def api(tried_shop: Services) -> Any:
    """The description, asked of the application itself; its streams end as they begin."""
    app = create_app(tried_shop)
    app.state.feed.is_stopping = True
    return schemathesis.openapi.from_asgi("/api/openapi.json", app)


@pytest.fixture(scope="session")
def described(reader: TestClient) -> dict[str, Any]:
    """The description as JSON."""
    found: dict[str, Any] = reader.get("/api/openapi.json").json()
    return found


@pytest.mark.parametrize("operation", KNOWLEDGE)
@pytest.mark.parametrize("role", ["public", "agent"])
def test_api_keeps_to_its_description(
    api: Any, tried_keys: Keys, operation: str, role: str
) -> None:
    # An agent may write drafts but publish nothing, so what is asked keeps its answer.
    headers = tried_keys.get(role)
    method, path = operation.split()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=api[path][method].as_strategy())
    def keeps_to_it(case: Any) -> None:
        case.call_and_validate(checks=CHECKS, headers=headers)

    keeps_to_it()


@pytest.mark.parametrize("operation", [*CHATTING, *SERVING])
def test_chat_and_desk_keep_to_their_description(
    api: Any, tried_shop: Services, tried_keys: Keys, operation: str
) -> None:
    client = TestClient(create_app(tried_shop))
    chat = begin(client)
    chat.say("i forgot my password")
    id_ = chat.call("POST", "/handoff")["handoff"]["id"]
    agent = tried_keys["agent"]
    if operation in SERVING:
        assert client.post(CASE.format(handoff_id=id_) + "/claim", headers=agent).is_success
    place = {"conversation_id": chat.id, "number": 2, "handoff_id": id_, "slug": "reset-password"}
    method, path = operation.split()

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=api[path][method].as_strategy(), is_there=booleans())
    def keeps_to_it(case: Any, is_there: bool) -> None:
        if is_there:
            case.path_parameters = {n: place.get(n, v) for n, v in case.path_parameters.items()}
        headers = agent if operation in SERVING else chat.headers
        case.call_and_validate(checks=CHECKS, headers=headers)

    keeps_to_it()


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation, by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_has_a_summary_tags_and_a_description(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        assert operation.get("summary"), name
        assert operation.get("tags"), name
        assert operation.get("description"), name


def test_every_operation_of_the_contract_is_described(described: dict[str, Any]) -> None:
    assert set(operations(described)) == set(OPERATIONS)


def test_every_error_is_described_as_a_problem(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        for status, reply in operation["responses"].items():
            if status.startswith("4"):
                assert list(reply["content"]) == ["application/problem+json"], (name, status)


Content = tuple[str, dict[str, Any]]


def replies(described: dict[str, Any], first_digit: str) -> Iterator[Content]:
    """The content of every documented reply with such a status, by operation and status."""
    for name, operation in operations(described).items():
        for status, reply in operation["responses"].items():
            if status.startswith(first_digit) and status != "204":
                ((kind, content),) = reply["content"].items()
                if kind != STREAM:
                    yield f"{name} {status}", content


def streams(described: dict[str, Any]) -> Iterator[Content]:
    """The content of every documented stream of events, by operation."""
    for name, operation in operations(described).items():
        reply = operation["responses"].get("200", {}).get("content", {})
        if STREAM in reply:
            yield name, reply[STREAM]


def bodies(described: dict[str, Any]) -> Iterator[Content]:
    """The content of every request body, by operation."""
    for name, operation in operations(described).items():
        if "requestBody" in operation:
            yield name, operation["requestBody"]["content"]["application/json"]


def resolved(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The object that a schema means, also when it may be left out."""
    named = [s["$ref"] for s in (schema, *schema.get("anyOf", [])) if "$ref" in s]
    return described["components"]["schemas"][named[0].rsplit("/", 1)[1]] if named else schema


def examples_of(described: dict[str, Any], content: dict[str, Any]) -> list[Any]:
    """Its examples, wherever OpenAPI lets them be written."""
    shared = described["components"]["examples"]
    named = [example["$ref"].rsplit("/", 1)[1] for example in content.get("examples", {}).values()]
    shown = [shared[name]["value"] for name in named]
    shown += [content["example"]] if "example" in content else []
    return shown + resolved(described, content["schema"]).get("examples", [])


def check(described: dict[str, Any], name: str, content: dict[str, Any]) -> None:
    """Fails without a typed schema, without an example, and for an example that breaks it."""
    assert resolved(described, content["schema"]).get("properties"), name
    assert content["schema"].keys() <= {"$ref", "anyOf", "title"}, name
    shown = examples_of(described, content)
    assert shown, name
    for example in shown:
        assert not wrong_with(described, content["schema"], example), name


def wrong_with(described: dict[str, Any], schema: dict[str, Any], example: Any) -> list[str]:
    """What a schema has against an example."""
    # The components stand beside the schema, so that its references find them.
    schema = schema | {"components": described["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [error.message for error in validator.iter_errors(example)]


# What addresses ask for; each operation takes what is its own.
ASKED = {"q": "refund", "question": "refund", "at": "2026-01-01T00:00:00Z"}


def status_of(client: TestClient, name: str, body: Any, key: str = "") -> int:
    """What an operation answers to what is fine in all but the key."""
    receipt = client.post("/api/v1/ask", json={"question": "i forgot my password"}).json()[
        "receipt"
    ]
    method, path = name.split()
    article = {"slug": "reset-password", "version": 1, "receipt_id": receipt["id"]}
    article |= {"verification_id": 1}
    path = path.format(**article, conversation_id="none", number=1, handoff_id=1)
    headers = {"Authorization": f"Bearer {key}"} if key else None
    sent = client.request(method, path, json=body, headers=headers, params=ASKED)
    return sent.status_code


def test_operations_say_truly_what_they_do_with_a_key(
    reader: TestClient, described: dict[str, Any]
) -> None:
    sent = {name: examples_of(described, content)[0] for name, content in bodies(described)}
    for name, operation in operations(described).items():
        security, body = operation.get("security", []), sent.get(name)
        needed = security in ([{"key": []}], [{"conversation": []}])
        assert (status_of(reader, name, body) == 401) == needed, name
        forged = status_of(reader, name, body, "forged")
        assert (forged == 401) == ({"key": []} in security), name
        assert forged in (403, 404) or {"conversation": []} not in security, name


def test_key_and_token_are_bearer_tokens(described: dict[str, Any], reader_keys: Keys) -> None:
    schemes = described["components"]["securitySchemes"]
    assert set(schemes) == {"key", "conversation"}
    assert all((s["type"], s["scheme"]) == ("http", "bearer") for s in schemes.values())
    assert reader_keys["agent"]["Authorization"].startswith("Bearer ")


def test_every_success_has_a_schema_and_examples_that_keep_to_it(described: dict[str, Any]) -> None:
    found = list(replies(described, "2"))
    assert {name.rsplit(" ", 1)[0] for name, _ in found} == set(OPERATIONS) - SAYING_NOTHING
    for name, content in found:
        check(described, name, content)


def test_every_body_has_an_example_that_keeps_to_its_schema(described: dict[str, Any]) -> None:
    found = list(bodies(described))
    sending = {name for name in OPERATIONS if name.startswith("P")}
    assert {name for name, _ in found} == sending - SENT_NOTHING
    for name, content in found:
        check(described, name, content)


def test_every_problem_has_an_example_of_its_own_status(described: dict[str, Any]) -> None:
    for name, content in replies(described, "4"):
        check(described, name, content)
        assert name.endswith(str(content["example"]["status"]))


def test_unready_server_has_an_example(described: dict[str, Any]) -> None:
    for name, content in replies(described, "5"):
        check(described, name, content)


def test_examples_hold_only_fields_of_their_schema(described: dict[str, Any]) -> None:
    closed = closed_to_more(described)
    for content in (*replies(closed, "2"), *replies(closed, "4"), *bodies(closed)):
        check(closed, *content)


def closed_to_more(described: dict[str, Any]) -> dict[str, Any]:
    """The same description, which takes no field that it does not name."""
    closed: dict[str, Any] = json.loads(json.dumps(described))
    for schema in closed["components"]["schemas"].values():
        schema["additionalProperties"] = False
    return closed


def test_every_event_of_a_stream_has_an_example_that_keeps_to_its_schema(
    described: dict[str, Any],
) -> None:
    closed = closed_to_more(described)
    assert len(list(streams(closed))) == 2
    for name, content in streams(closed):
        shown = [event for text in examples_of(closed, content) for event in events_in(text)]
        assert {kind for kind, _ in shown} == set(content["x-events"]), name
        for kind, data in shown:
            assert not wrong_with(closed, content["x-events"][kind], data), (name, kind)


def events_in(text: str) -> list[tuple[str, Any]]:
    """The kind and the data of every event that was sent."""
    found = re.findall(r"^event: (\w+)\ndata: (.*)\n\n", text, re.M)
    return [(kind, json.loads(data)) for kind, data in found]


def test_digest_in_an_example_is_that_of_its_text(described: dict[str, Any]) -> None:
    shown = [e for _, content in replies(described, "2") for e in examples_of(described, content)]
    words = [found for found in parts_of(shown) if "sha256" in found and "text" in found]
    assert len(words) > 50
    assert all(found["sha256"] == answer_digest(found["text"]) for found in words)


def parts_of(example: Any) -> Iterator[dict[str, Any]]:
    """Every object in an example, however deep."""
    inner = example.values() if isinstance(example, dict) else example
    if isinstance(example, dict):
        yield example
    if isinstance(example, dict | list):
        for part in inner:
            yield from parts_of(part)


@pytest.mark.parametrize("name", turn_examples.PHRASES)
def test_phrase_in_an_example_is_one_that_is_said(open_shop: Services, name: str) -> None:
    with reading(open_shop.engine) as session:
        assert phrase(session, name, "en").text == turn_examples.PHRASES[name]


def test_documentation_loads_only_own_files(reader: TestClient) -> None:
    page = reader.get("/api/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    assert all(address.startswith("/") and not address.startswith("//") for address in loaded)
    assert all(reader.get(address).status_code == 200 for address in loaded)
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_documentation_s_own_script_calls_nobody_else() -> None:
    assert "http" not in (STATIC / "api-docs.js").read_text("utf-8")


def test_description_is_valid_json_without_secrets(reader: TestClient) -> None:
    text = reader.get("/api/openapi.json").text
    assert json.loads(text)["openapi"].startswith("3.")
    assert "vb_" not in text
