"""Alive, ready, and figures for those who run it."""

import re

from fastapi.testclient import TestClient

from kb.settings import Settings
from retriever.index import Index
from web.app import create_app
from web.services import Services


def test_process_is_up(reader: TestClient) -> None:
    assert reader.get("/healthz").json() == {"status": "ok"}


def test_ready_says_which_state_is_answered_from(reader: TestClient) -> None:
    found = reader.get("/readyz").json()
    assert found["status"] == "ready"
    assert found["epoch"] == found["store_epoch"] > 0


def test_not_ready_before_the_first_index(open_shop: Services) -> None:
    index = Index(open_shop.engine, open_shop.index.vectors, open_shop.index.encoders)
    services = Services(Settings(home=open_shop.settings.home), open_shop.engine, index, None)
    response = TestClient(create_app(services)).get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "starting")


def test_metrics_count_requests_by_route_and_not_by_address(reader: TestClient) -> None:
    reader.get("/api/v1/articles/reset-password")
    reader.get("/api/v1/articles/no-such-article")
    response = reader.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    route = r'verbatim_requests_total\{route="/api/v1/articles/\{slug\}",status="404"\} (\d+)'
    assert re.search(route, response.text)
    assert "no-such-article" not in response.text
    assert "verbatim_request_seconds_bucket" in response.text
