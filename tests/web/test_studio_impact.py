"""What a publication would change, on its page: replayed, seen, signed."""

import time

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, col, select

from kb.db import transaction
from kb.history import Event
from kb.people import add_person
from kb.publishing import publish
from tests.cast import GOODWILL, SENDING_BACK, approved, mina
from web.services import Services

PASSWORD = "a long enough password"
REVISION = "/studio/articles/sending-back/en/1"
PAGE = f"{REVISION}/impact"
QUESTION = "how do I return this"


def enter(services: Services, client: TestClient, role: str = "publisher") -> None:
    with transaction(services.engine) as session:
        add_person(session, f"{role}@example.com", role, password=PASSWORD)
    client.post("/login", data={"email": f"{role}@example.com", "password": PASSWORD})


@pytest.fixture
def replayed(services: Services, client: TestClient) -> str:
    """The page of a replay that is over, for an article whose question was asked twice."""
    for question in (QUESTION, QUESTION, "I forgot my password"):
        client.post("/api/v1/ask", json={"question": question, "locale": "en"})
    with transaction(services.engine) as session:
        approved(session, "sending-back", SENDING_BACK)
    enter(services, client)
    return replay(client)


def replay(client: TestClient) -> str:
    assert client.post(PAGE, follow_redirects=False).status_code == 303
    until = time.monotonic() + 60
    while client.get(f"{PAGE}/progress").json()["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.05)
    return client.get(PAGE).text


def run_in(page: str) -> str:
    return page.split('name="run" value="')[1].split('"')[0]


def test_publisher_sees_what_is_gained_and_signs(
    services: Services, client: TestClient, replayed: str
) -> None:
    assert QUESTION in replayed
    assert "asked 2 times" in replayed
    done = client.post(f"{PAGE}/publication", data={"run": run_in(replayed)})
    assert "signed with what you saw" in done.text
    with Session(services.engine) as session:
        query = select(Event).where(Event.kind == "published").order_by(col(Event.id).desc())
        event = session.exec(query.limit(1)).one()
    seen = {"questions": 3, "lost": 0, "changed": 0, "gained": 2, "asked_back": 0, "words": 0}
    assert event.data["impact"] == seen
    assert client.post("/api/v1/ask", json={"question": QUESTION}).json()["outcome"] == "answered"


def test_publication_at_a_time_is_signed_too(
    services: Services, client: TestClient, replayed: str
) -> None:
    form = {"run": run_in(replayed), "when": "at", "zone": "UTC"}
    missing = client.post(f"{PAGE}/publication", data=form)
    assert (missing.status_code, "Choose when it should go live." in missing.text) == (422, True)
    done = client.post(f"{PAGE}/publication", data=form | {"starts": "2199-01-01T08:00"})
    assert "goes live by itself at that time" in done.text
    with Session(services.engine) as session:
        event = session.exec(select(Event).where(Event.kind == "scheduled")).one()
    assert event.data["impact"]["gained"] == 2
    assert event.data["starts_at"].startswith("2199-01-01T08:00")


def test_what_was_seen_before_something_else_changed_cannot_be_signed(
    services: Services, client: TestClient, replayed: str
) -> None:
    with transaction(services.engine) as session:
        publish(session, approved(session, "goodwill-credit", GOODWILL), mina(session))
    refused = client.post(f"{PAGE}/publication", data={"run": run_in(replayed)})
    assert refused.status_code == 409
    assert "Nothing was published" in refused.text
    assert "may no longer be true" in client.get(PAGE).text
    assert "may no longer be true" in client.get(REVISION).text


def test_figures_stand_where_somebody_publishes(client: TestClient, replayed: str) -> None:
    page = client.get(REVISION).text
    assert "Of 3 questions that were asked:" in page
    assert "lost 0, another article 0, gained 2, new words 0." in page
    assert f'href="{PAGE}"' in page


def test_version_that_nobody_replayed_says_so(services: Services, client: TestClient) -> None:
    with transaction(services.engine) as session:
        approved(session, "sending-back", SENDING_BACK)
    enter(services, client)
    assert "Nobody has asked the recorded questions" in client.get(REVISION).text


def test_page_shows_one_kind_and_one_language(client: TestClient, replayed: str) -> None:
    assert QUESTION in client.get(f"{PAGE}?kind=gained&readers=en&page=7").text
    assert QUESTION not in client.get(f"{PAGE}?kind=lost").text


def test_contributor_may_not_replay(services: Services, client: TestClient) -> None:
    with transaction(services.engine) as session:
        approved(session, "sending-back", SENDING_BACK)
    enter(services, client, "contributor")
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE).status_code == 403
