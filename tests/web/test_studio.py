"""The studio's frame: who may enter, and where everybody's day begins."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize(("role", "home"), [("agent", "/desk"), ("contributor", "/studio")])
def test_everybody_begins_where_their_work_is(
    sign_in: Callable[[str], str], role: str, home: str
) -> None:
    assert sign_in(role) == home


def test_studio_asks_strangers_to_sign_in_and_brings_them_back(client: TestClient) -> None:
    response = client.get("/studio?locale=ko", follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == "/login?next=%2Fstudio%3Flocale%3Dko"


def test_studio_opens_in_the_editors_language(
    sign_in: Callable[[str], str], client: TestClient
) -> None:
    sign_in("contributor")
    page = client.get("/studio?locale=fa").text
    assert 'dir="rtl"' in page
    assert "استودیو" in page
