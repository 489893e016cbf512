"""The description that programs read, and whether the API keeps to it."""

import json
import re
from pathlib import Path
from typing import Any

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
