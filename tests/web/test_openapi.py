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
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kb.articles import answer_digest
from tests.web.conftest import Keys
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
OPERATIONS = [
    "POST /api/v1/ask",
    "GET /api/v1/search",
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
    "GET /api/v1/receipts/{receipt_id}",
    "GET /healthz",
    "GET /readyz",
]
STATIC = Path(__file__).parents[2] / "web" / "static"


@pytest.fixture(scope="session")
def api(open_shop: Services) -> Any:
    """The description, asked of the application itself."""
    return schemathesis.openapi.from_asgi("/api/openapi.json", create_app(open_shop))


@pytest.fixture(scope="session")
def described(reader: TestClient) -> dict[str, Any]:
    """The description as JSON."""
    found: dict[str, Any] = reader.get("/api/openapi.json").json()
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("role", ["public", "agent"])
def test_api_keeps_to_its_description(
    api: Any, reader_keys: Keys, operation: str, role: str
) -> None:
    # An agent may write drafts but publish nothing, so the shop stays as it is.
    headers = reader_keys.get(role)
    method, path = operation.split()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=api[path][method].as_strategy())
    def keeps_to_it(case: Any) -> None:
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
                (content,) = reply["content"].values()
                yield f"{name} {status}", content


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
    # The components stand beside the schema, so that its references find them.
    schema = content["schema"] | {"components": described["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    shown = examples_of(described, content)
    assert shown, name
    for example in shown:
        assert not [error.message for error in validator.iter_errors(example)], name


def refuses(client: TestClient, name: str, body: Any, key: str = "") -> bool:
    """Whether an operation answers 401 to what is fine in all else."""
    receipt = client.post("/api/v1/ask", json={"question": "i forgot my password"}).json()[
        "receipt"
    ]
    method, path = name.split()
    path = path.format(slug="reset-password", version=1, receipt_id=receipt["id"])
    headers = {"Authorization": f"Bearer {key}"} if key else None
    sent = client.request(method, path, json=body, headers=headers, params={"q": "refund"})
    return sent.status_code == 401


def test_operations_say_truly_what_they_do_with_a_key(
    reader: TestClient, described: dict[str, Any]
) -> None:
    sent = {name: examples_of(described, content)[0] for name, content in bodies(described)}
    for name, operation in operations(described).items():
        security, body = operation.get("security", []), sent.get(name)
        assert refuses(reader, name, body) == (security == [{"key": []}]), name
        assert refuses(reader, name, body, "forged") == ({"key": []} in security), name


def test_key_is_a_bearer_token(described: dict[str, Any], reader_keys: Keys) -> None:
    scheme = described["components"]["securitySchemes"]["key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert reader_keys["agent"]["Authorization"].startswith("Bearer ")


def test_every_success_has_a_schema_and_examples_that_keep_to_it(described: dict[str, Any]) -> None:
    found = list(replies(described, "2"))
    assert len(found) == len(OPERATIONS) - 1  # all but DELETE publication, which says nothing
    for name, content in found:
        check(described, name, content)


def test_every_body_has_an_example_that_keeps_to_its_schema(described: dict[str, Any]) -> None:
    found = list(bodies(described))
    assert len(found) == sum(name.startswith("POST") for name in OPERATIONS)
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
    closed = json.loads(json.dumps(described))
    for schema in closed["components"]["schemas"].values():
        schema["additionalProperties"] = False
    for content in (*replies(closed, "2"), *replies(closed, "4"), *bodies(closed)):
        check(closed, *content)


def test_digest_in_an_example_is_that_of_its_text(described: dict[str, Any]) -> None:
    shown = [e for _, content in replies(described, "2") for e in examples_of(described, content)]
    answers = [found for found in map(answer_in, shown) if found]
    assert len(answers) > 8
    assert all(answer["sha256"] == answer_digest(answer["text"]) for answer in answers)


def answer_in(example: dict[str, Any]) -> Any:
    """The words in an example, wherever they stand."""
    return example if "sha256" in example else example.get("answer")


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
