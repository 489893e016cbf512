"""Shared facts in the studio: named, linked, changed with the approval of a second person."""

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event
from sqlmodel import Session, select

from assistant.notifications import Notification
from kb.db import transaction
from kb.fact_changes import FactChange
from kb.people import find_person
from kb.shared_facts import get_fact, name_fact
from tests.cast import DELIVERY_COSTS, mina, published, tariq
from tests.web.conftest import Keys
from web.services import Services

FEE = {"en": "€3.95", "it": "3,95 €"}
HOME = "/studio/facts"
ITALIAN = replace(DELIVERY_COSTS, title="Consegna", answer="Costa {{fee}}.", body="")
QUESTION = {"question": "how much is shipping"}


@pytest.fixture
def fee(services: Services) -> None:
    """Named, stated in Italian, said by hand in English."""
    with transaction(services.engine) as session:
        name_fact(session, "fee", FEE, tariq(session))
        published(session, "delivery-costs", ITALIAN, "it")


def seen_on(page: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def test_fact_is_named_and_listed(client: TestClient, keys: Keys) -> None:
    form = {"name": "delivery-fee", "about": "What a parcel costs", "value-en": "€3.95"}
    made = client.post(f"{HOME}/new", data=form, headers=keys["contributor"])
    assert made.url.path == f"{HOME}/delivery-fee"
    listed = client.get(HOME, headers=keys["contributor"]).text
    assert "{{delivery-fee}}" in listed
    assert "€3.95" in listed


@pytest.mark.parametrize(
    "form",
    [
        {"name": "Fee!", "value-en": "€1"},
        {"name": "new", "value-en": "€1"},
        {"name": "fee"},
        {"name": "fee", "value-en": "a`b"},
        {"name": "fee", "value-en": "x" * 121},
    ],
)
def test_what_cannot_be_named_stays_in_the_form(
    client: TestClient, keys: Keys, form: dict[str, str]
) -> None:
    refused = client.post(f"{HOME}/new", data=form, headers=keys["contributor"])
    assert refused.status_code == 422
    assert f'name="name" value="{form["name"]}"' in refused.text


@pytest.mark.usefixtures("fee")
def test_name_is_given_once(client: TestClient, keys: Keys) -> None:
    form = {"name": "fee", "value-en": "€1"}
    assert client.post(f"{HOME}/new", data=form, headers=keys["admin"]).status_code == 409


@pytest.mark.usefixtures("fee")
def test_change_shows_every_place_and_is_live_on_approval(
    client: TestClient, keys: Keys, services: Services
) -> None:
    page = client.get(f"{HOME}/fee", headers=keys["contributor"]).text
    ids = re.findall(r'name="revision" value="(\d+)"', page)
    linked = client.post(f"{HOME}/fee/links", data={"revision": ids}, headers=keys["contributor"])
    assert linked.url.params["done"] == "linked"
    assert client.post("/api/v1/ask", json=QUESTION).json()["answer"]["version"] == 1
    form = {"value-en": "€4.50", "value-it": "4,50 €", "why": "new contract"}
    proposed = client.post(f"{HOME}/fee/changes", data=form, headers=keys["contributor"])
    assert "Somebody else has to approve it." in proposed.text
    assert "<del>" in proposed.text
    place = proposed.url.path
    shown = client.get(place, headers=keys["publisher"]).text
    assert "1 receipt gave the words that are replaced." in shown
    listed = client.get(f"{place}/receipts.csv", headers=keys["publisher"]).text
    assert "delivery-costs,en,1," in listed
    done = client.post(
        f"{place}/approval", data={"seen": seen_on(shown)}, headers=keys["publisher"]
    )
    assert done.status_code == 200
    answer = client.post("/api/v1/ask", json=QUESTION).json()["answer"]
    assert answer["text"] == "Delivery costs €4.50 and is free from €50."
    italian = client.get("/api/v1/articles/delivery-costs?locale=it").json()
    assert italian["text"] == "Costa 4,50 €."


@pytest.mark.usefixtures("fee")
def test_approval_needs_a_second_person_and_a_fresh_look(
    client: TestClient, keys: Keys, services: Services
) -> None:
    form = {"value-it": "4,50 €"}
    place = client.post(f"{HOME}/fee/changes", data=form, headers=keys["publisher"]).url.path
    seen = {"seen": seen_on(client.get(place, headers=keys["second"]).text)}
    assert client.post(f"{place}/approval", data=seen, headers=keys["publisher"]).status_code == 403
    assert client.post(f"{place}/approval", data=seen, headers=keys["agent"]).status_code == 403
    stale = client.post(f"{place}/approval", data={"seen": "x"}, headers=keys["second"])
    assert stale.status_code == 409
    live = client.get("/api/v1/articles/delivery-costs?locale=it").json()
    assert live["text"] == "Costa 3,95 €."
    assert client.post(f"{place}/approval", data=seen, headers=keys["second"]).status_code == 200
    again = client.post(f"{place}/approval", data=seen, headers=keys["second"])
    assert again.status_code == 409


@pytest.mark.usefixtures("fee")
def test_change_is_declined_with_a_note_or_taken_back(client: TestClient, keys: Keys) -> None:
    form = {"value-it": "4,50 €"}
    place = client.post(f"{HOME}/fee/changes", data=form, headers=keys["contributor"]).url.path
    assert client.post(f"{place}/withdrawal", headers=keys["second"]).status_code == 403
    declined = client.post(f"{place}/refusal", data={"note": "not yet"}, headers=keys["second"])
    assert "not yet" in declined.text
    other = client.post(f"{HOME}/fee/changes", data=form, headers=keys["contributor"]).url.path
    assert client.post(f"{other}/withdrawal", headers=keys["contributor"]).status_code == 200


@pytest.mark.usefixtures("fee")
def test_people_are_told_of_a_change_once(
    client: TestClient, keys: Keys, services: Services
) -> None:
    with transaction(services.engine) as session:
        mina(session)
    form = {"value-it": "4,50 €"}
    place = client.post(f"{HOME}/fee/changes", data=form, headers=keys["contributor"]).url.path
    seen = {"seen": seen_on(client.get(place, headers=keys["second"]).text)}
    client.post(f"{place}/approval", data=seen, headers=keys["second"])
    with Session(services.engine) as session:
        person = find_person(session, "mina@example.com")
        assert person
        told = session.exec(select(Notification).where(Notification.person_id == person.id)).all()
        about = [n for n in told if n.data["path"] == place.removeprefix("/studio")]
        assert [(n.kind, n.read_at is None) for n in about] == [("submitted", False)]
        assert [n for n in told if n.version == 2] == []


@pytest.mark.usefixtures("fee")
def test_editor_shows_braces_and_previews_words(client: TestClient, keys: Keys) -> None:
    writer = keys["contributor"]
    at = "/studio/articles/delivery-costs/edit"
    page = client.get(f"{at}?in=it", headers=writer).text
    assert "Costa {{fee}}." in page
    form = {"in": "it", "based_on": "1", "title": "Consegna", "answer": "Solo {{fee}}. {{x}}"}
    shown = client.post("/studio/preview/plain", data=form, headers=writer).text
    assert "Solo 3,95 €." in shown
    checks = client.post("/studio/checks", data=form, headers=writer).text
    assert "Readers would see it as it is written here." in checks


@pytest.mark.usefixtures("fee")
def test_words_put_in_place_of_braces_are_no_fact_any_more(
    client: TestClient, keys: Keys, services: Services
) -> None:
    with Session(services.engine) as session:
        category = "delivery"
        assert get_fact(session, "fee").values == FEE
    form = {"in": "it", "based_on": "1", "title": "Consegna", "answer": "Costa 3,95 €."}
    form |= {"category": category, "audience": "public", "action": "save"}
    form |= {"phrasings": "\n".join(DELIVERY_COSTS.phrasings)}
    at = "/studio/articles/delivery-costs/edit"
    saved = client.post(at, data=form, headers=keys["contributor"])
    assert saved.status_code == 200
    versions = client.get("/api/v1/articles/delivery-costs?locale=it").json()["version"]
    assert versions == 1
    page = client.get(f"{HOME}/fee", headers=keys["contributor"]).text
    assert "Nowhere yet." in page


@pytest.mark.usefixtures("fee")
def test_fact_that_is_used_is_not_retired(client: TestClient, keys: Keys) -> None:
    refused = client.post(f"{HOME}/fee/retirement", headers=keys["publisher"])
    assert refused.status_code == 409
    assert client.post(f"{HOME}/fee/retirement", headers=keys["contributor"]).status_code == 403


def test_what_is_not_there_is_not_found(client: TestClient, keys: Keys, engine: Engine) -> None:
    assert client.get(f"{HOME}/no-such", headers=keys["admin"]).status_code == 404
    assert client.get(f"{HOME}/changes/7", headers=keys["admin"]).status_code == 404
    assert client.post(f"{HOME}/changes/7/approval", headers=keys["admin"]).status_code == 404
    with Session(engine) as session:
        assert session.exec(select(FactChange)).all() == []


def test_many_facts_are_listed_with_few_statements(
    client: TestClient, keys: Keys, services: Services
) -> None:
    with transaction(services.engine) as session:
        for number in range(60):
            name_fact(session, f"fee-{number}", FEE, tariq(session))
    asked: list[str] = []
    event.listen(services.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    page = client.get(HOME, headers=keys["contributor"]).text
    assert page.count("fact-row") == 60
    assert len(asked) <= 40
