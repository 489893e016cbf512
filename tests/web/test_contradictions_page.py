"""Contradictions in the studio, over the API and on the command line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from assistant.collation import look_at
from assistant.contradictions import open_contradictions
from kb.articles import Revision, Wording
from kb.db import transaction
from tests.cast import approved
from tests.web.conftest import Keys, run, write_content
from web.app import create_app
from web.collator import Collator, last_sought
from web.services import Services

PARCEL = Wording(
    title="What a parcel to you costs",
    answer="Delivery costs €4.50 and is free from €50.",
    phrasings=("parcel price",),
    category="orders",
)
PLACE = "/studio/articles/parcel-price/en/1"
SignIn = Callable[[str], str]


@pytest.fixture
def parcel(services: Services) -> Revision:
    """Approved, not published, and at odds with what delivery costs."""
    with transaction(services.engine) as session:
        return approved(session, "parcel-price", PARCEL)


def blocking(services: Services) -> TestClient:
    settings = services.settings.model_copy(update={"contradictions": "block"})
    return TestClient(create_app(replace(services, settings=settings)))


def test_version_shows_what_it_contradicts_before_it_is_published(
    client: TestClient, sign_in: SignIn, parcel: Revision
) -> None:
    sign_in("publisher")
    page = client.get(PLACE).text
    assert "1 contradiction in this version" in page
    assert "<mark>€4.50</mark>" in page
    assert "<mark>€3.95</mark>" in page
    assert client.post(f"{PLACE}/publication", data={"when": "now"}).status_code == 200


def test_a_house_that_blocks_publishes_only_what_is_dismissed(
    services: Services, client: TestClient, sign_in: SignIn, parcel: Revision
) -> None:
    sign_in("publisher")
    strict = blocking(services)
    strict.cookies = client.cookies
    refused = strict.post(f"{PLACE}/publication", data={"when": "now"})
    assert (refused.status_code, "delivery-costs (en)" in refused.text) == (409, True)
    with Session(services.engine) as session:
        (row,) = open_contradictions(session)
    form = {"reason": "parcels abroad", "back": PLACE}
    back = strict.post(f"/studio/contradictions/{row.id}/dismissal", data=form)
    assert back.url.path == PLACE
    published = strict.post(f"{PLACE}/publication", data={"when": "now"}, follow_redirects=False)
    assert published.headers["location"] == f"{PLACE}?done=published"


def test_where_contradictions_block_only_who_may_approve_dismisses(
    services: Services, client: TestClient, sign_in: SignIn, parcel: Revision
) -> None:
    sign_in("contributor")
    (row,) = look_at(services.engine, services.index, parcel)
    strict = blocking(services)
    strict.cookies = client.cookies
    for page in (PLACE, "/studio/contradictions"):
        shown = strict.get(page).text
        assert "Whoever may approve can dismiss it." in shown
        assert "/dismissal" not in shown
    path = f"/studio/contradictions/{row.id}/dismissal"
    assert strict.post(path, data={"reason": "let me through"}).status_code == 403
    with Session(services.engine) as session:
        assert [kept.id for kept in open_contradictions(session)] == [row.id]


def test_program_is_told_which_article_it_contradicts(
    services: Services, keys: Keys, parcel: Revision
) -> None:
    path = "/api/v1/articles/parcel-price/publication"
    refused = blocking(services).post(path, json={"locale": "en"}, headers=keys["publisher"])
    assert refused.status_code == 409
    assert "contradicts delivery-costs (en)" in refused.json()["detail"]
    allowed = TestClient(create_app(services)).post(path, json={}, headers=keys["publisher"])
    assert allowed.status_code == 201


def test_list_takes_a_reason_and_gives_it_back(
    services: Services, client: TestClient, sign_in: SignIn, parcel: Revision
) -> None:
    sign_in("contributor")
    (row,) = look_at(services.engine, services.index, parcel)
    path = f"/studio/contradictions/{row.id}"
    assert client.post(f"{path}/dismissal", data={"reason": " "}).status_code == 422
    client.post(f"{path}/dismissal", data={"reason": "abroad, not here"})
    past = client.get("/studio/contradictions?state=past").text
    assert "abroad, not here" in past
    assert "No answer contradicts another" in client.get("/studio/contradictions").text
    client.post(f"{path}/reopening")
    assert "What a parcel to you costs" in client.get("/studio").text


def test_strangers_do_not_see_it(client: TestClient, parcel: Revision) -> None:
    seen = client.get("/studio/contradictions", follow_redirects=False)
    asked = client.post("/studio/contradictions/1/dismissal", follow_redirects=False)
    assert {seen.status_code, asked.status_code} == {303}
    assert "/login" in seen.headers["location"]


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/login"])
def test_dismissal_leads_nowhere_else(
    services: Services, client: TestClient, sign_in: SignIn, parcel: Revision, back: str
) -> None:
    sign_in("contributor")
    (row,) = look_at(services.engine, services.index, parcel)
    form = {"reason": "abroad", "back": back}
    path = f"/studio/contradictions/{row.id}/dismissal"
    sent = client.post(path, data=form, follow_redirects=False).headers["location"]
    assert sent == "/studio/contradictions?done=dismissed"


def test_night_reads_everything_once(services: Services, parcel: Revision) -> None:
    collator = Collator(services.engine, services.index, services.settings)
    with Session(services.engine) as session:
        assert last_sought(session) is None
    collator.all_of(parcel.created_at)
    with Session(services.engine) as session:
        night = last_sought(session)
    assert night
    assert night.data["open"] == 0
    assert not collator._is_night(parcel.created_at.replace(hour=services.settings.audit_hour))


def test_command_fails_while_answers_contradict(home: Path, tmp_path: Path) -> None:
    assert run(home, "contradictions").stdout.startswith("0 open")
    dearer = {
        "en/orders/parcel-price.md": (
            "title: What a parcel to you costs\n"
            "answer: Delivery costs €4.50 and is free from €50.\n"
            "phrasings: [parcel price]"
        )
    }
    run(home, "import", str(write_content(tmp_path / "more", dearer)))
    made = run(home, "contradictions", "--json")
    found = json.loads(made.stdout)
    assert (made.returncode, found["total"]) == (1, 1)
    sides = [found["items"][0][side] for side in ("one", "other")]
    facts = {side["article"]: side["facts"] for side in sides}
    assert facts == {"delivery-costs": ["€3.95"], "parcel-price": ["€4.50"]}
