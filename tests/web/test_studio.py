"""The studio's frame: who may enter, and where everybody's day begins."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from kb.people import add_person
from web.services import Services

PASSWORD = "a long enough password"


@pytest.fixture
def sign_in(services: Services, client: TestClient) -> Callable[[str], str]:
    """Signs somebody of that role in; where they are sent."""

    def enter(role: str) -> str:
        with Session(services.engine) as session:
            add_person(session, f"{role}@example.com", role, password=PASSWORD)
            session.commit()
        form = {"email": f"{role}@example.com", "password": PASSWORD}
        return str(client.post("/login", data=form, follow_redirects=False).headers["location"])

    return enter


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
