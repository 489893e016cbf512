"""What stands before every route: rate, size, headers, and calm when something breaks."""

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient

from kb.errors import Invalid
from kb.settings import Settings
from web.app import create_app
from web.rates import RateLimiter
from web.services import Services

SECURITY = (
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
)


@pytest.fixture
def limited(open_shop: Services) -> TestClient:
    """Three requests an hour, 1,000 bytes each."""
    settings = Settings(home=open_shop.settings.home, rate_limit="3/hour", max_request_bytes=1000)
    services = Services(settings, open_shop.engine, open_shop.index, None, local_token="inside")
    return TestClient(create_app(services), raise_server_exceptions=False)


def test_too_many_requests_are_told_when_to_come_back(limited: TestClient) -> None:
    statuses = [limited.get("/api/v1/articles").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = limited.get("/api/v1/articles")
    assert refused.headers["content-type"] == "application/problem+json"
    assert 3500 < int(refused.headers["retry-after"]) <= 3600


def test_person_who_asks_too_often_sees_a_page(limited: TestClient) -> None:
    for _ in range(4):
        refused = limited.get("/en/")
    assert (refused.status_code, refused.headers["retry-after"].isdigit()) == (429, True)
    assert refused.headers["content-type"].startswith("text/html")


def test_this_machine_s_command_line_has_no_limit(limited: TestClient) -> None:
    inside, forged = {b"X-Verbatim-Local": b"inside"}, {b"X-Verbatim-Local": b"insid\xe9"}
    for _ in range(5):
        assert limited.get("/api/v1/articles", headers=inside).status_code == 200
    statuses = [limited.get("/api/v1/articles", headers=forged).status_code for _ in range(4)]
    assert statuses[-1] == 429


def test_probes_and_files_are_not_counted(limited: TestClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/static/verbatim.css") * 2:
        assert limited.get(path).status_code == 200


def test_limit_is_each_client_s_own(limited: TestClient) -> None:
    other = TestClient(limited.app, client=("203.0.113.9", 1))
    for _ in range(4):
        limited.get("/api/v1/articles")
    assert other.get("/api/v1/articles").status_code == 200


def test_request_over_the_size_limit_is_refused(limited: TestClient) -> None:
    refused = limited.post("/api/v1/ask", json={"question": "x" * 1000})
    assert refused.status_code == 413
    assert "1,000" in refused.json()["detail"]


def test_rate_limit_that_cannot_be_read_stops_the_start(open_shop: Services) -> None:
    settings = Settings(home=open_shop.settings.home, rate_limit="often")
    services = Services(settings, open_shop.engine, open_shop.index, None)
    with pytest.raises(Invalid, match="VERBATIM_RATE_LIMIT"):
        create_app(services)
    assert RateLimiter("OFF").wait("anyone") == 0


@pytest.mark.parametrize(
    "path",
    [
        "/", "/en/", "/fa/search?q=refund", "/en/articles/reset-password", "/nothing", "/xx/",
        "/api/v1/articles", "/api/v1/articles/nothing", "/api/v1/nothing", "/api/docs",
        "/api/openapi.json", "/healthz", "/readyz", "/metrics", "/static/verbatim.css",
        "/static/nothing.css", "/sitemap.xml", "/robots.txt",
    ],
)  # fmt: skip
def test_every_reply_carries_the_security_headers(reader: TestClient, path: str) -> None:
    for response in (
        reader.get(path, follow_redirects=False),
        reader.request("DELETE", path, follow_redirects=False),
    ):
        for name in SECURITY:
            assert name in response.headers, (path, response.status_code, name)
        policy = response.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "server" not in response.headers


def test_refusals_carry_the_security_headers(limited: TestClient) -> None:
    too_large = limited.post("/api/v1/ask", content=b"x" * 2000)
    replies = [limited.get("/en/") for _ in range(4)]
    for response in (too_large, replies[-1]):
        assert all(name in response.headers for name in SECURITY)


@pytest.fixture
def broken(open_shop: Services) -> TestClient:
    """An application with a fault in it."""
    app: FastAPI = create_app(open_shop)

    def fault(_request: Request) -> Response:
        raise RuntimeError("the secret ingredient")

    app.router.add_route("/api/v1/fault", fault)
    app.router.add_route("/fault", fault)
    # Before the site's own catch-all addresses.
    app.router.routes.insert(0, app.router.routes.pop())
    return TestClient(app, raise_server_exceptions=False)


def test_fault_is_a_problem_with_a_reference_and_nothing_else(
    broken: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = broken.get("/api/v1/fault")
    assert (response.status_code, response.json()["status"]) == (500, 500)
    assert "ingredient" not in response.text
    assert all(name in response.headers for name in SECURITY)
    reference = response.json()["detail"].split("reference ")[1].rstrip(").")
    assert reference in caplog.text


def test_fault_is_a_page_for_a_person(broken: TestClient) -> None:
    response = broken.get("/fault")
    assert response.status_code == 500
    assert response.headers["content-type"].startswith("text/html")
    assert "ingredient" not in response.text
